"""Submissions as a site shows them: what each handed in, and how far it was borne out."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from em_bench.board.marks import Mark
from em_bench.board.page import Page, page_key
from em_bench.board.paths import model_path
from em_bench.board.submission import Badge

if TYPE_CHECKING:
    from em_bench.board.board import Board
    from em_bench.results.estimate import Estimate

__all__ = [
    "BADGES",
    "SUBMISSIONS",
    "Handed",
    "Submitted",
    "borne_out",
    "submission_pages",
]

SUBMISSIONS = "submissions.html"

BADGES: tuple[Badge, ...] = ("self-reported", "recomputed", "reproduced")
"""What a submission may have earned, the least first."""


@dataclass(frozen=True)
class Handed:
    """A rate as it was handed in."""

    model: str
    set: str
    arm: str
    lane: str
    flagged: int
    kept: int
    answers: int
    mark: Mark


@dataclass(frozen=True)
class Submitted:
    """One submission; without a badge it was refused, and nothing of it is shown but the reasons.

    `logs` are the file names of its logs, where they are on the board; `address` is where they are published; `rows`
    are what was handed in, where no log bears it out.
    """

    id: str
    badge: Badge | None
    title: str = ""
    submitted_by: str = ""
    date: datetime.date | None = None
    models: tuple[str, ...] = ()
    notes: str = ""
    address: str = ""
    reasons: tuple[str, ...] = ()
    n_reasons: int = 0
    logs: tuple[str, ...] = ()
    rows: tuple[Handed, ...] = ()


def borne_out(estimate: Estimate, submitted: Sequence[Submitted]) -> tuple[Badge | None, list[Submitted]]:
    """Return the least that any log behind an estimate was borne out by, and the submissions with logs behind it.

    The first is None where a log was not handed in.
    """
    names = frozenset(estimate.logs)
    behind = [each for each in submitted if names.intersection(each.logs)]
    badges = [each.badge for each in behind if each.badge is not None]
    is_covered = names <= frozenset(name for each in behind for name in each.logs)
    return min(badges, key=BADGES.index) if badges and is_covered else None, behind


def submission_pages(board: Board) -> Iterator[Page]:
    """Yield the page that lists what was handed in; none where nothing was."""
    if board.submitted:
        paths = {label: model_path(label) for label in board.rows}
        view = {"submitted": board.submitted, "paths": paths, "n_of": _n_of(board.submitted)}
        yield Page(SUBMISSIONS, SUBMISSIONS, page_key(repr(board.submitted), paths), lambda: view)


def _n_of(submitted: Sequence[Submitted]) -> dict[str, int]:
    counts = {badge: sum(each.badge == badge for each in submitted) for badge in reversed(BADGES)}
    return {badge: n for badge, n in counts.items() if n}
