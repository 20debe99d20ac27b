"""All that a decision needs of logs: their answers, the runs they come from, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path

import pandas as pd

from em_bench.content import short_path
from em_bench.errors import DataError, Fault
from em_bench.results.answers import NoAnswersError, read_answers
from em_bench.results.labels import Model, label_models
from em_bench.results.log_files import find_logs
from em_bench.results.runs import Run, read_runs

__all__ = ["Logs", "log_place", "read_logs"]

_ABOUT = ["model", "model_args", "recorded"]


@dataclass(frozen=True)
class Logs:
    """What was read: `answers` as `read_answers` gives it, the runs they come from, and what could not be read.

    `place` is the folder in which what is still to be asked belongs, `files` are the logs found, readable or not.
    """

    answers: pd.DataFrame
    runs: Sequence[Run] = ()
    faults: tuple[str, ...] = ()
    place: str = "LOGS"
    files: tuple[str, ...] = ()

    @cached_property
    def labels(self) -> Mapping[Model, str]:
        """What each model is called."""
        found = self.answers[_ABOUT].drop_duplicates().itertuples(index=False, name=None) if len(self.answers) else ()
        return label_models([*found, *(run.model for run in self.runs)])

    def named(self, name: str) -> list[str]:
        """Return the labels of the models that a name may mean: of those labelled so, else of those called so."""
        known = sorted(self.labels.items(), key=lambda each: each[1])
        labelled = [label for _, label in known if label == name]
        return labelled or [label for model, label in known if model[0] == name]

    def answers_of(self, label: str) -> pd.DataFrame:
        """Return the rows of one model."""
        if self.answers.empty:
            return self.answers
        is_its = [self.labels[row] == label for row in self.answers[_ABOUT].itertuples(index=False, name=None)]
        return self.answers[is_its]


def read_logs(places: Sequence[str], report: Callable[[str], None] = lambda text: None) -> Logs:
    """Return all that can be read of logs (files or folders); what cannot is named in `faults` and raises nothing.

    Args:
        places: Files or folders, as `find_logs` takes them.
        report: Is told, once each, of logs that are left out because no em_bench task made them.
    """
    faults: list[Fault] = []
    found: list[str] = []
    for place in places:
        try:
            found += find_logs([place])
        except DataError as error:
            faults += error.faults
    found = sorted(set(found))
    answers, runs = pd.DataFrame(), list[Run]()
    readable = found
    say_once = cache(report)
    while readable:
        try:
            with suppress(NoAnswersError):
                answers = read_answers(readable, say_once)
            runs = read_runs(readable)
            break
        except DataError as error:
            answers = pd.DataFrame()
            faults += [replace(fault, place=log_place(fault.place)) for fault in error.faults]
            unreadable = {fault.place for fault in error.faults}
            readable = [log for log in readable if log not in unreadable]
    is_folder = len(places) == 1 and not places[0].endswith((".eval", ".json"))
    place = places[0] if is_folder else "LOGS"
    return Logs(answers, runs, tuple(map(str, faults)), place, tuple(found))


def log_place(log: str) -> str:
    """Return how a report names a log: by its short path, or by its address."""
    return log if "://" in log else short_path(Path(log))
