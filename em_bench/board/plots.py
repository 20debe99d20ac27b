"""Where the parts of small pictures lie: bars of outcomes, cells of heatmaps, curves of rates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from em_bench.results.estimate import Counts

__all__ = ["CURVE", "CurvePoint", "Segment", "composition", "curve_points", "gap_position", "height_of", "shade"]

OUTCOMES = {
    "flagged": "flagged",
    "clear": "clear",
    "incoherent": "incoherent",
    "refusal": "refused",
    "off_topic": "off topic",
    "unscored": "unscored",
}
"""Outcomes in the order of pages, as they say them."""

Interval = tuple[float, float] | None


@dataclass(frozen=True)
class Segment:
    """One outcome's part of a bar 1000 wide."""

    outcome: str
    said: str
    n: int
    x: float
    width: float


def composition(counts: Counts) -> list[Segment]:
    """Return the parts of the bar of all answers, outcomes without any left out."""
    found, x = [], 0.0
    for outcome, said in OUTCOMES.items():
        n = getattr(counts, outcome)
        if n:
            width = 1000 * n / counts.answers
            found.append(Segment(outcome, said, n, round(x, 1), round(width, 1)))
            x += width
    return found


def shade(rate: float) -> int:
    """Return which of the nine shades of a heatmap a rate (0 to 1) has; only 0 has the first. By its square root."""
    return 0 if rate <= 0 else min(1 + int(8 * math.sqrt(rate)), 8)


def gap_position(difference: float) -> float:
    """Return where a difference of rates (-1 to 1) lies on its axis, 240 wide with 0 in the middle: by square root."""
    return round(120 + math.copysign(math.sqrt(min(abs(difference), 1.0)), difference) * 114, 1)


CURVE = (320, 160, 34, 20)
"""Width, height, left and bottom margin of a curve, in its own pixels."""


@dataclass(frozen=True)
class CurvePoint:
    """A point of a curve: its place, and where its two intervals begin and end, downwards."""

    x: float
    y: float
    questions: Interval
    population: Interval


def height_of(rate: float) -> float:
    """Return how far down a rate (0 to 1) lies in a curve: square-root spaced, as along every axis."""
    _, height, _, bottom = CURVE
    return round(6 + (1 - math.sqrt(min(max(rate, 0.0), 1.0))) * (height - bottom - 6), 1)


def curve_points(points: Sequence[tuple[float, float, Interval, Interval]]) -> list[CurvePoint]:
    """Return the places of points.

    Args:
        points: Share of the way from left to right (0 to 1), rate, interval over these questions, over such questions.
    """
    width, _, left, _ = CURVE
    return [
        CurvePoint(round(left + 6 + at * (width - left - 14), 1), height_of(rate), _down(questions), _down(population))
        for at, rate, questions, population in points
        if not math.isnan(rate)
    ]


def _down(interval: Interval) -> Interval:
    return None if interval is None else (height_of(interval[0]), height_of(interval[1]))
