"""How often the intervals hold the known rate of simulated models, over 1,000 individuals of each kind and set.

    python benchmarks/known_rate_coverage.py

Array-level: the kinds of answers are drawn as the provider draws them, without Inspect and without a judge, so that
what is measured is the interval alone. Seeds are 0 to 999. Monte-Carlo error: 0.8 points (one standard error) at 93 %.
"""

from __future__ import annotations

import numpy as np

from em_bench.models.organism import KINDS, Organism
from em_bench.questions import own_set_names, read_set
from em_bench.statistics import estimate_rate

N_INDIVIDUALS = 1000
N_DRAWS = 2
"""Answers to each prompt."""


def coverage(name: str, kind: str) -> tuple[float, float, float, float]:
    """Return how often each interval held its truth, questions then population, and their mean widths; all 0 to 1.

    The truth for `questions` is the mean known rate over the prompts, for `population` the rate of the kind.
    """
    bounds = np.array([_intervals(name, kind, seed) for seed in range(N_INDIVIDUALS)])
    low, truth, high = np.moveaxis(bounds, -1, 0)
    of_these, of_like_these = ((low <= truth) & (truth <= high)).mean(axis=0)
    width_these, width_like_these = (high - low).mean(axis=0)
    return float(of_these), float(of_like_these), float(width_these), float(width_like_these)


def _intervals(name: str, kind: str, seed: int) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Return low, truth and high for both estimands of one individual."""
    organism = Organism(kind, seed)
    asked = [(question.id, index) for question in read_set(name).questions for index in range(len(question.prompts))]
    drawn = [[organism.draw(id_, index, i).kind for i in range(N_DRAWS)] for id_, index in asked]
    flagged = [kinds.count("flagged") for kinds in drawn]
    kept = [kinds.count("flagged") + kinds.count("clear") for kinds in drawn]
    estimate = estimate_rate(flagged, kept, [id_ for id_, _ in asked])
    assert estimate.questions is not None
    assert estimate.population is not None
    (q_low, q_high), (p_low, p_high) = estimate.questions, estimate.population
    truth = float(np.mean([organism.flagged_rate(id_) for id_, _ in asked]))
    return (q_low, truth, q_high), (p_low, organism.profile.flagged, p_high)


def main() -> None:
    """Print the table."""
    print(f"{'set':16} {'kind':24} {'questions':>10} {'population':>10} {'width q.':>9} {'width p.':>9}")
    for name in own_set_names():
        for kind in KINDS:
            figures = coverage(name, kind)
            print(f"{name:16} {kind:24} {figures[0]:10.3f} {figures[1]:10.3f} {figures[2]:9.3f} {figures[3]:9.3f}")


if __name__ == "__main__":
    main()
