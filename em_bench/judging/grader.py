"""The model that grades: who it is, and who it may not be."""

from __future__ import annotations

import os
import re
from functools import cache
from logging import getLogger

from inspect_ai.model import GenerateConfig, Model, get_model, model_roles

from em_bench.errors import Fault, OperatorError
from em_bench.judging.judge import Judge
from em_bench.models.providers import REPLAYED

__all__ = ["check_grader", "grader_for", "grader_name", "running_model"]

ROLE = "grader"
_WITHOUT_THINKING = GenerateConfig(reasoning_effort="none")

logger = getLogger(__name__)


def running_model() -> Model | None:
    """Return the model under test where Inspect is running a task, else None."""
    if "INSPECT_EVAL_MODEL" in os.environ:
        return None  # get_model() would load that model
    try:
        return get_model()
    except ValueError:
        return None


def check_grader(judge: Judge, subject: str | None, own: str | None = None) -> None:
    """Check that a judge that asks a model has a grader other than the model under test, before any call is made.

    Args:
        judge: The judge; of one that is made of others, each member is checked.
        subject: The name of the model whose answers are judged; None where no model is running yet.
        own: The grader that a panel gives this judge; none means the role `grader`, else the judge's default model.

    Raises:
        OperatorError: There is no grader, or it is the model under test.
    """
    if judge.is_offline or subject is None:
        return
    subject = subject.removeprefix(REPLAYED)  # whose answers were recorded: the model under test all the same
    if judge.members:
        for member, its_own in judge.parts:
            check_grader(member, subject, its_own)
        return
    name = own or grader_name(judge)
    place = f"judge {judge.name}"
    how = "Give one: --model-role 'grader={model: openai/gpt-6-luna, reasoning_effort: none}'"
    if own is not None and judge.kind == "scorer":
        expected = "no grader of its own: another package's scorer asks the role 'grader'"
        raise OperatorError(Fault(place, f"grader {own}", expected, how))
    if name is None:
        raise OperatorError(Fault(place, "no grader and no default model", "a model that grades", how))
    if name == subject:
        raise OperatorError(Fault(place, f"grader {name}, the model under test", "another model as grader", how))
    if _family(name) == _family(subject):
        _warn_of_family(name, subject)


def grader_for(judge: Judge, subject: str, own: str | None = None) -> Model:
    """Return a judge's grader: its own in a panel, else the role `grader`, else its default model.

    It is never the model under test.

    Raises:
        OperatorError: As `check_grader`.
    """
    check_grader(judge, subject, own)
    if own is not None:
        return get_model(own, config=_WITHOUT_THINKING)
    if ROLE not in model_roles() and judge.default_model is not None:
        return get_model(judge.default_model, config=_WITHOUT_THINKING)
    return get_model(role=ROLE, required=True)


def grader_name(judge: Judge) -> str | None:
    """Return the name of the role `grader`, else of the judge's default model, without loading either."""
    bound = model_roles().get(ROLE)
    model = bound[0] if isinstance(bound, list) else bound
    return str(model) if model is not None else judge.default_model


@cache
def _warn_of_family(grader: str, subject: str) -> None:
    """Warn, once for each pair."""
    logger.warning(f"grader {grader} and model {subject} are of one family; it may favour its own.")


def _family(name: str) -> str:
    """Return the leading letters of a model's own name: gpt of openai/gpt-4.1-mini and of openai/ft:gpt-4o:lab::1."""
    found = re.match(r"[a-z]+", name.rsplit("/", 1)[-1].lower().removeprefix("ft:"))
    return found[0] if found else name
