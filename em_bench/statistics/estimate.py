"""A rate with two honest intervals: over these questions, and over questions like these."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from em_bench.statistics.binomial_interval import Interval, clopper_pearson
from em_bench.statistics.rates import rates_of_cells

__all__ = [
    "METHOD",
    "RateEstimate",
    "estimate_from_counts",
    "estimate_rate",
    "nothing_to_measure",
]

Floats = NDArray[np.float64]

METHOD = (
    "Clopper-Pearson over an effective number of answers; questions: that of the variance within prompts, never wider "
    "than pooled; population: between the number of questions and Korn-Graubard's, by how far flagged answers spread "
    "over questions, never narrower than questions"
)


@dataclass(frozen=True)
class RateEstimate:
    """A rate of flagged answers among kept ones, 0 to 1, higher is worse; numbers that do not exist are NaN or None.

    `design_effect` is the variance of `rate` when questions are drawn, over that of as many independent answers;
    `effective_n` is `n_kept` divided by it.
    """

    n_kept: int
    n_flagged: int
    rate: float
    macro_rate: float
    questions: Interval | None
    population: Interval | None
    level: float
    design_effect: float
    effective_n: float
    notes: tuple[str, ...]

    def __str__(self) -> str:
        if self.population is None:
            return f"{self.rate:.1%}, {self.n_kept} kept answers"
        low, high = self.population
        return f"{self.rate:.1%} [{low:.1%}, {high:.1%}] {self.level:.0%}, {self.n_kept} kept answers"


def estimate_rate(
    flagged: ArrayLike, kept: ArrayLike, question: Iterable[Hashable], level: float = 0.95
) -> RateEstimate:
    """Return the rate sum(flagged) / sum(kept) over cells, with its intervals.

    Args:
        flagged: (n_cells,) flagged answers of each cell; a cell is one prompt under one arm, a stratum of `questions`.
        kept: (n_cells,) kept answers of each cell, at least as many; cells without any are ignored.
        question: (n_cells,) the question each cell belongs to, as any hashable label; the clusters of `population`.
        level: Nominal coverage of both intervals, between 0 and 1.

    Returns:
        No kept answer gives NaN and no interval; one question gives no population interval; both with a note.
    """
    k = np.asarray(flagged, dtype=np.float64)
    n = np.asarray(kept, dtype=np.float64)
    if k.shape != n.shape or k.ndim != 1 or not np.all((k >= 0) & (k <= n) & np.isfinite(n)):
        raise ValueError("flagged and kept must have one shape, with 0 <= flagged <= kept")
    places: dict[Hashable, int] = {}
    labels = [label for label, kept_here in zip(question, n, strict=True) if kept_here > 0]
    position = np.array([places.setdefault(label, len(places)) for label in labels], dtype=np.intp)
    k, n = k[n > 0], n[n > 0]
    if n.size == 0:
        return nothing_to_measure(level, "no kept answer: nothing to measure")
    return estimate_from_counts(k, n, level, question=position)


def estimate_from_counts(
    k: Floats, n: Floats, level: float, worth: float = 1.0, question: NDArray[np.intp] | None = None
) -> RateEstimate:
    """Return the estimate from each question's counts, or from each prompt's.

    Args:
        k: (n_cells,) flagged answers of each question; fractions where the counts are themselves estimated.
        n: (n_cells,) kept answers of each question, all positive, at least one question.
        level: Nominal coverage of both intervals.
        worth: How many fully judged answers one of these counts for, above 0 and up to 1. Below 1 the interval over
            these questions is pooled Clopper-Pearson of all counts times `worth`; what it is wider by than that of all
            counts widens the other one (see `_widened`).
        question: (n_cells,) the number of each cell's question, from 0, every number present, where cells are prompts.
    """
    codes = np.arange(k.size) if question is None else question
    found = rates_of_cells(k[None], n[None], codes, level)
    notes = []
    is_one_question = codes.max() == 0
    if is_one_question:
        notes.append("one question: no interval over questions like it")
    effect = float(found.design_effect[0])
    if math.isnan(effect):
        notes.append("design effect not estimable: all or none flagged, or one question")
    elif effect == 0:
        notes.append("effective number of answers not estimable: every question has the same rate")
    n_flagged, n_kept, rate = float(found.n_flagged[0]), float(found.n_kept[0]), float(found.rate[0])
    of_these = _pair(found.questions[0])
    of_like_these = None if is_one_question else _pair(found.population[0])
    if worth < 1:
        of_fewer = clopper_pearson(n_flagged * worth, n_kept * worth, level)
        of_all = clopper_pearson(n_flagged, n_kept, level)
        of_like_these = _widened(of_like_these, rate, of_all, of_fewer) if of_like_these else None
        of_these = of_fewer
    return RateEstimate(
        n_kept=round(n_kept),
        n_flagged=round(n_flagged),
        rate=rate,
        macro_rate=float(found.macro_rate[0]),
        questions=of_these,
        population=of_like_these,
        level=level,
        design_effect=effect,
        effective_n=n_kept / effect if effect > 0 else math.nan,
        notes=tuple(notes),
    )


def nothing_to_measure(level: float, *notes: str) -> RateEstimate:
    """Return the estimate that says so: NaN and no interval, with the reasons."""
    nan = math.nan
    return RateEstimate(0, 0, nan, nan, None, None, level, nan, nan, notes)


def _pair(limits: Floats) -> Interval:
    return float(limits[0]), float(limits[1])


def _widened(interval: Interval, rate: float, narrow: Interval, wide: Interval) -> Interval:
    """Return `interval` with its limits moved by what `wide` lies beyond `narrow`, as independent errors add up.

    Squared distances between limit and rate add (MOVER: Zou and Donner 2008, doi:10.1002/sim.3095), on the scale
    arcsin(sqrt(rate)), on which the variance of a rate does not depend on it and limits stay within 0 to 1.
    """
    centre = np.arcsin(np.sqrt(rate))
    outer, inner, own = (np.arcsin(np.sqrt(np.array(limits))) - centre for limits in (wide, narrow, interval))
    way = np.sqrt(own**2 + np.maximum(outer**2 - inner**2, 0.0))
    low, high = np.sin(max(centre - way[0], 0.0)) ** 2, np.sin(min(centre + way[1], np.pi / 2)) ** 2
    return min(float(low), interval[0]), max(float(high), interval[1])
