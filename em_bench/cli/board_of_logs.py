"""Logs as the board that a site shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from em_bench.cli.shared import progress
from em_bench.errors import NOTHING, DataError, Fault

if TYPE_CHECKING:
    from em_bench.board import Board
    from em_bench.board.submitted import Submitted
    from em_bench.results.estimate import Estimate
    from em_bench.results.lane_pair import SetAgreement

__all__ = ["N_ANSWERS", "read_board", "read_places"]

N_ANSWERS = 10
"""Flagged answers of each model, set and judge that have pages, and as many others, unless said otherwise."""


def read_places(places: Sequence[str], copies: Path) -> tuple[list[str], list[Submitted]]:
    """Return the log files and folders among places and those that submissions name, and the submissions, verified.

    Args:
        places: Log files or folders, submissions, folders of submissions.
        copies: A folder for logs that submissions keep at an address; it must last until the site is written.

    Raises:
        DataError: There are submissions alone, and none is borne out by its logs.
    """
    from em_bench.board.submissions import find_submissions, read_submitted
    from em_bench.results.log_files import find_logs

    folders = {place: find_submissions(place) for place in places}
    submitted, logs = read_submitted([each for found in folders.values() for each in found], copies, progress)
    for each in submitted:
        progress(f"{each.id}: {each.badge or f'refused, reasons: {each.n_reasons}'}")
    own = [place for place, found in folders.items() if not found]
    names = {name for each in submitted for name in each.logs}
    if names and (shared := sorted(PurePath(log).name for log in find_logs(own) if PurePath(log).name in names)):
        raise DataError(Fault(shared[0], "a log of yours and of a submission", "names of their own", "Rename yours."))
    logs += own
    if not logs:
        fix = "em-bench leaderboard verify says what each lacks."
        raise DataError(Fault(", ".join(places), NOTHING, "logs, or a submission that its logs bear out", fix))
    return logs, submitted


def read_board(
    places: Sequence[str], n_answers: int = N_ANSWERS, bundle: str = "", submitted: Sequence[Submitted] = ()
) -> Board:
    """Return what logs hold, as the site shows it, and say how far it is.

    Args:
        places: Log files or folders.
        n_answers: How many flagged answers of each model, set and judge have pages, and how many others.
        bundle: The address of what `inspect view bundle` made of the logs; empty for none.
        submitted: What was handed in, as `read_places` gives it.

    Raises:
        DataError: A place is no log, or one cannot be read; all such are named.
    """
    from em_bench.board import Board
    from em_bench.models.card import read_cards
    from em_bench.results.log_files import find_logs
    from em_bench.results.summary import summarise_logs
    from em_bench.results.texts import TextReader

    logs = find_logs(places)
    progress(f"Reading {len(logs):,} log{'s' if len(logs) != 1 else ''} …")
    found = summarise_logs(logs, n_shown=n_answers, report=progress)
    if found.faults:
        raise DataError(found.faults)
    agreements = _agreements(logs, found.estimates)
    read = TextReader(found.chosen)
    cards = read_cards()
    return Board(found.estimates, cards, found.chosen, read, bundle, logs, agreements, n_answers, submitted)


def _agreements(logs: Sequence[str], estimates: Sequence[Estimate]) -> list[SetAgreement]:
    """Return how far judges agree where several read the same answers; only logs of such models are read for it."""
    from em_bench.results.agreement import compare_lanes
    from em_bench.results.answers import read_answers

    lanes: dict[tuple[str, str], set[str]] = {}
    names: dict[tuple[str, str], set[str]] = {}
    for each in estimates:
        lanes.setdefault((each.model, each.set_digest), set()).add(each.lane)
        names.setdefault((each.model, each.set_digest), set()).update(each.logs)
    wanted = {name for key, found in lanes.items() if len(found) > 1 for name in names[key]}
    if not wanted:
        return []
    try:
        return compare_lanes(read_answers([log for log in logs if PurePath(log).name in wanted]))
    except DataError:  # the same questions, but no answer that two have read
        return []
