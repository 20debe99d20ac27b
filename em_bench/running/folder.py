"""The log folder of a run: what runs there, so that the same command goes on and no other mixes in."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from fsspec import AbstractFileSystem
from fsspec.core import url_to_fs
from fsspec.implementations.local import LocalFileSystem

from em_bench.errors import NOTHING, DataError, EmBenchError, Fault, OperatorError
from em_bench.results.log_files import find_logs
from em_bench.running.command import RunRequest
from em_bench.running.share import Share

__all__ = ["RECORD", "RunFolder", "check_writable", "open_folder", "unwritable"]

RECORD = "em-bench-run.json"
"""The file that says what runs in a folder; written once, before the first call."""
_LOCK = ".em-bench-run.lock"
_FORM = 1
_PROBE_BYTES = 100_000
_PATIENCE_S = 30.0
"""How long to wait for another run to end: the processes of one that was killed close their logs first."""


@dataclass(frozen=True)
class RunFolder:
    """The log folder of a run and its shares; `is_new` if no run was begun there before."""

    log_dir: str
    shares: tuple[Share, ...]
    is_new: bool


@contextmanager
def open_folder(
    log_dir: str,
    request: RunRequest,
    shares: Sequence[Share],
    typed: str,
    report: Callable[[str], None] = lambda text: None,
) -> Iterator[RunFolder]:
    """Hold the log folder of a run: made if need be, with the shares that were laid down when it was begun.

    Args:
        log_dir: Any folder, here or far away (fsspec).
        request: What is to be run.
        shares: Those of a run that is begun.
        typed: The command as it was typed, for messages to whoever comes later with another.
        report: Is told that another run is waited for.

    Raises:
        OperatorError: The folder cannot be written, holds other logs or another run, or a run is at work there.
    """
    lock: TextIO | None = None
    try:
        files, root = url_to_fs(log_dir)
        files.makedirs(root, exist_ok=True)
        lock = _lock(log_dir, files, root, report)
        record = f"{root.rstrip('/')}/{RECORD}"
        is_new = not files.exists(record) or not _n_logs(log_dir)
        if is_new:
            _begin(log_dir, request, shares, typed, files, record)
        else:
            with files.open(record, "r", encoding="utf-8") as file:
                shares = _go_on(log_dir, request, file.read())
            check_writable(log_dir)
    except EmBenchError:
        raise
    except Exception as error:  # of the file system, or of whatever serves a remote folder
        raise OperatorError(unwritable(log_dir, error)) from error
    else:
        yield RunFolder(log_dir, tuple(shares), is_new)
    finally:
        if lock is not None:
            lock.close()


def unwritable(log_dir: str, error: Exception) -> Fault:
    """Return the fault of a log folder that cannot be made or written."""
    found = f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"
    return Fault(f"--log-dir {log_dir}", found, "a folder that can be written", "Name another.")


def _begin(
    log_dir: str, request: RunRequest, shares: Sequence[Share], typed: str, files: AbstractFileSystem, record: str
) -> None:
    if n_logs := _n_logs(log_dir):
        expected = f"a new folder, or one that em-bench run began ({RECORD})"
        raise OperatorError(Fault(f"--log-dir {log_dir}", f"{n_logs} logs of other runs", expected, "Name another."))
    plain = {"form": _FORM, "command": typed, "asked": request.to_dict(), "shares": [s.to_dict() for s in shares]}
    half = record + ".new"
    with files.open(half, "w", encoding="utf-8") as file:
        file.write(json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    files.mv(half, record)


def _n_logs(log_dir: str) -> int:
    try:
        return len(find_logs([log_dir]))
    except DataError:  # there is none, or it cannot be told
        files, root = url_to_fs(log_dir)
        return sum(path.endswith(".eval") for path in files.find(root))


def _go_on(log_dir: str, request: RunRequest, text: str) -> Sequence[Share]:
    place = f"{log_dir.rstrip('/')}/{RECORD}"
    try:
        plain = json.loads(text)
        then, typed = dict(plain["asked"]), str(plain["command"])
        shares = [Share.from_dict(share) for share in plain["shares"]]
    except (ValueError, TypeError, KeyError) as error:
        fix = "Name another folder; its logs can still be read."
        raise OperatorError(Fault(place, f"{type(error).__name__}: {error}", "what em-bench run wrote", fix)) from error
    now = json.loads(json.dumps(request.to_dict()))
    differing = [key for key in now if now[key] != then.get(key)]
    fixes = {differing[-1]: f"Name a new folder, or go on with: {typed}"} if differing else {}
    if differing:
        raise OperatorError(
            Fault(f"--log-dir {log_dir}, {key}", *_difference(now[key], then.get(key)), fixes.get(key, ""))
            for key in differing
        )
    return shares


def _difference(now: object, then: object) -> tuple[object, str]:
    """Return what is asked now and what was asked when the run began, as far as they differ."""
    if isinstance(now, list) and isinstance(then, list):
        if changed := _changed(now, then):
            return "; ".join(changed), f"{'; '.join(changed.values())}, as this run was begun with"
        added = "; ".join(_said(each) for each in now if each not in then)
        gone = "; ".join(_said(each) for each in then if each not in now)
        return added or NOTHING, f"{gone or 'nothing more'}, as this run was begun with"
    return now, f"{then!r}, as this run was begun with"


def _changed(now: list[object], then: list[object]) -> dict[str, str]:
    """Return what is said otherwise of the same sets, and what was said; nothing where the sets are others."""
    new, old = ({each["set"]: each for each in side if isinstance(each, dict)} for side in (now, then))
    if new.keys() != old.keys() or not len(now) == len(then) == len(new):
        return {}
    of_sets: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, each in new.items():
        for key, value in each.items():
            if value != old[name].get(key):
                of_sets[f"{key}={_plain(value)}", f"{key}={_plain(old[name].get(key))}"].append(name)
    return {f"{found} of {', '.join(names)}": was for (found, was), names in of_sets.items()}


def _plain(value: object) -> str:
    return (",".join(value) if isinstance(value, list) else str(value or "")) or "the set's own"


def _said(each: object) -> str:
    """Return an item of a suite in few words: its name, and what of it is not the default."""
    if not isinstance(each, dict):
        return str(each)
    kept = {key: value for key, value in each.items() if value and key not in ("set", "digest")}
    words = [f"{key}={','.join(value) if isinstance(value, list) else value}" for key, value in kept.items()]
    return " ".join([str(each.get("set")), *words, f"({str(each.get('digest'))[:8]})"])


def check_writable(log_dir: str) -> None:
    """Write and remove a small file: a folder may have become read-only or full since the run was begun.

    Raises:
        OperatorError: It cannot be written.
    """
    try:
        files, root = url_to_fs(log_dir)
        probe = f"{root.rstrip('/')}/{RECORD}.probe"
        with files.open(probe, "w", encoding="utf-8") as file:
            file.write(" " * _PROBE_BYTES)
        files.rm(probe)
    except Exception as error:  # of the file system, or of whatever serves a remote folder
        raise OperatorError(unwritable(log_dir, error)) from error


def _lock(log_dir: str, files: AbstractFileSystem, root: str, report: Callable[[str], None]) -> TextIO | None:
    """Keep other runs out of a local folder while this process or one that it started lives; far away nobody can."""
    if not isinstance(files, LocalFileSystem) or sys.platform == "win32":
        return None
    import fcntl

    lock = (Path(root) / _LOCK).open("a+", encoding="utf-8")
    waited_until, is_told = time.monotonic() + _PATIENCE_S, False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES):  # file systems of clusters may know no locks
                report(f"{log_dir}: no lock there ({error.strerror}); nothing keeps a second run out.")
                return lock
            if time.monotonic() > waited_until:
                found = f"another run at work (process {_holder(lock)})"
                fix = "Wait for it, stop it, or name another folder."
                raise OperatorError(Fault(f"--log-dir {log_dir}", found, "a folder for this run alone", fix)) from error
            if not is_told:
                report(
                    f"{log_dir}: another run is at work (process {_holder(lock)}); waiting {_PATIENCE_S:.0f} s for it …"
                )
                is_told = True
            time.sleep(0.2)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    os.set_inheritable(lock.fileno(), True)
    return lock


def _holder(lock: TextIO) -> str:
    lock.seek(0)
    return lock.read() or "?"
