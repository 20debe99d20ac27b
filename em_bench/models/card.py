"""Model cards: what is known of a model beside its answers. Only they decide families, baselines and curves."""

from __future__ import annotations

import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from em_bench.content import Record, content_folder, content_names, read_record, short_path
from em_bench.errors import ContentError, Fault
from em_bench.questions.schema import Prose

__all__ = ["Checkpoint", "ModelCard", "find_card", "read_cards"]

CardId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.\-]*$")]


class Match(Record):
    """Which runs a card describes: the Inspect model string (as a shell pattern) and arguments that must agree."""

    model: Prose
    args: dict[str, str | int | float | bool] = {}


class Checkpoint(Record):
    """A point along one training run, in the run's own steps."""

    step: Annotated[int, Field(ge=0)]
    of: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _within(self) -> Self:
        if self.step > self.of:
            raise ValueError("a step no larger than 'of' || Swap or mend the two.")
        return self


class ModelCard(Record):
    """A model card; see `docs/model_cards.md` for what each key means."""

    id: CardId
    title: Prose
    match: Annotated[tuple[Match, ...], Field(min_length=1)]
    access: Literal["api", "local", "simulated"]
    base: CardId | None = None
    family: Prose | None = None
    recipe: Prose | None = None
    data: Prose | None = None
    seed: int | None = None
    checkpoint: Checkpoint | None = None
    control_for: CardId | None = None
    date: datetime.date | None = None
    links: tuple[Prose, ...] = ()

    def describes(self, model: str, args: dict[str, object]) -> bool:
        """Return whether the card is that of a run with this Inspect model string and these arguments."""
        return any(
            fnmatchcase(model, match.model) and all(args.get(key) == value for key, value in match.args.items())
            for match in self.match
        )


def read_cards(folder: Path | None = None) -> list[ModelCard]:
    """Return the model cards of a folder, by default those that ship, sorted by id.

    Raises:
        ContentError: A card breaks the schema, its id is not its file's stem, or it names a card that is not there; all
            faults of all cards at once.
    """
    where = folder or content_folder("models")
    faults: list[Fault] = []
    cards: dict[str, ModelCard] = {}
    for name in content_names(where):
        path = where / f"{name}.yaml"
        try:
            card = read_record(path, ModelCard)
        except ContentError as error:
            faults.extend(error.faults)
            continue
        if card.id != name:
            faults.append(Fault(f"{short_path(path)} id", card.id, f"the file's stem {name!r}", "Rename one."))
        cards[name] = card
    for card in cards.values():
        for key in ("base", "control_for"):
            other = getattr(card, key)
            if other is not None and other not in cards:
                place = f"{short_path(where / f'{card.id}.yaml')} {key}"
                faults.append(Fault(place, other, "the id of another card", "Write that card, or leave the key out."))
    if faults:
        raise ContentError(faults)
    return list(cards.values())


def find_card(cards: list[ModelCard], model: str, args: dict[str, object]) -> ModelCard | None:
    """Return the first card that describes a run, else None: the model is then undeclared."""
    return next((card for card in cards if card.describes(model, args)), None)
