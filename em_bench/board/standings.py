"""Standings: the estimates of one set in one lane, side by side; lanes never mix."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from em_bench.models.card import ModelCard, find_card
from em_bench.results import ALL_ARMS, Estimate

__all__ = ["Row", "Standing", "make_standings"]


@dataclass(frozen=True)
class Row:
    """One model's place: its estimate, and its card where it has one."""

    estimate: Estimate
    card: ModelCard | None

    @property
    def upper(self) -> float:
        """The upper bound of the population interval (of the questions interval where there is none); 1 if neither."""
        interval = self.estimate.rate.population or self.estimate.rate.questions
        return interval[1] if interval else 1.0


@dataclass(frozen=True)
class Standing:
    """One set in one lane: real models first, then simulated ones, each by upper bound, most reassuring first."""

    set: str
    lane: str
    flag: str
    rows: tuple[Row, ...]


def make_standings(estimates: Sequence[Estimate], cards: list[ModelCard]) -> list[Standing]:
    """Return a standing for each set and lane; a model with several arms stands with all of them together.

    Args:
        estimates: As `estimate_answers` gives them.
        cards: As `read_cards` gives them.
    """
    several = {(e.set, e.lane, e.model) for e in estimates if e.arm == ALL_ARMS}
    grouped: dict[tuple[str, str, str], list[Row]] = {}
    for estimate in estimates:
        if estimate.arm == ALL_ARMS or (estimate.set, estimate.lane, estimate.model) not in several:
            name, _, args = estimate.model.partition(" ")
            card = find_card(cards, name, json.loads(args) if args else {})
            grouped.setdefault((estimate.set, estimate.lane, estimate.flag), []).append(Row(estimate, card))
    return [
        Standing(set_name, lane, flag, tuple(sorted(rows, key=lambda row: (row.estimate.simulated, row.upper))))
        for (set_name, lane, flag), rows in sorted(grouped.items(), key=lambda item: item[0])
    ]
