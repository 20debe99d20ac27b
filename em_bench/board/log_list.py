"""The logs of a submission: their names and hashes in `logs.sha256`, and where they lie."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from em_bench.board.submission import check_file
from em_bench.content import sha256_of, short_path
from em_bench.errors import NOTHING, ContentError, DataError, Fault
from em_bench.results.log_files import find_local_logs

__all__ = ["FoundLogs", "find_listed", "log_list_text", "read_log_list"]

_LINE = re.compile(r"([0-9a-f]{64}) [ *](\S.*)")
_LOG = (".eval", ".json")
_MOST_BYTES = 4_000_000_000
_LONGEST_NAME = 255


@dataclass(frozen=True)
class FoundLogs:
    """The listed logs that are there, by name, and what is wrong with them and with the others.

    A log that is there under another hash has a fault and is read all the same: the figures show what was changed.
    `has_links` says that a listed name leads over a symbolic link, which is not followed.
    """

    paths: Mapping[str, Path] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    is_complete: bool = False
    has_links: bool = False


def log_list_text(digests: Mapping[str, str]) -> str:
    """Return the text of `logs.sha256`, as `sha256sum` writes and checks it, by name.

    Args:
        digests: The sha256 of each log by its name within the folder of logs.
    """
    return "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))


def read_log_list(path: Path) -> dict[str, str]:
    """Return the sha256 of each listed log, by its name within the folder of logs.

    Raises:
        ContentError: The file is missing, a line is not of the form of `sha256sum`, or a name leads out of the folder,
            is no log's, or is there twice; all at once.
    """
    check_file(path)
    found: dict[str, str] = {}
    stems: set[str] = set()
    faults = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        place = f"{short_path(path)}:{number}"
        matched = _LINE.fullmatch(line)
        if matched is None:
            faults.append(Fault(place, line, "'<sha256>  <log>', as sha256sum writes it"))
            continue
        digest, name = matched.groups()
        stem = name.rsplit("/", 1)[-1]
        if why := _unsafe(name):
            faults.append(Fault(place, name, f"a log's name within the folder of logs: {why}"))
        elif name in found or stem in stems:
            faults.append(Fault(place, name, "each log once, under a file name of its own", "Delete or rename it."))
        else:
            found[name] = digest
            stems.add(stem)
    if not found and not faults:
        faults.append(Fault(short_path(path), NOTHING, "a line for each log"))
    if faults:
        raise ContentError(faults)
    return found


def _unsafe(name: str) -> str:
    """Return why a name cannot be followed, "" where it can."""
    parts = name.split("/")
    if name.startswith(("/", "~")) or "\\" in name or ":" in name:
        return "no absolute path, address or backslash"
    if any(part in ("", ".", "..") for part in parts):
        return "no '.', '..' or empty part"
    if not name.isprintable():
        return "printable characters only"
    if max(len(part.encode()) for part in parts) > _LONGEST_NAME:
        return f"parts of at most {_LONGEST_NAME} bytes"
    return "" if name.endswith(_LOG) else "it ends in .eval or .json"


def find_listed(listed: Mapping[str, str], place: str, scratch: Path) -> FoundLogs:
    """Return the listed logs as local files, and a fault for each that is missing, another, a link, or not listed.

    Logs in a folder of this machine stay where they are; those at an address are copied into `scratch` first, so that
    what is hashed is what is read. What lies at an address and is not listed cannot be seen.

    Args:
        listed: As `read_log_list` gives it.
        place: Folder or address of the logs.
        scratch: An empty folder.

    Raises:
        DataError: There is no such folder.
    """
    is_remote = "://" in place
    folder = Path(place)
    if not is_remote and not folder.is_dir():
        raise DataError(Fault(place, NOTHING, "the folder of the logs", "Name it with --logs FOLDER."))
    paths: dict[str, Path] = {}
    faults: list[Fault] = []
    for name, digest in listed.items():
        path = scratch / name if is_remote else folder / name
        fault = _fetch(place.rstrip("/"), name, path) if is_remote else _local_fault(folder, name)
        if fault is not None:
            faults.append(fault)
            continue
        paths[name] = path
        if (found := sha256_of(path)) != digest:
            fix = "It was edited after it was listed, or is another file: submit it anew."
            faults.append(Fault(f"log {name}", f"sha256 {found[:16]}…", f"{digest[:16]}… as in logs.sha256", fix))
    if not is_remote:
        faults += _unlisted(folder, listed)
    has_links = not is_remote and any(_is_linked(folder, name) for name in listed)
    return FoundLogs(paths, tuple(faults), len(paths) == len(listed), has_links)


def _is_linked(folder: Path, name: str) -> bool:
    parts = Path(name).parts
    return any(folder.joinpath(*parts[: n + 1]).is_symlink() for n in range(len(parts)))


def _local_fault(folder: Path, name: str) -> Fault | None:
    path = folder / name
    if _is_linked(folder, name):
        return Fault(f"log {name}", "a symbolic link", "the file itself", "Copy the log there.")
    if not path.is_file():
        return Fault(f"log {name}", NOTHING, f"the log in {folder}", "Put it there, or submit without it.")
    return None


def _fetch(place: str, name: str, path: Path) -> Fault | None:
    """Copy a log from below an address; return what went wrong."""
    import fsspec

    address = f"{place}/{name}"
    url = f"{place}/{quote(name)}" if place.startswith("http") else address
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fsspec.open(url, "rb") as source, path.open("wb") as copy:
            if (getattr(source, "size", 0) or 0) > _MOST_BYTES:
                return Fault(f"log {address}", f"{source.size:,} bytes", f"at most {_MOST_BYTES:,}")
            shutil.copyfileobj(source, copy, 1 << 20)
    except Exception as error:  # each file system of fsspec has errors of its own
        said = f"{type(error).__name__}: {error}"
        return Fault(f"log {address}", said, "the log", "Publish it there, or name another place with --logs.")
    return None


def _unlisted(folder: Path, listed: Mapping[str, str]) -> list[Fault]:
    """Return a fault for each log in the folder that is not listed: a run must not be left out for what it says."""
    there = sorted(Path(log) for log in find_local_logs(folder))
    names = [path.absolute().relative_to(folder.absolute()).as_posix() for path in there]
    fix = "Submit it as well, or keep logs of other submissions elsewhere."
    return [
        Fault(f"log {name}", "a log that is not listed", "only logs of logs.sha256", fix)
        for name in names
        if name not in listed
    ]
