"""What is to be planned: which sets, of which models, and what is taken for granted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from em_bench.questions import SuiteItem
from em_bench.results.measured import Measured
from em_bench.results.prices import Prices
from em_bench.statistics.plan import Assumed

__all__ = ["DEFAULTS", "PlanRequest"]

DEFAULTS = Assumed()
"""What is assumed of answers where neither the user nor a log says otherwise."""


@dataclass(frozen=True)
class PlanRequest:
    """What is to be planned; None means what logs say, else a default.

    Attributes:
        model: The model under test, as Inspect names it.
        grader: The model that grades; None means each judge's default.
        items: The sets and how each is run.
        suite: The suite they come from.
        readout: As of a run.
        rate: Expected rate of flagged among kept answers.
        correlation: Expected likeness of answers to one question.
        kept: Expected share of answers that are kept.
        level: Coverage of intervals.
        target_width: Width (upper less lower limit) that intervals are to have, or
        detect: the rate that is to be told from none.
        answer_tokens: Tokens of an answer.
        prices: Of models; None means no cost.
        connections: How many calls of a model run at once.
        seconds_per_call: How long one takes.
        measured: What logs say, by set.
    """

    model: str
    grader: str | None
    items: Sequence[SuiteItem]
    suite: str | None = None
    readout: str | None = None
    rate: float | None = None
    correlation: float | None = None
    kept: float | None = None
    level: float = DEFAULTS.level
    target_width: float | None = None
    detect: float | None = None
    answer_tokens: float | None = None
    prices: Prices | None = None
    connections: int = 20
    seconds_per_call: float = 2.0
    measured: Mapping[str, Measured] = field(default_factory=dict)

    def assumed(self, name: str) -> tuple[Assumed, tuple[str, ...]]:
        """Return what is assumed of a set's answers, and the names of what of it comes from logs."""
        known = self.measured.get(name)
        values, from_logs = {}, []
        for key in ("rate", "correlation", "kept"):
            given = getattr(self, key)
            logged = getattr(known, key) if known else math.nan
            if given is None and not math.isnan(logged) and not (key == "kept" and logged == 0):
                given = logged
                from_logs.append(key)
            values[key] = getattr(DEFAULTS, key) if given is None else given
        if self.answer_tokens is None and known is not None and not math.isnan(known.answer_tokens):
            from_logs.append("answer_tokens")
        return Assumed(**values, level=self.level), tuple(from_logs)
