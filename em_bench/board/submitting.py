"""From logs to the three files of a submission."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from em_bench import __version__
from em_bench.board.log_list import log_list_text
from em_bench.board.published import Row, rows_text
from em_bench.board.row_checks import said_set
from em_bench.board.submission import LOG_LIST, ROWS, SUBMISSION, Submission
from em_bench.board.verification import recompute_rows
from em_bench.content import record_faults, sha256_of
from em_bench.errors import DataError, Fault, OperatorError
from em_bench.models.card import read_cards
from em_bench.results.log_files import find_logs
from em_bench.results.provenance import LogFile, read_log_file

__all__ = ["NamedLogs", "name_logs", "write_submission"]


@dataclass(frozen=True)
class NamedLogs:
    """Logs as they will be published: where each lies now, by its name within the folder of logs, and its header."""

    paths: Mapping[str, Path]
    files: tuple[LogFile, ...]


def name_logs(places: Sequence[str], report: Callable[[str], None]) -> NamedLogs:
    """Return the logs at `places` by the names they are published under: their paths below the place that was named.

    Logs of other tasks are left out, and unfinished ones whose task another log finished.

    Args:
        places: Local log files or folders.
        report: Is told what is left out.

    Raises:
        DataError: A place is not there, two logs share a file name, one cannot be read, or is unfinished.
    """
    paths = _name_paths(places)
    files = [read_log_file(path, name, sha256_of(path)) for name, path in paths.items()]
    finished = {each.task_id for each in files if each.status == "success"}
    kept, faults = [], []
    for each in files:
        if each.set and each.status == "success":
            kept.append(each)
        elif each.set and each.task_id not in finished:
            faults.append(Fault(each.name, f"status {each.status}", "a finished run", "Run: inspect eval-retry LOG"))
        else:
            why = f"status {each.status}; another log finished its task" if each.set else "a log of another task"
            report(f"left out: {each.name}, {why}")
    if not kept and not faults:
        faults.append(Fault(" ".join(places), "no log of an em_bench task", "logs to submit"))
    if faults:
        raise DataError(faults)
    return NamedLogs({each.name: paths[each.name] for each in kept}, tuple(kept))


def _name_paths(places: Sequence[str]) -> dict[str, Path]:
    """Return the logs at `places` by their names."""
    paths: dict[str, Path] = {}
    faults: list[Fault] = []
    for place in places:
        if "://" in place:
            faults.append(Fault(place, "an address", "a folder of this machine", "Copy the logs first."))
            continue
        for log in find_logs([place]):
            path = Path(log).absolute()
            name = path.relative_to(Path(place).absolute()).as_posix() if Path(place).is_dir() else path.name
            twins = [other for other in paths.values() if other.name == path.name and other != path]
            if twins:
                fault = Fault(str(path), f"a second log called {path.name}, beside {twins[0]}", "each file name once")
                faults.append(fault)
            elif path not in paths.values():
                paths[name] = path
    if faults:
        raise DataError(faults)
    return paths


def write_submission(folder: Path, logs: NamedLogs, about: Mapping[str, Any]) -> Submission:
    """Write the three files of a submission into `folder`, and return what its `submission.yaml` says.

    The same logs and words give the same bytes: its date is the day of the latest run.

    Args:
        folder: The folder, called by the submission's id; it is made.
        logs: What is submitted.
        about: `title`, `submitted_by` and what else the user says of it.

    Raises:
        OperatorError: What the user says breaks the schema.
        DataError: A log cannot be read.
    """
    rows = recompute_rows(logs.paths, logs.files, read_cards()).rows
    submission = _submission(folder.name, rows, logs, about)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / SUBMISSION).write_text(submission.to_yaml(), encoding="utf-8")
    (folder / ROWS).write_text(rows_text(rows), encoding="utf-8")
    used = {name: digest for row in rows for name, digest in row["provenance"]["logs"].items()}
    (folder / LOG_LIST).write_text(log_list_text(used), encoding="utf-8")
    return submission


def _submission(id_: str, rows: Sequence[Row], logs: NamedLogs, about: Mapping[str, Any]) -> Submission:
    inspect = {each.packages["inspect_ai"] for each in logs.files if "inspect_ai" in each.packages}
    plain = {
        "id": id_,
        "date": max(datetime.date.fromisoformat(row["provenance"]["dates"][1]) for row in rows),
        "em_bench": __version__,
        "inspect": ", ".join(sorted(inspect)) or "unknown",
        "models": {row["model"]: row["provenance"]["model"]["card"] for row in rows},
        "sets": sorted({said_set(row) for row in rows}),
        "lanes": sorted({row["lane"] for row in rows}),
        **{key: value for key, value in about.items() if value is not None},
    }
    try:
        return Submission.model_validate(plain)
    except ValidationError as error:
        raise OperatorError(record_faults(error, "submission")) from error
