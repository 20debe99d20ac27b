"""What was made of logs, kept until they change: reading summaries anew takes a third of a millisecond a sample.

One file each in the cache folder: the table of a log, by columns (a column with one value throughout holds it once),
and the summary of a model. A file that cannot be read or written is no error: the logs are then read again. Files are
replaced whole, so that two builds at once do not see half of one.
"""

from __future__ import annotations

import json
import os
import random
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import em_bench
from em_bench.content import cache_folder, content_folder
from em_bench.judging.cards import CARDS

__all__ = ["keep_text", "kept_text", "load", "load_model", "log_state", "package_state", "save"]

_FORM = 10
"""Rises when what is read from a log changes."""

_MOST_FILES = 10_000
_EVERY = 100
"""Of so many files kept, one looks whether there are too many."""

Columns = dict[str, list[Any]]
State = list[Any]
Model = tuple[str, str, bool]

_ANSWERS = "answers"
_OF_MODEL = ("model", "model_args", "recorded")


def load(log: str) -> Columns | None:
    """Return the columns kept of a log; None if none are, or the log is another than it was."""
    head, _, body = _kept_table(log)
    try:
        kept = json.loads(body)
        n_rows: int = head["n_rows"]
        columns = {name: cells if len(cells) != 1 else cells * n_rows for name, cells in kept.items()}
        return columns if all(len(cells) == n_rows for cells in columns.values()) else None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def load_model(log: str) -> Model | None:
    """Return the model (string, arguments, whether recorded elsewhere) whose answers a log holds; None if not known."""
    try:
        model, args, is_recorded = _kept_table(log)[0]["model"]
        return str(model), str(args), bool(is_recorded)
    except (KeyError, TypeError, ValueError):
        return None


def save(log: str, state: State | None, columns: Columns) -> None:
    """Keep the columns of a log.

    Args:
        log: The log.
        state: Its `log_state` from before it was read, so that what changed meanwhile is read anew; None keeps nothing.
        columns: What was read.
    """
    if state is None:
        return
    n_rows = len(next(iter(columns.values()), []))
    packed = {
        name: cells[:1] if n_rows and cells.count(cells[0]) == n_rows else cells for name, cells in columns.items()
    }
    head = {"of": state, "n_rows": n_rows, "model": [columns[name][0] for name in _OF_MODEL] if n_rows else None}
    keep_text(_ANSWERS, _name(log), json.dumps(head) + "\n" + json.dumps(packed))


def log_state(log: str) -> State | None:
    """Return what must be the same for what was kept of a log to count; None where that cannot be told."""
    try:
        path = _local(log)
        if path is None:
            return [em_bench.__version__, _FORM, *_remote_state(log)]
        found = path.stat()
    except Exception:  # file systems far away have errors of their own
        return None
    return [em_bench.__version__, _FORM, found.st_size, found.st_mtime_ns, found.st_ino]


def _remote_state(log: str) -> State:
    """Return size and date, or tag, of a log far away.

    Raises:
        KeyError: Its file system tells neither.
    """
    from fsspec.core import url_to_fs

    system, path = url_to_fs(log)
    about = system.info(path)
    marks = [str(about[name]) for name in ("ETag", "mtime", "LastModified", "created") if name in about]
    if not marks:
        raise KeyError("mtime")
    return [about["size"], *marks]


def package_state() -> str:
    """Return a digest that changes with code, content and a user's own judge cards, on which all results rest."""
    folders = [Path(em_bench.__file__).parent, *map(content_folder, ("tasks", "judges", "organisms"))]
    if own := os.environ.get(CARDS):
        folders.append(Path(own))
    kinds = ("*.py", "*.yaml", "*.json", "*.npz")
    files = sorted(path for folder in folders for kind in kinds for path in folder.rglob(kind))
    about = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return sha256(json.dumps(about).encode()).hexdigest()[:32]


def kept_text(kind: str, name: str) -> str | None:
    """Return what was kept under a name; None if nothing was."""
    try:
        return _file(kind, name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def keep_text(kind: str, name: str, text: str) -> None:
    """Keep a text under a name, in the place of what was kept there."""
    file = _file(kind, name)
    partial = None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=file.parent, prefix=".", delete=False, encoding="utf-8") as opened:
            partial = Path(opened.name)
            opened.write(text)
        partial.replace(file)
        _prune(file.parent)
    except OSError:
        if partial is not None:
            with suppress(OSError):
                partial.unlink(missing_ok=True)


def _kept_table(log: str) -> tuple[dict[str, Any], str, str]:
    """Return the head and the body of the table kept of a log as it is now; empty ones if there is none."""
    head, line, body = (kept_text(_ANSWERS, _name(log)) or "").partition("\n")
    try:
        about = json.loads(head)
        state = log_state(log)
        return (about, line, body) if state is not None and about["of"] == state else ({}, "", "")
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}, "", ""


def _local(log: str) -> Path | None:
    if "://" in log and not log.startswith("file://"):
        return None
    return Path(log.removeprefix("file://")).absolute()


def _name(log: str) -> str:
    return sha256(str(_local(log) or log).encode()).hexdigest()[:32]


def _file(kind: str, name: str) -> Path:
    return cache_folder() / kind / f"{name}.json"


def _prune(folder: Path) -> None:
    """Remove the oldest files where there are too many; now and then, as counting them takes time."""
    if random.randrange(_EVERY):  # noqa: S311
        return
    files = list(folder.glob("*.json"))
    if len(files) > _MOST_FILES:
        for old in sorted(files, key=lambda file: file.stat().st_mtime)[: _MOST_FILES // 10]:
            old.unlink(missing_ok=True)
