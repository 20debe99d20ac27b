"""The page of a model: how often it is flagged on each set, on what, beside its base, and the answers themselves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from em_bench.board.answer_page import answer_pages
from em_bench.board.board_page import ACCESS, standing_key
from em_bench.board.differences import QuestionGap, question_gaps
from em_bench.board.marks import Mark
from em_bench.board.page import Page, page_key
from em_bench.board.paths import judge_path, model_path, pair_path, question_path, set_path, versus_path
from em_bench.board.plots import CurvePoint, Segment, composition, curve_points, shade
from em_bench.board.sets import set_title
from em_bench.board.shown import Shown
from em_bench.board.standings import Change, Row, Standing
from em_bench.board.submitted import SUBMISSIONS, Submitted, borne_out
from em_bench.board.training import TrainingCurve, training_curve, training_rows
from em_bench.content import sha256_of
from em_bench.results.estimate import Counts, Estimate
from em_bench.results.labels import said_args

if TYPE_CHECKING:
    from em_bench.board.board import Board
    from em_bench.results.texts import AnswerText

__all__ = ["SetBlock", "estimate_mark", "model_pages"]

N_FLAGGED = 10
"""Flagged answers of a set that stand on a model's own page."""


@dataclass(frozen=True)
class ArmRow:
    """A model under one arm of a set, or all."""

    estimate: Estimate
    mark: Mark


@dataclass(frozen=True)
class HeatCell:
    """A question under an arm; `shade` is one of nine, None where the rate is not known."""

    counts: Counts
    rate: float | None
    shade: int | None


@dataclass(frozen=True)
class HeatRow:
    """A question under each arm; None stands for one that was not asked."""

    question: str
    path: str
    cells: tuple[HeatCell | None, ...]


@dataclass(frozen=True)
class Against:
    """A model and its base: the difference, question by question, and the page that says more."""

    change: Change
    path: str
    gaps: Sequence[QuestionGap]


@dataclass(frozen=True)
class SetBlock:
    """A model on one set in one lane."""

    number: int
    title: str
    standing: Standing
    set_path: str
    judge_path: str
    arms: Sequence[ArmRow]
    whole: ArmRow
    segments: Sequence[Segment]
    heat_arms: Sequence[str]
    heat: Sequence[HeatRow]
    against: Against | None
    sweep: Sequence[tuple[int, float]]
    sweep_points: Sequence[CurvePoint]
    training: TrainingCurve | None
    flagged: Sequence[tuple[Shown, AnswerText]]
    others: Sequence[tuple[str, Sequence[Shown]]]

    @property
    def paths(self) -> Mapping[str, str]:
        """The page of each question."""
        return {row.question: row.path for row in self.heat}

    @property
    def sweep_marks(self) -> list[tuple[float, str]]:
        """Where the thresholds stand below their curve."""
        return [(point.x, str(mark)) for point, (mark, _) in zip(self.sweep_points, self.sweep, strict=True)]


def estimate_mark(estimate: Estimate) -> Mark:
    """Return the interval mark of an estimate."""
    return Mark(estimate.rate.rate, estimate.rate.questions, estimate.rate.population, estimate.known_rate)


def model_pages(board: Board) -> Iterator[Page]:
    """Yield the page of each model, and after it those of its answers: what is read for the one serves the others."""
    arms: dict[str, list[Estimate]] = {}
    for each in board.estimates:
        arms.setdefault(each.model, []).append(each)
    for model in board.rows:
        own = arms[model]
        yield Page(model_path(model), "model.html", _key(board, model, own), partial(_view, board, model, own))
        yield from answer_pages(board, model)


def _key(board: Board, model: str, estimates: Sequence[Estimate]) -> str:
    """Return a digest of the model's own numbers and answers, and those of its base and of its run."""
    beside: list[object] = []
    for standing, row in board.rows[model]:
        change = standing.changes.get(model)
        others = [other for _, other in training_rows(standing, row)] + ([change.base] if change else [])
        beside.append([standing_key(board, replace(standing, rows=(row, *others))), standing.lane])
    own = [board.key_of(each) for each in estimates]
    cards = [card.model_dump(mode="json") for card in board.cards]
    shown = board.shown.key(board.shown.of_model(model))
    return page_key(beside, own, cards, shown, board.bundle, repr(_submissions(board, estimates)))


def _view(board: Board, model: str, estimates: Sequence[Estimate]) -> Mapping[str, Any]:
    rows = board.rows[model]
    card = rows[0][1].card
    first = rows[0][1].estimate
    return {
        "model": model,
        "title": rows[0][1].title,
        "model_card": card,
        "access": ACCESS[card.access if card else "undeclared"],
        "relatives": _relatives(board, model),
        "arguments": said_args(first.model_args),
        "estimate": first,
        "logs": _logs(board, estimates),
        "submitted": _submissions(board, estimates),
        "submissions": SUBMISSIONS,
        "versus": versus_path(model),
        "blocks": [_block(board, number, standing, row, estimates) for number, (standing, row) in enumerate(rows, 1)],
        "n_shown": len(board.shown.of_model(model)),
        "rule": board.shown.rule,
        "links": [link for link in card.links if link.startswith(("https://", "http://"))] if card else [],
    }


