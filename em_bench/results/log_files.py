"""Where logs lie: files and folders, on this machine or far away."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from em_bench.errors import NOTHING, DataError, Fault

__all__ = ["find_local_logs", "find_logs"]

_JSON_LOG = re.compile(r"\d{4}-\d{2}-\d{2}T.*\.json")


def find_logs(places: str | Sequence[str]) -> list[str]:
    """Return the log files named or found below the folders named, sorted; folders may be remote (fsspec).

    Raises:
        DataError: A place does not exist or cannot be listed, or no log lies there.
    """
    found: list[str] = []
    for place in [places] if isinstance(places, str) else places:
        is_remote = "://" in place
        if place.endswith((".eval", ".json")):
            if not is_remote and not Path(place).is_file():
                raise DataError(Fault(place, NOTHING, "a log file of Inspect"))
            found.append(place)
            continue
        if not is_remote and not Path(place).is_dir():
            found_here = "a file of another kind" if Path(place).exists() else NOTHING
            raise DataError(Fault(place, found_here, "a log file (.eval) or a folder of logs"))
        logs = _remote_logs(place) if is_remote else find_local_logs(Path(place))
        if not logs:
            raise DataError(Fault(place, "no log", "Inspect logs (.eval) in this folder", "Run a task with --log-dir."))
        found.extend(logs)
    return sorted(dict.fromkeys(found))


def find_local_logs(folder: Path) -> list[str]:
    """Return the logs below a local folder, as Inspect would list them; loading Inspect for that takes a second."""
    found = [path for path in folder.rglob("*") if path.suffix == ".eval" or _JSON_LOG.fullmatch(path.name)]
    return [str(path.absolute()) for path in found if path.is_file()]


def _remote_logs(folder: str) -> list[str]:
    from inspect_ai.log import list_eval_logs

    try:
        return [info.name for info in list_eval_logs(folder)]
    except Exception as error:  # file systems far away have errors of their own
        found = f"{type(error).__name__}: {error}"
        raise DataError(Fault(folder, found, "a folder of logs that can be listed")) from error
