"""Which sets are planned or run, and how."""

from __future__ import annotations

from collections.abc import Sequence

from em_bench.errors import NOTHING, Fault, OperatorError, unknown_name
from em_bench.judging.judges import read_judge
from em_bench.questions import SuiteItem, describe_set, read_set, read_suite

__all__ = ["chosen_items", "judge_of"]


def chosen_items(
    suite: str | None, sets: Sequence[str], judge: str | None, repeats: int | None, arms: Sequence[str] = ()
) -> list[SuiteItem]:
    """Return the sets to plan or to run: of a suite those named, or all; without a suite those named, as they ship.

    Args:
        suite: Name of a suite.
        sets: Names of sets.
        judge: Takes the place of each set's judge.
        repeats: Takes the place of each set's number of answers to a prompt.
        arms: Take the place of each set's arms; none means no change.

    Raises:
        OperatorError: A suite, set or judge is unknown, or a set is not in the suite.
    """
    if suite is None:
        if not sets:
            raise OperatorError(Fault("--suite, --set", NOTHING, "a suite or sets", "Give one: --suite core"))
        items = [SuiteItem(set=read_set(name).name) for name in dict.fromkeys(sets)]
    else:
        items = list(read_suite(suite).sets)
        if missing := [name for name in sets if name not in {item.set for item in items}]:
            names = {item.set for item in items}
            raise OperatorError([unknown_name("--set", name, names, f"sets of suite {suite}") for name in missing])
        items = [item for item in items if not sets or item.set in sets]
    changes = {"judge": judge and read_judge(judge) and judge, "samples": repeats, "arm": tuple(arms) or None}
    given = {name: value for name, value in changes.items() if value is not None}
    return [item.model_copy(update=given) for item in items]


def judge_of(item: SuiteItem) -> str:
    """Return the judge that a set is judged by."""
    return item.judge or describe_set(item.set).judge
