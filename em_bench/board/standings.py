"""Standings: the estimates of one version of a set in one lane, side by side; lanes never mix."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from em_bench import __version__
from em_bench.board.differences import difference
from em_bench.board.page import page_key
from em_bench.judging.cards import is_of_people
from em_bench.models.card import ModelCard, find_card
from em_bench.results.cache import keep_text, kept_text
from em_bench.results.estimate import Estimate
from em_bench.results.estimates import ALL_ARMS
from em_bench.results.ranking import rank_models
from em_bench.statistics import ModelDifference, Rank

__all__ = ["Change", "Row", "Standing", "make_standings"]


@dataclass(frozen=True)
class Row:
    """One model's place: its estimate, and its card where it has one."""

    estimate: Estimate
    card: ModelCard | None

    @property
    def title(self) -> str:
        """What the model is called on pages: by its card, else its label."""
        return self.card.title if self.card else self.estimate.model

    @property
    def n_questions(self) -> int:
        """How many questions the model was asked."""
        return len({each.question for each in self.estimate.by_question})

    @property
    def upper(self) -> float:
        """The upper bound of the population interval (of the questions interval where there is none); 1 if neither."""
        interval = self.estimate.rate.population or self.estimate.rate.questions
        return interval[1] if interval else 1.0


@dataclass(frozen=True)
class Change:
    """How much more often a model is flagged than its base, on what both were asked."""

    base: Row
    difference: ModelDifference


@dataclass(frozen=True)
class Standing:
    """One version of a set in one lane: real models first, then simulated ones, each by upper bound, lowest first.

    Of a two-sided set they are in the order of their names.
    """

    set: str
    set_version: str
    set_digest: str
    lane: str
    flag: str
    rows: tuple[Row, ...]

    @property
    def is_examined(self) -> bool:
        """Whether the lane's judge was examined on labelled answers; if not, its models are not ranked."""
        return self.rows[0].estimate.examined

    @property
    def is_two_sided(self) -> bool:
        """Whether neither a low rate nor a high one is good by itself: such models are not ranked, but by name."""
        return self.rows[0].estimate.two_sided

    @cached_property
    def ranks(self) -> Mapping[str, Rank]:
        """The possible ranks of each real model with a kept answer, by its label; none where the lane has no ranking.

        Every two models are compared, which takes some seconds for 200 of them.
        """
        real = [row.estimate for row in self.rows if not row.estimate.simulated and row.estimate.rate.n_kept]
        if not self.is_examined or self.is_two_sided or len(real) < 2:
            return {}
        return dict(zip((each.model for each in real), _kept_ranks(real), strict=True))

    @cached_property
    def changes(self) -> Mapping[str, Change]:
        """The difference of each model from its base, by the model's label, where the base stands here in that arm."""
        by_card: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            if row.card is not None:
                by_card.setdefault((row.card.id, row.estimate.arm), []).append(row)
        found = {}
        for row in self.rows:
            bases = by_card.get((row.card.base, row.estimate.arm), []) if row.card and row.card.base else []
            if len(bases) == 1:
                change = difference(row.estimate, bases[0].estimate)
                if not math.isnan(change.difference):
                    found[row.estimate.model] = Change(bases[0], change)
        return found


def _kept_ranks(estimates: Sequence[Estimate]) -> list[Rank]:
    """Return what `rank_models` gives, kept from when it was asked for the same counts before."""
    counts = [[each.model, [rate.to_dict() for rate in each.by_question]] for each in estimates]
    name = page_key(__version__, counts)
    try:
        return [Rank(*each) for each in json.loads(kept_text(_RANKS, name) or "")]
    except (ValueError, TypeError):
        found = rank_models(estimates)
        keep_text(_RANKS, name, json.dumps([[rank.low, rank.high, rank.group] for rank in found]))
        return found


_RANKS = "ranks"


def make_standings(estimates: Sequence[Estimate], cards: list[ModelCard]) -> list[Standing]:
    """Return a standing for each set and lane; a model with several arms stands with all of them together.

    People's labels have none: they are a sample, there to check judges by.

    Args:
        estimates: As `estimate_answers` gives them.
        cards: As `read_cards` gives them.
    """
    several = {(e.set_digest, e.lane, e.model) for e in estimates if e.arm == ALL_ARMS}
    grouped: dict[tuple[str, str, str, str, str], list[Row]] = {}
    for each in estimates:
        if is_of_people(each.lane):
            continue
        if each.arm == ALL_ARMS or (each.set_digest, each.lane, each.model) not in several:
            args = json.loads(each.model_args) if each.model_args else {}
            key = (each.set, each.set_version, each.set_digest, each.lane, each.flag)
            grouped.setdefault(key, []).append(Row(each, find_card(cards, each.model_name, args)))
    return [
        Standing(set_, version, digest, lane, flag, tuple(sorted(rows, key=_order)))
        for (set_, version, digest, lane, flag), rows in sorted(grouped.items(), key=lambda item: item[0])
    ]


def _order(row: Row) -> tuple[bool, float, str]:
    upper = 0.0 if row.estimate.two_sided else row.upper
    return row.estimate.simulated, upper, row.estimate.model
