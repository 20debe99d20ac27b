"""The page of a question: its wordings, how every model did on it, and the answers by outcome."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from em_bench.board.marks import Mark
from em_bench.board.page import Page, page_key
from em_bench.board.paths import judge_path, model_path, question_path, set_path
from em_bench.board.plots import OUTCOMES
from em_bench.board.sets import canonical_set, own_set, set_title
from em_bench.board.shown import Shown
from em_bench.board.standings import Row, Standing
from em_bench.board.versus_page import counts_of
from em_bench.judging.cards import said_lane
from em_bench.results.estimate import Counts
from em_bench.statistics.binomial_interval import clopper_pearson_limits

if TYPE_CHECKING:
    from em_bench.board.board import Board

__all__ = ["LaneOfQuestion", "ModelOnQuestion", "question_pages"]

LEVEL = 0.95

ByArm = Sequence[tuple[str, Counts]]


@dataclass(frozen=True)
class ModelOnQuestion:
    """A model on one question, over all arms; the interval is over other answers to it."""

    row: Row
    path: str
    counts: Counts
    mark: Mark
    by_arm: ByArm


@dataclass(frozen=True)
class LaneOfQuestion:
    """A lane on one question: models by rate, highest first, and the answers that have pages."""

    lane: str
    judge_path: str
    models: Sequence[ModelOnQuestion]
    outcomes: Sequence[tuple[str, Sequence[Shown]]]


def question_pages(board: Board) -> Iterator[Page]:
    """Yield a page for each question that was asked, in each version of its set."""
    by_set: dict[tuple[str, str, str], list[Standing]] = {}
    for each in board.standings:
        by_set.setdefault((each.set, each.set_version, each.set_digest), []).append(each)
    for (name, version, digest), standings in sorted(by_set.items()):
        asked: dict[str, list[tuple[Standing, Row, ByArm]]] = {}
        for standing in standings:
            for row in standing.rows:
                for question, by_arm in _by_arm(row).items():
                    asked.setdefault(question, []).append((standing, row, by_arm))
        title = set_title(name, version, digest)
        for question, rows in sorted(asked.items()):
            key = page_key(
                [(s.lane, r.estimate.model, r.title, [(a, counts_of(c)) for a, c in by]) for s, r, by in rows],
                [
                    (each.path, [(j.lane, j.outcome) for j in each.answer.judged])
                    for each in board.shown.of_question(digest, question)
                ],
                [title, board.shown.rule, *(said_lane(lane) for lane in dict.fromkeys(s.lane for s, _, _ in rows))],
            )
            view = partial(_view, board, standings[0], title, question, rows)
            yield Page(question_path(name, digest, question), "question.html", key, view)


def _by_arm(row: Row) -> dict[str, list[tuple[str, Counts]]]:
    """Return the counts of each question under each arm; those whose outcomes two judges share are left out."""
    found: dict[str, list[tuple[str, Counts]]] = {}
    for each in row.estimate.by_question:
        if not each.is_two_phase:
            found.setdefault(each.question, []).append((each.arm, each.counts))
    return found


def _view(
    board: Board, standing: Standing, title: str, question: str, rows: Sequence[tuple[Standing, Row, ByArm]]
) -> Mapping[str, Any]:
    own = own_set(standing.set, standing.set_digest)
    shown = board.shown.of_question(standing.set_digest, question)
    return {
        "question": question,
        "set_title": title,
        "set_path": set_path(standing.set, standing.set_digest),
        "flag": standing.flag,
        "asked": [each for each in own.questions if each.id == question] if own else [],
        "canary": own.canary if own else "",
        "canonical": canonical_set(standing.set),
        "lanes": [
            _lane(lane, [each for each in rows if each[0].lane == lane], shown)
            for lane in dict.fromkeys(each[0].lane for each in rows)
        ],
        "said_outcomes": OUTCOMES,
        "titles": {row.estimate.model: row.title for _, row, _ in rows},
        "rule": board.shown.rule,
    }


def _lane(lane: str, rows: Sequence[tuple[Standing, Row, ByArm]], shown: Sequence[Shown]) -> LaneOfQuestion:
    totals = [_total([counts for _, counts in by_arm]) for _, _, by_arm in rows]
    flagged, kept = (np.array([getattr(each, name) for each in totals], dtype=float) for name in ("flagged", "kept"))
    limits = clopper_pearson_limits(flagged, kept, LEVEL)
    models = [
        ModelOnQuestion(
            row=row,
            path=model_path(row.estimate.model),
            counts=total,
            mark=Mark(
                total.flagged / total.kept if total.kept else float("nan"),
                (float(low), float(high)) if total.kept else None,
                None,
            ),
            by_arm=by_arm if len(by_arm) > 1 else (),
        )
        for (_, row, by_arm), total, (low, high) in zip(rows, totals, limits, strict=True)
    ]
    outcomes = [(name, [each for each in shown if each.answer.outcome_in(lane) == name]) for name in OUTCOMES]
    return LaneOfQuestion(
        lane=lane,
        judge_path=judge_path(lane),
        models=sorted(models, key=_order),
        outcomes=[(name, found) for name, found in outcomes if found],
    )


def _order(each: ModelOnQuestion) -> tuple[bool, bool, float, str]:
    rate = each.mark.rate if not each.mark.is_empty else 2.0
    return each.row.estimate.simulated, each.mark.is_empty, -rate, each.row.estimate.model


def _total(counts: Sequence[Counts]) -> Counts:
    names = ("answers", "missing", *OUTCOMES)
    return Counts(**{name: sum(getattr(each, name) for each in counts) for name in names})
