"""Verification: is a submission what its logs say, and which badge has it earned?"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from em_bench import __version__
from em_bench.board.log_list import FoundLogs, find_listed, read_log_list
from em_bench.board.published import PublishedRows, Row, make_rows, read_rows
from em_bench.board.recomputed import arithmetic_faults, figure_faults
from em_bench.board.row_checks import row_faults, row_notes, submission_faults
from em_bench.board.submission import LOG_LIST, ROWS, SUBMISSION, Badge, Submission, read_submission
from em_bench.content import short_path
from em_bench.errors import NOTHING, ContentError, DataError, EmBenchError, Fault
from em_bench.models.card import ModelCard, read_cards
from em_bench.results.answers import read_answers
from em_bench.results.audits import audit_logs
from em_bench.results.estimates import estimate_answers
from em_bench.results.provenance import LogFile, read_log_file

__all__ = ["Recomputed", "Verification", "recompute_rows", "verify_submission"]


@dataclass(frozen=True)
class Recomputed:
    """What the logs of a submission give: its rows, and the answers table behind them."""

    rows: tuple[Row, ...]
    answers: Any


@dataclass(frozen=True)
class Verification:
    """What was found of a submission; without a badge it is refused, for the reasons in `faults`.

    `missing` says why nothing could be recomputed, where that is all that is wrong: the submission is self-reported.
    `logs` is where those lie that were read, by their names.
    """

    id: str
    badge: Badge | None
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[Fault, ...] = ()
    n_logs: int = 0
    rows: tuple[Row, ...] = ()
    submission: Submission | None = None
    logs: Mapping[str, Path] = field(default_factory=dict)
    recomputed: Recomputed | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types: what `verify --format json` prints."""
        return {
            "id": self.id,
            "badge": self.badge,
            "reasons": [_plain(fault) for fault in self.faults],
            "not_recomputed": [_plain(fault) for fault in self.missing],
            "notes": list(self.notes),
            "rows": len(self.rows),
            "logs": self.n_logs,
        }

    def __str__(self) -> str:
        return f"{self.id}: {self.badge or 'refused'}, {len(self.faults)} reasons"


def _plain(fault: Fault) -> dict[str, str]:
    return {"place": fault.place, "found": str(fault.found), "expected": fault.expected, "fix": fault.fix}


def recompute_rows(paths: Mapping[str, Path], logs: Sequence[LogFile], cards: list[ModelCard]) -> Recomputed:
    """Return the rows that local logs give.

    Args:
        paths: Where each log lies, by its name.
        logs: What their headers say.
        cards: As `read_cards` gives them.

    Raises:
        DataError: One cannot be read, or there is no answer in any.
    """
    answers = read_answers(sorted(str(path) for path in paths.values()))
    return Recomputed(make_rows(estimate_answers(answers), logs, cards), answers)


def verify_submission(
    folder: Path,
    logs: str | None = None,
    among: Path | None = None,
    report: Callable[[str], None] = lambda text: None,
    copies: Path | None = None,
) -> Verification:
    """Return what is found of a submission, recomputed from its logs where they can be had.

    Its own claims grant nothing. Every reason to refuse it is given at once, as far as they can be told apart: figures
    are compared only where every log is there.

    Args:
        folder: The submission's folder, called by its id.
        logs: Folder or address of the logs; None means where the submission says.
        among: The folder of all submissions, which no log may be in twice; None means the one it lies in.
        report: Is told what is being done.
        copies: A folder that keeps logs copied from an address, by submission; None means that they are not kept.
    """
    try:
        submission, published, listed = _read(folder)
    except EmBenchError as error:
        return Verification(folder.resolve().name, None, tuple(error.faults))
    cards = read_cards()
    faults = [
        *_stray_files(folder, submission),
        *submission_faults(folder, submission, published, cards),
        *row_faults(published, listed),
        *_unused_logs(folder, published, listed),
        *_submitted_twice(submission.id, listed, among or folder.resolve().parent),
    ]
    about: dict[str, Any] = {"id": submission.id, "n_logs": len(listed), "rows": published.rows}
    about["submission"] = submission
    notes = [*row_notes(published), *_version_notes(submission)]
    place = logs or _place(folder, submission)
    if place is None:
        missing = [
            Fault(f"{short_path(folder / SUBMISSION)} logs", NOTHING, "where the logs lie", "Or give --logs FOLDER.")
        ]
        return _self_reported(about, published, faults, notes, missing)
    with tempfile.TemporaryDirectory() as scratch:
        report(f"{submission.id}: {len(listed)} logs from {place} …")
        try:
            found = find_listed(listed, place, copies / submission.id if copies else Path(scratch))
        except DataError as error:
            return _self_reported(about, published, faults, notes, error.faults)
        if not found.paths and not found.has_links:
            return _self_reported(about, published, faults, notes, found.faults)
        faults += found.faults
        recomputed = None
        try:
            files = _read_headers(found, listed)
            faults += _status_faults(files)
            faults += audit_logs({f"log {each.name}": found.paths[each.name] for each in files if each.set}, report)
            if found.is_complete:
                recomputed = recompute_rows(found.paths, files, cards)
                faults += figure_faults(published, recomputed.rows)
            else:
                n_absent = len(listed) - len(found.paths)
                notes.append(f"figures were not compared: {n_absent} of {len(listed)} logs are missing")
        except EmBenchError as error:
            faults += error.faults
    badge: Badge | None = None if faults else "recomputed"
    about["logs"] = found.paths
    return Verification(badge=badge, faults=tuple(faults), notes=tuple(notes), recomputed=recomputed, **about)


