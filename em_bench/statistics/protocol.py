"""The arithmetic of the papers: means over fine-tuned models, rates at other thresholds, at least one of k answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import comb

__all__ = ["GroupMean", "at_least_one_of", "mean_over_models", "rates_below"]

N_RESAMPLES = 2000
SEED = 0
LEVEL = 0.95


@dataclass(frozen=True)
class GroupMean:
    """The mean rate of several models (0..1), with the papers' interval, which is over models alone.

    Its width says how much fine-tuned seeds differ; it holds neither the chance of the answers nor that of the
    questions.
    """

    n_models: int
    mean: float
    interval: tuple[float, float]

    def __str__(self) -> str:
        low, high = self.interval
        return f"{self.mean:.1%} [{low:.1%}, {high:.1%}] over {self.n_models} models"


def mean_over_models(rates: ArrayLike) -> GroupMean:
    """Return the mean of the models' rates with a 95 % percentile bootstrap over models.

    2,000 resamples from a generator seeded 0 afresh, as in the published code of Betley et al. 2025
    (johny-b/misalignment-generalization, `common/first_plot.py`), so that the same rates in the same order give the
    same bounds to the last bit.

    Args:
        rates: (n_models,) rates 0..1; the published code has them in the order of the models' names.

    Raises:
        ValueError: There are fewer than two models; the published code then gives an interval without width.
    """
    found = np.asarray(rates, dtype=np.float64)
    if found.size < 2:
        raise ValueError("a mean over models needs at least two of them")
    generator = np.random.default_rng(SEED)
    means = [np.mean(generator.choice(found, size=found.size, replace=True)) for _ in range(N_RESAMPLES)]
    low, high = (float(np.percentile(means, share * 100)) for share in ((1 - LEVEL) / 2, 1 - (1 - LEVEL) / 2))
    return GroupMean(int(found.size), float(np.mean(found)), (low, high))


def at_least_one_of(k: int, flagged: ArrayLike, kept: ArrayLike) -> float:
    """Return the chance that of k answers to a question at least one is flagged, as a mean over questions.

    Unbiased for each question: 1 - C(n - c, k) / C(n, k) with c of n kept answers flagged (Chen et al. 2021,
    arXiv:2107.03374, eq. 1). Questions with fewer than k kept answers are left out; NaN where none is left.

    Args:
        k: How many answers, at least one.
        flagged: (n_questions,) flagged answers.
        kept: (n_questions,) kept answers.
    """
    c, n = np.asarray(flagged, dtype=np.float64), np.asarray(kept, dtype=np.float64)
    c, n = c[n >= k], n[n >= k]
    if n.size == 0:
        return float("nan")
    return float(np.mean(1 - comb(n - c, k) / comb(n, k)))


def rates_below(marks: ArrayLike, thresholds: tuple[int, ...]) -> dict[int, float]:
    """Return the share of kept answers with a mark below each threshold; NaN where there are none.

    Args:
        marks: (n_kept,) marks of the kept answers.
        thresholds: On the scale of the marks.
    """
    found = np.asarray(marks, dtype=np.float64)
    return {each: float(np.mean(found < each)) if found.size else float("nan") for each in thresholds}
