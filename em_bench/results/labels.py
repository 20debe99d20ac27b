"""What models are called: the Inspect model string, with its arguments where one string stands for several models."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from em_bench.errors import Fault, OperatorError, unknown_name
from em_bench.results.secrets import is_secret

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["find_models", "is_pattern", "label_models", "model_labels", "public_value", "said_args"]

_WILD = "*?["


Model = tuple[str, str, bool]
"""The Inspect model string, its arguments as JSON, whether its answers were recorded elsewhere."""


def model_labels(answers: pd.DataFrame) -> pd.Series:
    """Return the label of the model of each row of an answers table."""
    import pandas as pd  # those who need the names alone do without

    about = ["model", "model_args", "recorded"]
    labels = label_models(answers.drop_duplicates(about)[about].itertuples(index=False, name=None))
    return pd.Series([labels[row] for row in answers[about].itertuples(index=False, name=None)], index=answers.index)


def label_models(models: Iterable[Model]) -> dict[Model, str]:
    """Return what each is called among these: the model string, with what sets it apart where others share it."""
    known = set(models)
    shared = Counter(model for model, _, _ in known)
    return {each: _label(*each, shared[each[0]] > 1) for each in known}


def _label(model: str, model_args: str, is_recorded: bool, is_one_of_several: bool) -> str:
    said = ", ".join(part for part in (said_args(model_args), "recorded" if is_recorded else "") if part)
    return f"{model} ({said})" if is_one_of_several and said else model


def said_args(model_args: str) -> str:
    """Return model arguments for people: nothing secret, and of a path its last part only."""
    if not model_args:
        return ""
    return ", ".join(f"{name}={public_value(name, value)}" for name, value in json.loads(model_args).items())


def public_value(name: str, value: object) -> object:
    """Return a model argument as it may be published: nothing secret, and of a path its last part only."""
    if is_secret(name):
        return "***"
    if isinstance(value, str):
        return value.rstrip("/").rsplit("/", 1)[-1] if value.startswith(("/", "~", ".")) else value
    return value if isinstance(value, int | float | bool) else "…"


def is_pattern(name: str) -> bool:
    """Return whether a name is a shell pattern, which stands for a group of models."""
    return any(sign in name for sign in _WILD)


def find_models(option: str, wanted: str, models: Iterable[tuple[str, str]]) -> list[str]:
    """Return the labels that a name or a shell pattern stands for, sorted; a name stands for one model.

    Args:
        option: The option that holds the name, for messages.
        wanted: A label, a model string, or a shell pattern over either.
        models: (label, model string) of each model there is.

    Raises:
        OperatorError: No model fits, with the nearest; or a name fits several.
    """
    known = sorted(set(models))
    labels = [label for label, _ in known]
    if wanted in labels:
        return [wanted]
    fits = [label for label, model in known if model == wanted]
    if not fits and is_pattern(wanted):
        fits = [label for label, model in known if fnmatchcase(label, wanted) or fnmatchcase(model, wanted)]
    elif len(fits) > 1:
        fix = f"Name the one, or write {wanted + '*'!r} for all of them as seeds of one recipe."
        raise OperatorError(Fault(option, wanted, f"one model; these fit: {', '.join(fits)}", fix))
    if not fits:
        raise OperatorError(unknown_name(option, wanted, labels, "models"))
    return fits
