"""The commands that go on with runs whose answers did not all come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from em_bench.results.commands import retry_command
from em_bench.results.estimate import Estimate
from em_bench.results.runs import read_runs, run_faults
from em_bench.running.folder import RECORD

__all__ = ["commands_to_go_on"]

_SHARE_DEPTH = 2
"""The logs of `em-bench run` lie in folders of their own below that of the run."""


def commands_to_go_on(estimates: Sequence[Estimate], logs: Sequence[str]) -> list[str]:
    """Return the commands that ask for the missing answers of estimates, each once; none where none is missing.

    Args:
        estimates: What the logs come to.
        logs: Their paths; those that cannot be read must not be among them.
    """
    names = {name for estimate in estimates if estimate.counts.missing for name in estimate.logs}
    runs = read_runs([log for log in logs if Path(log).name in names])
    unfinished = [log for _, log in run_faults(runs) if log] or [run.log for run in runs]
    return list(dict.fromkeys(_run_command(log) or retry_command(log) for log in unfinished))


def _run_command(log: str) -> str | None:
    """Return the `em-bench run` that a log is of, as it was typed; None of any other log."""
    for folder in Path(log).parents[:_SHARE_DEPTH] if "://" not in log else ():
        if (record := folder / RECORD).is_file():
            try:
                return str(json.loads(record.read_text(encoding="utf-8"))["command"])
            except (OSError, ValueError, TypeError, KeyError):
                return f"the em-bench run that was begun with --log-dir {folder}"
    return None
