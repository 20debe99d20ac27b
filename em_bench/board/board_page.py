"""The board page: every model on every set in every lane."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from em_bench.board.marks import Mark
from em_bench.board.page import Page, page_key
from em_bench.board.paths import judge_path, model_path, pair_path, set_path
from em_bench.board.sets import own_set, set_title
from em_bench.board.standings import Row, Standing
from em_bench.board.submitted import SUBMISSIONS, borne_out
from em_bench.judging.cards import said_lane
from em_bench.results.estimate import Counts
from em_bench.statistics import Rank
from em_bench.statistics.sequential import SEQUENCE_METHOD

if TYPE_CHECKING:
    from em_bench.board.board import Board
    from em_bench.board.submission import Badge

__all__ = ["BoardRow", "ChangeFromBase", "Section", "board_pages", "standing_key"]

ACCESS = {"api": "API", "local": "local weights", "simulated": "simulated", "undeclared": "undeclared"}
"""How a model is reached, as pages say it."""


@dataclass(frozen=True)
class ChangeFromBase:
    """Rate less that of the base, -1 to 1, above 0 is worse, with the interval over questions like these."""

    difference: float
    interval: tuple[float, float] | None
    path: str

    @property
    def is_sure(self) -> bool:
        """Whether the interval leaves out no difference."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class BoardRow:
    """A model's row in one section."""

    row: Row
    path: str
    access: str
    about: tuple[str, ...]
    mark: Mark
    counts: Counts
    change: ChangeFromBase | None
    rank: Rank | None
    is_tied: bool


@dataclass(frozen=True)
class Section:
    """One version of a set in one lane: real models, and simulated ones apart."""

    number: int
    standing: Standing
    title: str
    set_path: str
    judge_path: str
    n_asked: int
    n_questions: int | None
    real: Sequence[BoardRow]
    simulated: Sequence[BoardRow]

    @property
    def has_changes(self) -> bool:
        """Whether any model stands here with its base."""
        return any(row.change for row in (*self.real, *self.simulated))


def standing_key(board: Board, standing: Standing) -> str:
    """Return a digest of all that a view of a standing depends on: estimates, model cards and the judge's card."""
    rows = [
        (board.key_of(row.estimate), row.card.model_dump(mode="json") if row.card else None) for row in standing.rows
    ]
    return page_key(rows, said_lane(standing.lane), set_title(standing.set, standing.set_version, standing.set_digest))


def board_pages(board: Board) -> Iterator[Page]:
    """Yield the page that readers open."""
    key = page_key([standing_key(board, standing) for standing in board.standings], repr(board.submitted))
    yield Page("index.html", "board.html", key, lambda: _view(board))


def _view(board: Board) -> Mapping[str, Any]:
    sections = [_section(number, standing, board) for number, standing in enumerate(board.standings, 1)]
    rows = [row for section in sections for row in (*section.real, *section.simulated)]
    dates = sorted({row.row.estimate.date for row in rows} - {""})
    access = {row.access for row in rows}
    return {
        "sections": sections,
        "sets": {section.standing.set_digest: section.title for section in sections},
        "lanes": sorted({section.standing.lane for section in sections}),
        "access": {name: said for name, said in ACCESS.items() if name in access},
        "families": sorted({row.row.card.family for row in rows if row.row.card and row.row.card.family}),
        "n_models": len({row.row.estimate.model for row in rows}),
        "first_day": dates[0] if dates else "",
        "last_day": dates[-1] if dates else "",
        "is_simulated": bool(rows) and all(row.row.estimate.simulated for row in rows),
        "n_submitted": len(board.submitted),
        "submissions": SUBMISSIONS,
        "methods": sorted({row.row.estimate.method for row in rows}),
        "has_protocol": any(row.row.estimate.protocol and row.row.estimate.protocol.rate is not None for row in rows),
    }


def _section(number: int, standing: Standing, board: Board) -> Section:
    titles = {card.id: card.title for card in board.cards}
    groups = [rank.group for rank in standing.ranks.values()]
    rows = [_row(row, standing, titles, groups, board) for row in standing.rows]
    known = own_set(standing.set, standing.set_digest)
    return Section(
        number=number,
        standing=standing,
        title=set_title(standing.set, standing.set_version, standing.set_digest),
        set_path=set_path(standing.set, standing.set_digest),
        judge_path=judge_path(standing.lane),
        n_asked=max(row.n_questions for row in standing.rows),
        n_questions=known.n_questions if known else None,
        real=[row for row in rows if not row.row.estimate.simulated],
        simulated=[row for row in rows if row.row.estimate.simulated],
    )


def _row(row: Row, standing: Standing, titles: Mapping[str, str], groups: Sequence[int], board: Board) -> BoardRow:
    estimate, model = row.estimate, row.estimate.model
    rank = standing.ranks.get(model)
    change = standing.changes.get(model)
    return BoardRow(
        row=row,
        path=model_path(model),
        access=row.card.access if row.card else "undeclared",
        about=tuple(_about(row, titles, borne_out(estimate, board.submitted)[0])),
        mark=Mark(estimate.rate.rate, estimate.rate.questions, estimate.rate.population, estimate.known_rate),
        counts=estimate.counts,
        change=None
        if change is None
        else ChangeFromBase(
            change.difference.difference,
            change.difference.population,
            pair_path(model, change.base.estimate.model),
        ),
        rank=rank,
        is_tied=rank is not None and groups.count(rank.group) > 1,
    )


def _about(row: Row, titles: Mapping[str, str], badge: Badge | None) -> Iterator[str]:
    """Yield what sets a model apart from others of its name, in words."""
    if row.title != row.estimate.model:
        yield row.estimate.model
    if row.card is None:
        yield "undeclared"
    else:
        yield ACCESS[row.card.access]
        if row.card.family and row.card.family not in row.title:
            yield row.card.family
        if row.card.base:
            yield f"tuned from {titles.get(row.card.base, row.card.base)}"
    if row.estimate.recorded:
        yield "recorded elsewhere"
    if badge is not None:
        yield badge
    if row.estimate.method == SEQUENCE_METHOD:
        yield "stopped by a rule"
    if row.estimate.arm != "plain":
        yield f"arm {row.estimate.arm}"
