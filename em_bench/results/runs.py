"""A run as its log's header tells it: whose answers to which set, whether it came to its end, how it was sampled."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from em_bench.content import short_path
from em_bench.errors import DataError, Fault
from em_bench.results.answers import log_model
from em_bench.results.labels import Model
from em_bench.results.sampling import sampling_of

__all__ = ["Run", "read_runs", "run_faults"]


@dataclass(frozen=True)
class Run:
    """One log of a task of this package.

    `log` is its path, `task` is shared by a run and those that retried it, `run` by copies of one log only. `status` is
    Inspect's: success, started, cancelled or error; `said` is the error. `sampling` is how answers were drawn, as
    `sampling_of` gives it.
    """

    log: str
    run: str
    task: str
    set: str
    model: Model
    status: str
    said: str
    sampling: dict[str, object]


def read_runs(logs: Sequence[str]) -> list[Run]:
    """Return the runs of log files; what is no log of an em_bench task is left out.

    Raises:
        DataError: A log whose answers are known, having been read before, cannot be read any more; all such logs.
    """
    from inspect_ai.log import read_eval_log

    found: list[Run] = []
    faults: list[Fault] = []
    for log in logs:
        model = log_model(log)
        if model is None:
            continue
        try:
            header = read_eval_log(log, header_only=True)
        except Exception as error:  # zip, JSON and schema errors have no common class
            faults.append(Fault(log, f"{type(error).__name__}: {error}", "a readable log of Inspect", "Remove it."))
            continue
        found.append(
            Run(
                log=log if "://" in log else short_path(Path(log)),
                run=header.eval.eval_id,
                task=header.eval.task_id,
                set=str((header.eval.metadata or {}).get("set", "")),
                model=model,
                status=header.status,
                said=header.error.message if header.error else "",
                sampling=sampling_of(header),
            )
        )
    if faults:
        raise DataError(faults)
    return found


_ENDED = {"started": "was cut short", "cancelled": "was cancelled", "error": "ended in error"}


def run_faults(runs: Sequence[Run]) -> Iterator[tuple[str, str]]:
    """Yield (what is wrong, the log to retry or "") of runs: copies of one log, and ends that no retry made good."""
    by_task: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_task[run.task].append(run)
    for of_task in by_task.values():
        whole = [run for run in of_task if run.status == "success"]
        for run in [] if whole else of_task[-1:]:
            said = f": {run.said}" if run.said else ""
            yield f"{run.log} {_ENDED.get(run.status, run.status)}{said}", run.log
        for twice in [run for run, n in Counter(run.run for run in whole).items() if n > 1]:
            names = sorted(run.log for run in whole if run.run == twice)
            yield f"{len(names)} logs of one run: {', '.join(names)}; remove all but one", ""
