"""A rate with two honest intervals: over these questions, and over questions like these."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, gammaln

__all__ = ["METHOD", "RateEstimate", "clopper_pearson", "estimate_rate", "population_interval"]

Floats = NDArray[np.float64]
Interval = tuple[float, float]

METHOD = "questions: Clopper-Pearson over pooled answers; population: beta-binomial over questions, never narrower"


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
        flagged: (n_cells,) flagged answers of each cell; a cell is one prompt under one arm.
        kept: (n_cells,) kept answers of each cell, at least as many; cells without any are ignored.
        question: (n_cells,) the question each cell belongs to, as any hashable label; the clusters.
        level: Nominal coverage of both intervals, between 0 and 1.

    Returns:
        No kept answer gives NaN and no interval; one question gives no population interval; both with a note.
    """
    k = np.asarray(flagged, dtype=np.float64)
    n = np.asarray(kept, dtype=np.float64)
    if k.shape != n.shape or np.any(k > n) or np.any(k < 0):
        raise ValueError("flagged and kept must have one shape, with 0 <= flagged <= kept")
    places: dict[Hashable, int] = {}
    labels = [label for label, kept_here in zip(question, n, strict=True) if kept_here > 0]
    position = np.array([places.setdefault(label, len(places)) for label in labels], dtype=np.intp)
    k, n = k[n > 0], n[n > 0]
    if n.size == 0:
        nan = math.nan
        return RateEstimate(0, 0, nan, nan, None, None, level, nan, nan, ("no kept answer: nothing to measure",))
    k_by_question: Floats = np.bincount(position, weights=k).astype(np.float64)
    n_by_question: Floats = np.bincount(position, weights=n).astype(np.float64)
    n_flagged, n_kept = int(k.sum()), int(n.sum())
    notes = []
    if len(places) == 1:
        notes.append("one question: no interval over questions like it")
    effect = _design_effect(k_by_question, n_by_question)
    if math.isnan(effect):
        notes.append("design effect not estimable: all or none flagged, or one question")
    elif effect == 0:
        notes.append("effective number of answers not estimable: every question has the same rate")
    of_these = clopper_pearson(n_flagged, n_kept, level)
    return RateEstimate(
        n_kept=n_kept,
        n_flagged=n_flagged,
        rate=n_flagged / n_kept,
        macro_rate=float(np.mean(k_by_question / n_by_question)),
        questions=of_these,
        population=_hull(of_these, population_interval(k_by_question, n_by_question, level))
        if len(places) > 1
        else None,
        level=level,
        design_effect=effect,
        effective_n=n_kept / effect if effect > 0 else math.nan,
        notes=tuple(notes),
    )


def clopper_pearson(n_flagged: int, n_kept: int, level: float = 0.95) -> Interval:
    """Return the exact binomial interval (Clopper and Pearson 1934, doi:10.1093/biomet/26.4.404).

    Over a fixed set of prompts with different rates it is conservative: the pooled count is then less spread than a
    binomial of the same mean (Hoeffding 1956, doi:10.1214/aoms/1177728178).
    """
    tail = (1 - level) / 2
    low = float(betaincinv(n_flagged, n_kept - n_flagged + 1, tail)) if n_flagged > 0 else 0.0
    high = float(betaincinv(n_flagged + 1, n_kept - n_flagged, 1 - tail)) if n_flagged < n_kept else 1.0
    return low, high


def _hull(inner: Interval, outer: Interval) -> Interval:
    """Return the interval that holds both: what answers leave open, other questions cannot settle."""
    return min(inner[0], outer[0]), max(inner[1], outer[1])


def _design_effect(k: Floats, n: Floats) -> float:
    """Return the variance of the ratio estimator over clusters, divided by the binomial variance.

    Linearised variance m/(m-1) sum((k_i - p n_i)^2) / (sum n)^2 (Cochran 1977, Sampling Techniques, eq. 6.13). NaN
    where it is not defined.
    """
    total, m = n.sum(), n.size
    p = k.sum() / total
    if m < 2 or p in (0.0, 1.0):
        return math.nan
    variance = m / (m - 1) * np.sum((k - p * n) ** 2) / total**2
    return float(variance / (p * (1 - p) / total))


def population_interval(k: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Return the interval for the mean rate of the questions these ones were drawn from.

    Each question's flagged count is beta-binomial with a common mean and intra-class correlation; the interval holds
    the central `level` of the mean's posterior, under Jeffreys' prior for the mean and a flat one for the correlation,
    which is integrated out on a grid. With nothing flagged it starts at 0, with everything flagged it ends at 1, and it
    always holds the observed rate.

    Args:
        k: (n_questions,) flagged answers of each question.
        n: (n_questions,) kept answers of each question, all positive; at least two questions.
        level: Nominal coverage, between 0 and 1.
    """
    k, n = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    pairs, counts = np.unique(np.stack([k, n]), axis=1, return_counts=True)
    log_likelihood = np.zeros(_grid()[0].shape)
    for (k_i, n_i), count in zip(pairs.T, counts, strict=True):
        log_likelihood += count * _log_beta_binomial(int(k_i), int(n_i))
    _, _, weights = _grid()
    posterior = (np.exp(log_likelihood - log_likelihood.max()) * weights).sum(axis=1)
    angles = _angles()
    cumulative = np.concatenate([[0.0], np.cumsum((posterior[1:] + posterior[:-1]) / 2)])
    cumulative /= cumulative[-1]
    tail = (1 - level) / 2
    low, high = np.sin(np.interp([tail, 1 - tail], cumulative, angles)) ** 2
    rate = k.sum() / n.sum()
    return (0.0 if rate == 0 else min(float(low), rate)), (1.0 if rate == 1 else max(float(high), rate))


N_MEANS = 801
N_CORRELATIONS = 32


@cache
def _angles() -> Floats:
    """Return the grid of the mean as angles, in which Jeffreys' prior is flat: mean = sin(angle)^2."""
    return np.linspace(0.0, np.pi / 2, N_MEANS)


@cache
def _grid() -> tuple[Floats, Floats, Floats]:
    """Return the two beta parameters over the (mean, correlation) grid, and the weight of each node."""
    mean = np.clip(np.sin(_angles()) ** 2, 1e-9, 1 - 1e-9)[:, None]
    nodes, node_weights = np.polynomial.legendre.leggauss(N_CORRELATIONS)
    root = (nodes + 1) / 2
    correlation = np.clip(root**2, 1e-6, 1 - 1e-6)[None, :]  # squared: finer near 0, where unclustered data lie
    strength = (1 - correlation) / correlation
    weights = np.broadcast_to((node_weights * root)[None, :], (N_MEANS, N_CORRELATIONS))
    return mean * strength, (1 - mean) * strength, np.ascontiguousarray(weights)


@lru_cache(maxsize=512)
def _log_beta_binomial(k: int, n: int) -> Floats:
    """Return the log probability of k of n over the grid, up to a constant in k and n."""
    a, b, _ = _grid()
    return np.asarray(
        gammaln(k + a) - gammaln(a) + gammaln(n - k + b) - gammaln(b) - gammaln(n + a + b) + gammaln(a + b),
        dtype=np.float64,
    )
