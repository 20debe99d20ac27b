"""How far a run is: answers, tokens, cost, rate and time left."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass, fields

from em_bench.models.providers import SIMULATED
from em_bench.results.prices import Prices

__all__ = ["Tally", "Tokens"]

_WINDOW_S = 60.0
"""The rate is that of the last minute: at its beginning a run only loads, at its end it waits for stragglers."""


@dataclass(frozen=True)
class Tokens:
    """Tokens of one model, apart by price."""

    input: int = 0
    output: int = 0
    input_cache_read: int = 0
    input_cache_write: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        """Return these tokens and the others."""
        return Tokens(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def total(self) -> int:
        """All of them together."""
        return sum(getattr(self, each.name) for each in fields(self))


class Tally:
    """What a run has and what it is to have, told piece by piece.

    A place is a share's folder and a set's name. Answers that logs held before count as had, but not into the rate.
    """

    def __init__(self, planned: dict[tuple[str, str], int], prices: Prices | None) -> None:
        self.planned = planned
        self.had: dict[tuple[str, str], int] = defaultdict(int)
        self.tokens: dict[str, Tokens] = defaultdict(Tokens)
        self._prices = prices
        self._given_up: set[tuple[str, str]] = set()
        self._moments: deque[tuple[float, int]] = deque()
        self._n_new = 0

    def add_found(self, place: tuple[str, str], n_answers: int) -> None:
        """Count answers that a log held before this run."""
        self.had[place] += n_answers

    def add_answers(self, place: tuple[str, str], n_answers: int, now_s: float) -> None:
        """Count answers that came in by `now_s`, seconds of any clock that never goes back."""
        self.had[place] += n_answers
        self._n_new += n_answers
        self._moments.append((now_s, self._n_new))

    def give_up(self, place: tuple[str, str]) -> None:
        """Expect no more answers of a place than it has."""
        self._given_up.add(place)

    def add_tokens(self, model: str, tokens: Tokens) -> None:
        """Count tokens of a model, under test or grading."""
        self.tokens[model] += tokens

    @property
    def n_planned(self) -> int:
        """How many answers the run takes."""
        return sum(self.planned.values())

    @property
    def n_had(self) -> int:
        """How many answers there are."""
        return sum(self.had.values())

    @property
    def n_tokens(self) -> int:
        """Tokens of all models, in and out."""
        return sum(tokens.total for tokens in self.tokens.values())

    @property
    def unpriced(self) -> list[str]:
        """The models that were called and have no price; simulated ones need none."""
        known = self._prices.of_models if self._prices else {}
        return sorted(model for model in self.tokens if model not in known and not model.startswith(SIMULATED))

    @property
    def cost_usd(self) -> float:
        """What the tokens cost, in US dollars; NaN without prices, or where a model that was called has none."""
        if self._prices is None or self.unpriced:
            return math.nan
        return sum(
            price.cost_usd(tokens.input, tokens.output, tokens.input_cache_read, tokens.input_cache_write)
            for model, tokens in self.tokens.items()
            if (price := self._prices.of_models.get(model)) is not None
        )

    def rate(self, now_s: float) -> float:
        """Return answers per second over the last minute; NaN before two moments are known."""
        while len(self._moments) > 2 and self._moments[0][0] < now_s - _WINDOW_S:
            self._moments.popleft()
        if len(self._moments) < 2:
            return math.nan
        (began, before), (_, after) = self._moments[0], self._moments[-1]
        return (after - before) / (now_s - began) if now_s > began else math.nan

    def seconds_left(self, now_s: float) -> float:
        """Return how long the rest takes at that rate; NaN where the rate is not known, infinite where it is 0."""
        waiting = {place: n - self.had[place] for place, n in self.planned.items() if place not in self._given_up}
        rate, rest = self.rate(now_s), sum(waiting.values())
        return math.inf if rate == 0 and rest else rest / rate if rate else math.nan
