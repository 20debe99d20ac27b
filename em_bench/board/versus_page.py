"""The page of a model against every other model, set by set and lane by lane."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from em_bench.board.compare_page import FEW_MODELS, Pair, declared_pairs
from em_bench.board.differences import every_difference
from em_bench.board.page import Page, page_key
from em_bench.board.paths import judge_path, model_path, pair_path, set_path, versus_path
from em_bench.board.plots import gap_position
from em_bench.board.sets import set_title
from em_bench.board.standings import Row, Standing
from em_bench.board.words import points
from em_bench.judging.cards import said_lane
from em_bench.results.estimate import Counts
from em_bench.results.table import said_rate
from em_bench.statistics.all_differences import AllDifferences

if TYPE_CHECKING:
    from em_bench.board.board import Board

__all__ = ["MOST_ROWS", "VersusRow", "VersusSet", "counts_of", "versus_pages"]

MOST_ROWS = 50
"""Models that are listed by name, those with the nearest rates; the others are counted."""

counts_of: Callable[[Counts], tuple[int, ...]] = attrgetter(
    "answers", "missing", "flagged", "clear", "incoherent", "refusal", "off_topic", "unscored"
)
"""Counts as plain numbers, for keys of pages."""


@dataclass(frozen=True)
class VersusRow:
    """Another model, and how much more often this one is flagged: numbers as pages say them, places in pixels."""

    title: str
    path: str
    pair_path: str | None
    is_simulated: bool
    rate: str
    points: str
    interval: str
    is_sure: bool
    x: float
    ends: tuple[float, float] | None


@dataclass(frozen=True)
class VersusSet:
    """One model against all others on one set in one lane; the counts are of models whose interval leaves out 0."""

    title: str
    set_path: str
    lane: str
    judge_path: str
    row: Row
    rows: Sequence[VersusRow]
    n_others: int
    n_less: int
    n_more: int


Found = Sequence[tuple[Standing, Callable[[], AllDifferences]]]


def versus_pages(board: Board) -> Iterator[Page]:
    """Yield a page for each model against all others; all differences of a standing are taken at once, if at all."""
    found = [(standing, cache(partial(_differences, standing))) for standing in board.standings]
    keys = {id(standing): _key(standing) for standing in board.standings}
    pairs = set(declared_pairs(board))
    for model, rows in board.rows.items():
        key = page_key(
            [keys[id(standing)] for standing, _ in rows],
            sorted(pair for pair in pairs if model in pair),
            rows[0][1].title,
        )
        yield Page(versus_path(model), "versus.html", key, partial(_view, model, rows[0][1], found, pairs))


def _differences(standing: Standing) -> AllDifferences:
    return every_difference([row.estimate for row in standing.rows])


def _key(standing: Standing) -> str:
    """Return a digest of the counts of all models of a standing, and of what pages call them."""
    rows = [
        (
            row.estimate.model,
            row.title,
            said_rate(row.estimate),
            [
                (each.question, each.arm, each.is_two_phase, *counts_of(each.counts))
                for each in row.estimate.by_question
            ],
        )
        for row in standing.rows
    ]
    title = set_title(standing.set, standing.set_version, standing.set_digest)
    return page_key(rows, title, standing.lane, said_lane(standing.lane))


def _view(model: str, row: Row, found: Found, pairs: set[Pair]) -> Mapping[str, Any]:
    return {
        "title": row.title,
        "model_path": model_path(model),
        "is_simulated": row.estimate.simulated,
        "sets": [
            _on_set(standing, place, gaps(), pairs)
            for standing, gaps in found
            for place, each in enumerate(standing.rows)
            if each.estimate.model == model
        ],
        "few_models": FEW_MODELS,
        "most_rows": MOST_ROWS,
    }


def _on_set(standing: Standing, place: int, gaps: AllDifferences, pairs: set[Pair]) -> VersusSet:
    difference, low, high = (matrix[place].tolist() for matrix in (gaps.difference, gaps.low, gaps.high))
    others = [n for n in range(len(difference)) if n != place and not math.isnan(difference[n])]
    names = [row.estimate.model for row in standing.rows]
    nearest = sorted(others, key=lambda n: (abs(difference[n]), names[n]))[:MOST_ROWS]
    return VersusSet(
        title=set_title(standing.set, standing.set_version, standing.set_digest),
        set_path=set_path(standing.set, standing.set_digest),
        lane=standing.lane,
        judge_path=judge_path(standing.lane),
        row=standing.rows[place],
        rows=[
            _row(standing.rows[n], names[place], difference[n], low[n], high[n], pairs)
            for n in sorted(nearest, key=lambda n: (-difference[n], names[n]))
        ],
        n_others=len(others),
        n_less=sum(low[n] > 0 for n in others),
        n_more=sum(high[n] < 0 for n in others),
    )


def _row(other: Row, model: str, difference: float, low: float, high: float, pairs: set[Pair]) -> VersusRow:
    label = other.estimate.model
    pair = next((each for each in ((model, label), (label, model)) if each in pairs), None)
    has_interval = not math.isnan(low)
    return VersusRow(
        title=other.title,
        path=model_path(label),
        pair_path=pair_path(*pair) if pair else None,
        is_simulated=other.estimate.simulated,
        rate=said_rate(other.estimate),
        points=points(difference),
        interval=f"{points(low)} to {points(high)}" if has_interval else "no interval",
        is_sure=low > 0 or high < 0,
        x=gap_position(difference),
        ends=(gap_position(low), gap_position(high)) if has_interval else None,
    )
