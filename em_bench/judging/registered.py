"""Scorers that other packages register with Inspect, as judges."""

from __future__ import annotations

import math
from logging import getLogger
from typing import Any

from inspect_ai.scorer import Score, Scorer, Target, ValueToFloat, value_to_float
from inspect_ai.solver import TaskState
from inspect_ai.util import registry_create

from em_bench.errors import Fault, OperatorError
from em_bench.judging.criterion import Criterion
from em_bench.judging.judge import Judge
from em_bench.judging.readout import Readout

__all__ = ["check_registered", "judged_by_registered"]

_RUNG = "scorer"

logger = getLogger(__name__)


def check_registered(judge: Judge) -> None:
    """Check that Inspect finds the scorer of a judge and that it takes the judge's options.

    Raises:
        OperatorError: It does not.
    """
    try:
        _scorer(judge)
    except LookupError as error:
        fix = "Install the package that registers it; names are package/scorer."
        raise OperatorError(
            Fault(f"judge {judge.name} scorer", judge.scorer, "a scorer registered with Inspect", fix)
        ) from error
    except Exception as error:  # whatever another package raises on options it does not take
        said = f"{judge.scorer} with {judge.options}: {error}"
        raise OperatorError(Fault(f"judge {judge.name} options", said, "options that the scorer takes")) from error


async def judged_by_registered(judge: Judge, state: TaskState) -> dict[str, Readout]:
    """Return what the scorer says of each criterion; if it breaks or says nothing, that is its failure."""
    try:
        score = await _scorer(judge)(state, Target(""))
    except Exception as error:  # another package's scorer may raise anything
        name, said = type(error).__name__, " ".join(str(error).split())[:200]
        logger.warning(f"judge {judge.name}: {name}: {said}")
        failed = Readout(reason=f"scorer_failed_{name}", detail=said, rung=_RUNG)
        return {criterion.name: failed for criterion in judge.criteria}
    return {criterion.name: _readout(score, criterion) for criterion in judge.criteria}


def _scorer(judge: Judge) -> Scorer:
    return registry_create("scorer", judge.scorer or "", **judge.options)


def _readout(score: Score | None, criterion: Criterion) -> Readout:
    """Return a number as it stands; Inspect's letters (C, P, I), true and false as shares of the scale."""
    said: Any = None if score is None else score.value
    if criterion.key is not None:
        said = said.get(criterion.key) if isinstance(said, dict) else None
    low, high = criterion.scale
    if isinstance(said, bool) or (isinstance(said, str) and said in _LETTERS):
        return Readout(value=low + (high - low) * _SHARE(said), mass=1.0, rung=_RUNG)
    if isinstance(said, str):
        try:
            said = float(said)
        except ValueError:
            return Readout(reason="not_a_number", rung=_RUNG)
    if not isinstance(said, int | float) or math.isnan(said):
        why = score.reason if score is not None and score.reason else "no_value"
        return Readout(reason=f"scorer_{why}", rung=_RUNG)
    if not low <= said <= high:
        return Readout(reason="out_of_range", rung=_RUNG)
    return Readout(value=float(said), mass=1.0, rung=_RUNG)


_LETTERS = ("C", "P", "I")
_SHARE: ValueToFloat = value_to_float()
