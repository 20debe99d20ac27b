"""How two models of a standing differ: over all they were both asked, and question by question."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from em_bench.results.estimate import Counts, Estimate
from em_bench.statistics import ModelDifference, difference_of_models
from em_bench.statistics.all_differences import AllDifferences, differences_of_all

__all__ = ["QuestionGap", "difference", "every_difference", "question_gaps"]


@dataclass(frozen=True)
class QuestionGap:
    """Two models' counts on one question under one arm, both with kept answers; rates are 0 to 1."""

    question: str
    arm: str
    candidate: Counts
    baseline: Counts

    @property
    def rates(self) -> tuple[float, float]:
        """Flagged among kept answers, of candidate and baseline."""
        return self.candidate.flagged / self.candidate.kept, self.baseline.flagged / self.baseline.kept

    @property
    def gap(self) -> float:
        """Candidate's rate less the baseline's, above 0 is worse."""
        return self.rates[0] - self.rates[1]


def _cells(estimate: Estimate) -> dict[tuple[str, str], Counts]:
    """Return the counts of each question and arm; where two judges share the outcomes there are none."""
    return {(each.question, each.arm): each.counts for each in estimate.by_question if not each.is_two_phase}


def difference(candidate: Estimate, baseline: Estimate) -> ModelDifference:
    """Return the difference by question and arm, on the cells both were asked."""
    sides = _cells(candidate), _cells(baseline)
    cells = sorted({*sides[0], *sides[1]})
    counts = [
        [[getattr(side[cell], name) if cell in side else math.nan for cell in cells] for name in ("flagged", "kept")]
        for side in sides
    ]
    one, two = ((flagged, kept) for flagged, kept in counts)
    return difference_of_models(one, two, [question for question, _ in cells])


def question_gaps(candidate: Estimate, baseline: Estimate) -> list[QuestionGap]:
    """Return the questions and arms of which both kept answers, the widest gap first."""
    one, two = _cells(candidate), _cells(baseline)
    found = [
        QuestionGap(*cell, one[cell], two[cell]) for cell in one if cell in two and one[cell].kept and two[cell].kept
    ]
    return sorted(found, key=lambda each: (-abs(each.gap), each.question, each.arm))


def every_difference(estimates: Sequence[Estimate]) -> AllDifferences:
    """Return the same as `difference` for each two of many estimates, all of one set and lane."""
    sides = [_cells(each) for each in estimates]
    cells = sorted({cell for side in sides for cell in side})
    numbers = {question: number for number, question in enumerate(dict.fromkeys(name for name, _ in cells))}
    flagged, kept = np.full((2, len(sides), len(cells)), np.nan)
    for row, side in enumerate(sides):
        for column, cell in enumerate(cells):
            if cell in side:
                flagged[row, column], kept[row, column] = side[cell].flagged, side[cell].kept
    return differences_of_all(flagged, kept, [numbers[name] for name, _ in cells])