def _relatives(board: Board, model: str) -> dict[str, tuple[str, str | None]]:
    """Return title and page (None without one) of the models that a model's card names, by the card's key."""
    card = board.rows[model][0][1].card
    by_card = {row.card.id: label for label, rows in board.rows.items() for _, row in rows if row.card is not None}
    titles = {each.id: each.title for each in board.cards}
    named = {"base": card.base, "control_for": card.control_for} if card else {}
    return {
        key: (titles.get(id_, id_), model_path(by_card[id_]) if id_ in by_card else None)
        for key, id_ in named.items()
        if id_ is not None
    }


def _submissions(board: Board, estimates: Sequence[Estimate]) -> list[Submitted]:
    """Return the submissions that hold a log behind any of the estimates, by id."""
    behind = {each.id: each for estimate in estimates for each in borne_out(estimate, board.submitted)[1]}
    return [behind[id_] for id_ in sorted(behind)]


def _logs(board: Board, estimates: Sequence[Estimate]) -> list[tuple[str, str | None]]:
    """Return name and sha256 of each log behind the estimates; None for one that is not on this machine."""
    paths = {PurePath(log).name: log for log in board.logs}
    names = sorted({name for each in estimates for name in each.logs})
    return [(name, _sha256(paths[name]) if name in paths else None) for name in names]


def _sha256(log: str) -> str | None:
    path = Path(log.removeprefix("file://"))
    if "://" in log.removeprefix("file://") or not path.is_file():
        return None
    return sha256_of(path)


def _block(board: Board, number: int, standing: Standing, row: Row, estimates: Sequence[Estimate]) -> SetBlock:
    model, whole = row.estimate.model, row.estimate
    arms = [e for e in estimates if (e.set, e.set_digest, e.lane) == (standing.set, standing.set_digest, standing.lane)]
    change = standing.changes.get(model)
    heat_arms = sorted({each.arm for each in whole.by_question}, key=lambda arm: (arm != "plain", arm))
    sweep = sorted((whole.protocol.sweep if whole.protocol else {}).items())
    shown = [
        each
        for each in board.shown.of_model(model)
        if each.answer.set_digest == standing.set_digest and each.answer.outcome_in(standing.lane)
    ]
    flagged = [each for each in shown if each.answer.outcome_in(standing.lane) == "flagged"][:N_FLAGGED]
    read = board.read_text
    return SetBlock(
        number=number,
        title=set_title(standing.set, standing.set_version, standing.set_digest),
        standing=standing,
        set_path=set_path(standing.set, standing.set_digest),
        judge_path=judge_path(standing.lane),
        arms=[ArmRow(each, estimate_mark(each)) for each in arms] if len(arms) > 1 else [],
        whole=ArmRow(whole, estimate_mark(whole)),
        segments=composition(whole.counts),
        heat_arms=heat_arms,
        heat=_heat(standing, whole, heat_arms),
        against=None
        if change is None
        else Against(
            change,
            pair_path(model, change.base.estimate.model),
            question_gaps(whole, change.base.estimate),
        ),
        sweep=[(mark, rate) for mark, rate in sweep if not math.isnan(rate)],
        sweep_points=curve_points([((mark - sweep[0][0]) / 40, rate, None, None) for mark, rate in sweep]),
        training=training_curve(standing, row),
        flagged=[(each, read(each.answer)) for each in flagged] if read else [],
        others=_by_outcome(shown, standing.lane),
    )


def _heat(standing: Standing, whole: Estimate, arms: Sequence[str]) -> list[HeatRow]:
    """Return the questions by rate over all arms, highest first; those whose rate is not known last."""
    cells: dict[str, dict[str, HeatCell]] = {}
    for each in whole.by_question:
        cell = HeatCell(each.counts, each.rate, None if each.rate is None else shade(each.rate))
        cells.setdefault(each.question, {})[each.arm] = cell
    return [
        HeatRow(
            question,
            question_path(standing.set, standing.set_digest, question),
            tuple(cells[question].get(arm) for arm in arms),
        )
        for question in sorted(cells, key=lambda question: (-_over_arms(cells[question].values()), question))
    ]


def _over_arms(cells: Iterable[HeatCell]) -> float:
    """Return the rate over several arms, -1 where none is known."""
    known = [each.counts for each in cells if each.rate is not None]
    return sum(each.flagged for each in known) / sum(each.kept for each in known) if known else -1.0


def _by_outcome(shown: Sequence[Shown], lane: str) -> list[tuple[str, list[Shown]]]:
    found: dict[str, list[Shown]] = {}
    for each in shown:
        found.setdefault(each.answer.outcome_in(lane) or "", []).append(each)
    return sorted(found.items(), key=lambda item: (item[0] != "flagged", item[0]))