def _read(folder: Path) -> tuple[Submission, PublishedRows, dict[str, str]]:
    """Return what the three files say; faults of all of them at once."""
    faults: list[Fault] = []
    if folder.is_symlink() or not folder.is_dir():
        found = "a symbolic link" if folder.is_symlink() else NOTHING
        raise ContentError(Fault(str(folder), found, "the folder of a submission"))
    read: list[Any] = []
    for reader in (
        lambda: read_submission(folder),
        lambda: read_rows(folder / ROWS),
        lambda: read_log_list(folder / LOG_LIST),
    ):
        try:
            read.append(reader())
        except EmBenchError as error:
            faults += error.faults
    if faults:
        raise ContentError(faults)
    submission, published, listed = read
    return submission, published, listed


def _self_reported(
    about: dict[str, Any], published: PublishedRows, faults: list[Fault], notes: list[str], missing: Sequence[Fault]
) -> Verification:
    faults = [*faults, *arithmetic_faults(published)]
    badge: Badge | None = None if faults else "self-reported"
    return Verification(badge=badge, faults=tuple(faults), notes=tuple(notes), missing=tuple(missing), **about)


def _place(folder: Path, submission: Submission) -> str | None:
    if submission.logs is None or "://" in submission.logs:
        return submission.logs
    path = folder / submission.logs
    return None if path.is_symlink() else str(path)


def _stray_files(folder: Path, submission: Submission) -> Iterator[Fault]:
    own = {SUBMISSION, ROWS, LOG_LIST, submission.logs}
    for path in sorted(folder.iterdir()):
        if path.name not in own:
            yield Fault(short_path(path), path.name, f"only {SUBMISSION}, {ROWS} and {LOG_LIST}", "Remove it.")
        elif path.name == submission.logs and path.is_symlink():
            yield Fault(short_path(path), "a symbolic link", "a folder of its own", "Copy the logs there.")


def _unused_logs(folder: Path, published: PublishedRows, listed: Mapping[str, str]) -> Iterator[Fault]:
    used = {name for row in published.rows for name in row["provenance"]["logs"]}
    for name in sorted(set(listed) - used):
        place = short_path(folder / LOG_LIST)
        yield Fault(place, name, "only logs that a row rests on", "Submit anew: a row or its provenance is gone.")


def _submitted_twice(id_: str, listed: Mapping[str, str], among: Path) -> Iterator[Fault]:
    """Yield logs that another submission lists: one run must not count twice."""
    own = {digest: name for name, digest in listed.items()}
    for path in sorted(among.glob(f"*/{LOG_LIST}")):
        if path.parent.name == id_:
            continue
        try:
            others = read_log_list(path)
        except ContentError:
            continue  # its own verification says so
        for digest in sorted(set(own) & set(others.values())):
            yield Fault(
                f"log {own[digest]}", f"a log of {path.parent.name}", "a log of no other submission", "Remove one."
            )


def _read_headers(found: FoundLogs, listed: Mapping[str, str]) -> list[LogFile]:
    read, faults = [], []
    for name, path in found.paths.items():
        try:
            read.append(read_log_file(path, name, listed[name]))
        except DataError as error:
            faults += error.faults
    if faults:
        raise DataError(faults)
    return read


def _status_faults(files: Sequence[LogFile]) -> Iterator[Fault]:
    for each in files:
        if not each.set:
            yield Fault(f"log {each.name}", "a log of another task", "a log of an em_bench task", "Submit without it.")
        elif each.status != "success":
            fix = "Finish it with inspect eval-retry, and submit the finished log."
            yield Fault(f"log {each.name}", f"status {each.status}", "success", fix)


def _version_notes(submission: Submission) -> Iterator[str]:
    if submission.em_bench != __version__:
        yield f"made with em_bench {submission.em_bench}, verified with {__version__}"
    if os.environ.get("EM_BENCH_CARDS"):
        yield "EM_BENCH_CARDS is set: judge cards of this machine count as well"
