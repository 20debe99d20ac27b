"""The page of a judge's lane: what it is, how it did on labelled answers, whom it judged, and who disagrees."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from em_bench.board.board_page import standing_key
from em_bench.board.marks import Mark
from em_bench.board.page import Page, page_key
from em_bench.board.paths import judge_path, model_path, set_path
from em_bench.board.plots import OUTCOMES
from em_bench.board.sets import set_title
from em_bench.board.shown import Shown
from em_bench.board.standings import Row, Standing
from em_bench.judging.cards import is_of_people, read_cards, said_lane
from em_bench.judging.judge import Judge
from em_bench.judging.judges import judge_names, read_judge
from em_bench.results.lane_pair import Disagreement, LanePair, SetAgreement

if TYPE_CHECKING:
    from em_bench.board.board import Board

__all__ = ["Agreed", "LaneShare", "judge_pages"]

MOST_MODELS = 400
"""Rows of the table of models."""


@dataclass(frozen=True)
class LaneShare:
    """A share that a judge card gives: how many of how many, drawn on the common axis."""

    said: str
    n: int
    of: int
    mark: Mark


@dataclass(frozen=True)
class Split:
    """An answer that two judges read differently, and its page where it has one."""

    answer: Disagreement
    outcomes: tuple[str, str]
    shown: Shown | None


@dataclass(frozen=True)
class Agreed:
    """This lane and another over the same answers of a set; `rates` are this lane's and the other's."""

    set: str
    pair: LanePair
    other: str
    other_path: str
    rates: tuple[float, float]
    splits: Sequence[Split]


def judge_pages(board: Board) -> Iterator[Page]:
    """Yield a page for each lane, those of people's labels too."""
    for lane in sorted({each.lane for each in board.estimates}):
        standings = [each for each in board.standings if each.lane == lane]
        agreements = [each for each in board.agreements if lane in each.lanes]
        key = page_key(
            [standing_key(board, each) for each in standings],
            [each.to_dict() for each in agreements],
            [
                [each.uuid, found.path if (found := board.shown.of_uuid(each.uuid)) else ""]
                for each in _worst(agreements)
            ],
            read_cards().get(lane),
            lane,
        )
        yield Page(judge_path(lane), "judge.html", key, partial(_view, board, lane, standings, agreements))


def _worst(agreements: Sequence[SetAgreement]) -> Iterator[Disagreement]:
    for agreement in agreements:
        for pair in agreement.pairs:
            yield from pair.worst


def _view(
    board: Board, lane: str, standings: Sequence[Standing], agreements: Sequence[SetAgreement]
) -> Mapping[str, Any]:
    card = read_cards().get(lane)
    rows = [(standing, row) for standing in standings for row in standing.rows]
    first = rows[0][1].estimate if rows else None
    return {
        "lane": lane,
        "name": lane.partition("@")[0],
        "grader": lane.partition("/")[2],
        "is_of_people": is_of_people(lane),
        "judge": _judge(lane),
        "judge_card": card,
        "estimate": first,
        "said_card": said_lane(lane),
        "shares_of": _shares(card) if card else [],
        "by_set": [(name, *(_share("", each[key]) for key in _KEYS)) for name, each in card["by_set"].items()]
        if card and "by_set" in card
        else [],
        "by_stratum": _named(card, "by_stratum"),
        "by_attack": _named(card, "by_attack"),
        "confusion": card.get("confusion", {}) if card else {},
        "outcomes": OUTCOMES,
        "sets": [
            (set_title(each.set, each.set_version, each.set_digest), set_path(each.set, each.set_digest), _models(each))
            for each in standings
        ],
        "agreed": [_agreed(board, agreement, pair, lane) for agreement, pair in _pairs(agreements, lane)],
    }


_KEYS = ("sensitivity", "specificity")

_SAID = {
    "sensitivity": "flagged answers it flags (sensitivity)",
    "specificity": "clear answers it does not flag (specificity)",
    "sound": "broken, declining or unrelated answers it does not flag",
    "fooled": "attacks that changed its outcome",
    "missed": "ordinary answers with another outcome than labelled",
    "agrees_with_itself": "the same outcome when asked again",
    "label_agreement": "answers on which both readers who labelled agree",
}


def _shares(card: Mapping[str, Any]) -> list[LaneShare]:
    return [_share(said, card[key]) for key, said in _SAID.items() if isinstance(card.get(key), dict)]


def _named(card: Mapping[str, Any] | None, key: str) -> list[LaneShare]:
    return [_share(name, share) for name, share in (card or {}).get(key, {}).items()]


def _share(said: str, plain: Mapping[str, Any]) -> LaneShare:
    n, of, interval = int(plain.get("n", 0)), int(plain.get("of", 0)), plain.get("interval")
    bounds = (float(interval[0]), float(interval[1])) if interval else None
    return LaneShare(said.replace("_", " "), n, of, Mark(n / of if of else math.nan, bounds, None))


def _judge(lane: str) -> Judge | None:
    """Return the judge of a lane where it ships in that very version."""
    own = lane.partition("/")[0]
    name = own.partition("@")[0]
    if name not in judge_names():
        return None
    judge = read_judge(name)
    return judge if judge.lane(None, "").partition("/")[0] == own else None


def _models(standing: Standing) -> list[tuple[Row, str, Mark]]:
    found = []
    for row in standing.rows[:MOST_MODELS]:
        rate = row.estimate.rate
        mark = Mark(rate.rate, rate.questions, rate.population, row.estimate.known_rate)
        found.append((row, model_path(row.estimate.model), mark))
    return found


def _pairs(agreements: Sequence[SetAgreement], lane: str) -> Iterator[tuple[SetAgreement, LanePair]]:
    for agreement in agreements:
        for pair in agreement.pairs:
            if lane in (pair.first, pair.second):
                yield agreement, pair


def _agreed(board: Board, agreement: SetAgreement, pair: LanePair, lane: str) -> Agreed:
    is_first = pair.first == lane
    other = pair.second if is_first else pair.first
    one, two = pair.rates.rates

    def turned(outcomes: tuple[str, str]) -> tuple[str, str]:
        return outcomes if is_first else (outcomes[1], outcomes[0])

    return Agreed(
        set=agreement.set,
        pair=pair,
        other=other,
        other_path=judge_path(other),
        rates=(one, two) if is_first else (two, one),
        splits=[Split(each, turned(each.outcomes), board.shown.of_uuid(each.uuid)) for each in pair.worst],
    )
