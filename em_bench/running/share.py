"""A share of a run: sets that one process asks one model, as one `inspect eval-set` with a log folder of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain, count
from typing import Any

from em_bench.models.providers import is_local
from em_bench.questions import SuiteItem, planned_answers

__all__ = ["Share", "share_by_set", "share_out"]


@dataclass(frozen=True)
class Share:
    """One model and the sets of a suite that are run in the same way; no two shares of a run write to one folder.

    Attributes:
        folder: Where its logs lie, below the log folder of the run.
        model: The model under test, as Inspect names it.
        judge: In place of each set's own; None means that one.
        arm: As of a suite; none means each set's own.
        only: As of a suite.
        samples: Answers to each prompt; None means each set's own number.
        sets: Names of sets, and how many answers each is expected to take.
    """

    folder: str
    model: str
    judge: str | None
    arm: tuple[str, ...]
    only: tuple[str, ...]
    samples: int | None
    sets: Mapping[str, int]

    @property
    def n_answers(self) -> int:
        """How many answers it is expected to take."""
        return sum(self.sets.values())

    def place(self, log_dir: str) -> str:
        """Return the folder of its logs, given that of the run."""
        return f"{log_dir.rstrip('/')}/{self.folder}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {**asdict(self), "arm": list(self.arm), "only": list(self.only), "sets": dict(self.sets)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Share:
        """Return the share that `to_dict` wrote.

        Raises:
            TypeError: It is of another form.
        """
        return cls(**{**plain, "arm": tuple(plain["arm"]), "only": tuple(plain["only"])})


def share_out(models: Sequence[str], items: Sequence[SuiteItem], n_processes: int) -> list[Share]:
    """Return the shares of a run, the longest first: for each model one for each way in which sets are run.

    Where these are fewer than the processes, the longest is halved, and again, while it has several sets; a model of
    this machine keeps its sets together, so that it is loaded once.
    """
    ways: dict[SuiteItem, dict[str, int]] = {}
    for item in items:
        ways.setdefault(item.model_copy(update={"set": ""}), {})[item.set] = planned_answers(item)
    shares = [
        Share("", model, way.judge, way.arm, way.only, way.samples, sets)
        for model in models
        for way, sets in ways.items()
    ]
    while len(shares) < n_processes:
        splittable = [share for share in shares if len(share.sets) > 1 and not is_local(share.model)]
        if not splittable:
            break
        longest = max(splittable, key=lambda share: share.n_answers)
        at = shares.index(longest)
        shares[at : at + 1] = _halves(longest)
    return sorted(_named(shares), key=lambda share: -share.n_answers)


def share_by_set(models: Sequence[str], items: Sequence[SuiteItem]) -> list[Share]:
    """Return a share for each model and item of a suite, the longest first."""
    planned = {item: planned_answers(item) for item in items}
    shares = [
        Share("", model, item.judge, item.arm, item.only, item.samples, {item.set: n})
        for model in models
        for item, n in planned.items()
    ]
    return sorted(_named(shares), key=lambda share: -share.n_answers)


def _halves(share: Share) -> list[Share]:
    """Return two shares of about as many answers each, both in the order of the suite."""
    halves: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for name, n in sorted(share.sets.items(), key=lambda each: -each[1]):
        min(halves, key=lambda half: sum(half.values()))[name] = n
    return [replace(share, sets={name: n for name, n in share.sets.items() if name in half}) for half in halves]


def _named(shares: Sequence[Share]) -> list[Share]:
    """Return the shares with folders: the model's name, and a number where a model has several."""
    slugs: dict[str, str] = {}
    for model in sorted({share.model for share in shares}):
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", model).strip("-.")
        numbered = (f"{slug}-{number}" for number in count(2))
        slugs[model] = next(name for name in chain([slug], numbered) if name not in slugs.values())
    of_model = Counter(share.model for share in shares)
    seen: Counter[str] = Counter()
    named = []
    for share in shares:
        seen[share.model] += 1
        own = f"/{seen[share.model]}" if of_model[share.model] > 1 else ""
        named.append(replace(share, folder=slugs[share.model] + own))
    return named
