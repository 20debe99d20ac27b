"""How much more often one model is flagged than another, or than a group of seeds, on the questions both were asked."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from em_bench.statistics.contrast import Contrast, Estimand, Interval, Side

__all__ = ["MODEL_DIFFERENCE_METHOD", "ModelDifference", "difference_of_groups", "difference_of_models"]

Floats = NDArray[np.float64]
Counts = tuple[ArrayLike, ArrayLike]
"""Flagged and kept answers."""

MODEL_DIFFERENCE_METHOD = (
    "questions: MOVER from both rates' intervals; population: the same less the covariance of question rates, never "
    "narrower than paired t over questions; several seeds: over seeds too"
)
P_VALUE_METHOD = (
    "two models over questions like these: exact sign flips over questions; any other: where the interval begins to "
    "leave out 0"
)

_MUCH_IMBALANCE = 0.1
"""Share of answers; up to this, it is not worth saying that two models' answers are spread otherwise over questions."""


@dataclass(frozen=True)
class ModelDifference:
    """Rate of the candidate less that of the baseline, on cells (prompts under arms) both were asked: above 0 is worse.

    Pairs are (candidate, baseline). Rates are flagged among kept answers, 0 to 1; with several seeds a rate is over all
    of them together, and `seed_rates` are theirs. `questions` is the interval over these prompts, `population` over
    questions like these; with several seeds both are over seeds like these as well. `n_unmatched` cells were asked of
    one side only and are left out. `correlation` is that of the two sides' question rates. Numbers that do not exist
    are NaN or None.
    """

    n_flagged: tuple[int, int]
    n_kept: tuple[int, int]
    seed_rates: tuple[tuple[float, ...], tuple[float, ...]]
    difference: float
    questions: Interval | None
    population: Interval | None
    level: float
    n_cells: int
    n_questions: int
    n_unmatched: int
    correlation: float
    notes: tuple[str, ...]
    contrast: Contrast | None = field(default=None, repr=False, compare=False)

    @property
    def rates(self) -> tuple[float, float]:
        """The rate of the candidate and of the baseline; NaN where nothing was kept."""
        one, two = (k / n if n else math.nan for k, n in zip(self.n_flagged, self.n_kept, strict=True))
        return one, two

    def p_value(self, estimand: Estimand) -> float:
        """Return the two-sided p-value of no difference (see `Contrast.p_value`); NaN where there is no interval."""
        return math.nan if self.contrast is None else _p_value(self.contrast, estimand)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; what does not exist is None."""
        one, two = (
            {"flagged": k, "kept": n, "rate": _number(rate), "seed_rates": [_number(each) for each in of_seeds]}
            for k, n, rate, of_seeds in zip(self.n_flagged, self.n_kept, self.rates, self.seed_rates, strict=True)
        )
        return {
            "candidate": one,
            "baseline": two,
            "candidate_minus_baseline": _number(self.difference),
            "interval": {
                "questions": None if self.questions is None else list(self.questions),
                "population": None if self.population is None else list(self.population),
                "level": self.level,
                "method": MODEL_DIFFERENCE_METHOD,
            },
            "p_value": {
                "questions": _number(self.p_value("questions")),
                "population": _number(self.p_value("population")),
                "method": P_VALUE_METHOD,
            },
            "cells": self.n_cells,
            "questions": self.n_questions,
            "unmatched_cells": self.n_unmatched,
            "correlation": _number(self.correlation),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        if math.isnan(self.difference):
            return "—"
        said = f"{100 * self.difference:+.1f} points"
        shown = self.population or self.questions
        if shown is None:
            return said
        over = "" if self.population is not None else ", these questions only"
        bounds = f"[{100 * shown[0]:+.1f}, {100 * shown[1]:+.1f}] {self.level:.0%}"
        return f"{said} {bounds}, {self.n_questions} questions{over}"


@lru_cache(maxsize=1024)
def _p_value(contrast: Contrast, estimand: Estimand) -> float:
    return contrast.p_value(estimand)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def difference_of_models(
    candidate: Counts, baseline: Counts, question: Iterable[Hashable], level: float = 0.95
) -> ModelDifference:
    """Return the difference of two models' rates, paired by cell; a cell is one prompt under one arm.

    Args:
        candidate: Flagged and kept answers, (n_cells,) each, 0 <= flagged <= kept; NaN where it was not asked or
            nothing was judged.
        baseline: Likewise.
        question: (n_cells,) the question each cell belongs to, as any hashable label; the clusters.
        level: Nominal coverage of both intervals, between 0 and 1.

    Returns:
        NaN and no interval where a model kept nothing on shared cells; one question gives no population interval; both
        with a note.
    """
    arrays = [np.asarray(each, dtype=np.float64)[None] for each in (*candidate, *baseline)]
    return _difference(arrays, question, level, ())


def difference_of_groups(
    candidate: Counts, baseline: Counts, question: Iterable[Hashable], level: float = 0.95
) -> ModelDifference:
    """Return the difference between two recipes, each known from several models (seeds of a fine-tune), or one.

    A cell counts where at least one seed of each side was asked. Both intervals are over seeds like these: with three
    seeds they are wide. A side of one seed is taken as that very model, with a note.

    Args:
        candidate: Flagged and kept answers, (n_seeds, n_cells) each, else as for `difference_of_models`.
        baseline: Likewise; the number of its seeds may differ.
        question: (n_cells,) the question each cell belongs to.
        level: Nominal coverage of both intervals.
    """
    arrays = [np.asarray(each, dtype=np.float64) for each in (*candidate, *baseline)]
    notes = [
        f"one seed of the {name}: how far seeds differ is unknown"
        for name, kept in (("candidate", arrays[1]), ("baseline", arrays[3]))
        if kept.shape[0] == 1
    ]
    return _difference(arrays, question, level, notes)


def _difference(
    arrays: list[Floats], question: Iterable[Hashable], level: float, said: Iterable[str]
) -> ModelDifference:
    labels, notes = list(question), list(said)
    for k, n in (arrays[:2], arrays[2:]):
        if k.shape != n.shape or k.ndim != 2 or k.shape[1] != len(labels) or np.any(k > n) or np.any(k < 0):
            raise ValueError("flagged and kept must have one shape, a column for each cell, and 0 <= flagged <= kept")
    was_asked = [~np.isnan(kept) for kept in arrays[1::2]]
    one, two = (each.any(axis=0) for each in was_asked)
    shared = one & two
    n_unmatched = int((one ^ two).sum())
    if n_unmatched:
        n_one, n_two = int((one & ~two).sum()), int((two & ~one).sum())
        notes.append(
            f"{_prompts(n_unmatched)} left out: {n_one} that only the candidate has, {n_two} that only the baseline has"
        )
    for name, asked in zip(("candidate", "baseline"), was_asked, strict=True):
        if n_partly := int((shared & ~asked.all(axis=0)).sum()):
            notes.append(f"{_prompts(n_partly)} not asked of every seed of the {name}")
    n_cells = int(shared.sum())
    has_kept = np.nansum(arrays[1], axis=0) + np.nansum(arrays[3], axis=0) > 0
    if n_idle := int((shared & ~has_kept).sum()):
        notes.append(f"{_prompts(n_idle, 'shared ')} without a kept answer on either side")
    shared &= has_kept
    places: dict[Hashable, int] = {}
    codes = np.array([places.setdefault(labels[cell], len(places)) for cell in np.flatnonzero(shared)], dtype=np.intp)
    k1, n1, k0, n0 = (np.nan_to_num(each[:, shared]) for each in arrays)
    counts = (int(k1.sum()), int(k0.sum())), (int(n1.sum()), int(n0.sum()))
    if not all(counts[1]):
        why = "no prompt that both were asked" if not n_cells else "a model kept no answer on shared prompts"
        notes.append(f"{why}: no difference")
        nan, seeds = math.nan, (_rates(k1, n1), _rates(k0, n0))
        return ModelDifference(
            *counts, seeds, nan, None, None, level, n_cells, len(places), n_unmatched, nan, tuple(notes)
        )
    if n_lone := int(((n1.sum(axis=0) > 0) ^ (n0.sum(axis=0) > 0)).sum()):
        notes.append(f"in {_prompts(n_lone, 'shared ')} one side kept no answer: the other side's answers there count")
    contrast = Contrast(_side(k1, n1, codes, "candidate", notes), _side(k0, n0, codes, "baseline", notes))
    if contrast.imbalance > _MUCH_IMBALANCE:
        notes.append(
            f"{contrast.imbalance:.0%} of the kept answers lie on other questions on one side than on the other: "
            "part of the difference may be theirs"
        )
    population = contrast.interval("population", level)
    if population is None:
        notes.append("a side kept answers to one question only: no interval over questions like it")
    return ModelDifference(
        n_flagged=counts[0],
        n_kept=counts[1],
        seed_rates=(_rates(k1, n1), _rates(k0, n0)),
        difference=contrast.difference,
        questions=contrast.interval("questions", level),
        population=population,
        level=level,
        n_cells=n_cells,
        n_questions=len(places),
        n_unmatched=n_unmatched,
        correlation=contrast.correlation,
        notes=tuple(notes),
        contrast=contrast,
    )


def _prompts(n: int, kind: str = "") -> str:
    """Return a number of cells in words of those who read notes."""
    return f"{n} {kind}prompt{'' if n == 1 else 's'}"


def _side(k: Floats, n: Floats, codes: NDArray[np.intp], name: str, notes: list[str]) -> Side:
    has_kept = n.sum(axis=1) > 0
    if not has_kept.all():
        notes.append(f"{int((~has_kept).sum())} of {has_kept.size} seeds of the {name} kept no answer and are left out")
    return Side(k[has_kept], n[has_kept], codes)


def _rates(k: Floats, n: Floats) -> tuple[float, ...]:
    return tuple(
        flagged / kept if kept else math.nan
        for flagged, kept in zip(k.sum(axis=1).tolist(), n.sum(axis=1).tolist(), strict=True)
    )
