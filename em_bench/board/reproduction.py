"""Reproduction: did somebody else, asking again, find the same?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from em_bench.board.recomputed import row_key
from em_bench.board.submission import SUBMISSION, read_submission
from em_bench.board.verification import Verification, verify_submission
from em_bench.errors import EmBenchError
from em_bench.results.comparing import compare_models
from em_bench.results.labels import model_labels

__all__ = ["verify_all", "with_reproduction"]

_LEVEL = 0.95


def verify_all(
    folders: Sequence[Path],
    logs: str | None = None,
    report: Callable[[str], None] = lambda text: None,
    copies: Path | None = None,
) -> list[Verification]:
    """Return what is found of submissions; partners that reproduce one are verified with it, each once.

    Args:
        folders: The folder of each.
        logs: Folder or address of their logs; None means where each says.
        report: Is told what is being done.
        copies: As in `verify_submission`.
    """
    found = {folder.resolve(): verify_submission(folder, logs, report=report, copies=copies) for folder in folders}
    told = []
    for path, each in list(found.items()):
        judged = each
        for id_ in _partners(each, path.parent) if each.badge == "recomputed" else []:
            other = path.parent / id_
            if other not in found:
                found[other] = verify_submission(other, report=report, copies=copies)
            judged = with_reproduction(judged, found[other])
        told.append(judged)
    return told


def _partners(found: Verification, among: Path) -> list[str]:
    """Return the ids of the submissions that this one reproduces, or that reproduce it, sorted.

    Args:
        found: A submission that was verified.
        among: The folder of all submissions.
    """
    if found.submission is None:
        return []
    named = {found.submission.reproduces} - {None}
    for path in among.glob(f"*/{SUBMISSION}"):
        try:
            if read_submission(path.parent).reproduces == found.id:
                named.add(path.parent.name)
        except EmBenchError:
            continue  # its own verification says so
    return sorted(name for name in named if name is not None)


def with_reproduction(found: Verification, other: Verification) -> Verification:
    """Return a verification with the badge `reproduced` if another submission bears it out, else with the reason.

    Both must be recomputed from their logs, by different submitters, without an answer in common. Of every row of the
    reproduced submission the other has one of the same model, set, version, arm and lane with no fewer answers, and the
    paired difference over these questions covers 0 in all rows at once (95 % together: Bonferroni over rows).

    Args:
        found: The verification of the one.
        other: That of its partner.
    """
    why = next(_objections(found, other), None)
    if why is not None:
        return replace(found, notes=(*found.notes, f"not reproduced with {other.id}: {why}"))
    return replace(found, badge="reproduced", notes=(*found.notes, f"reproduced: {other.id} agrees"))


def _objections(found: Verification, other: Verification) -> Iterator[str]:
    for each in (found, other):
        if each.recomputed is None or each.faults:
            yield f"{each.id} is {'refused' if each.faults else 'not recomputed from its logs'}"
            return
    first, second = (found, other) if _reproduces(other, found) else (other, found)
    if not _reproduces(second, first):
        yield f"neither names the other in {SUBMISSION}"
        return
    if _submitter(first) == _submitter(second):
        yield f"both were submitted by {_submitter(first)}"
    one, two = _answers(first), _answers(second)
    own, others = ({row_key(row) for row in each.rows} for each in (found, other))
    if extra := sorted(own - others):
        yield f"{other.id} has no row of {', '.join((extra[0][0], extra[0][1], extra[0][3], extra[0][4]))}"
        return
    if n_shared := len(set(one["uuid"]) & set(two["uuid"])):
        yield f"they have {n_shared} answers in common: one and the same run"
    yield from _differences(first, second, one, two)


def _differences(first: Verification, second: Verification, one: Any, two: Any) -> Iterator[str]:  # noqa: ANN401
    """Yield the first row that the second submission lacks, has fewer answers of, or finds something else in."""
    again = {row_key(row): row for row in second.rows}
    level = 1 - (1 - _LEVEL) / len(first.rows)
    for row in first.rows:
        key = row_key(row)
        said = ", ".join((key[0], key[1], key[3], key[4]))
        if key not in again:
            yield f"{second.id} has no row of {said}"
            return
        n_first, n_second = row["counts"]["answers"], again[key]["counts"]["answers"]
        if n_second < n_first:
            yield f"{second.id} has {n_second} answers of {n_first} of {said}"
            return
    for label in sorted({row["model"] for row in first.rows}):
        sides = [
            table[model_labels(table) == label].assign(model=name)
            for table, name in ((one, "the first run"), (two, "the second run"))
        ]
        lanes = {row_key(row)[1:] for row in first.rows if row["model"] == label}
        for each in compare_models(_stacked(sides), "the first run", "the second run", level):
            if (each.set, each.set_digest, each.arm, each.lane) not in lanes:
                continue
            bounds = each.difference.questions
            if bounds is None or not bounds[0] <= 0 <= bounds[1]:
                shown = "none" if bounds is None else f"{100 * bounds[0]:+.1f} to {100 * bounds[1]:+.1f} points"
                yield f"{label}, {each.set}, {each.arm}, {each.lane}: the difference is {shown}, which leaves out 0"
                return


def _stacked(sides: list[Any]) -> Any:  # noqa: ANN401
    import pandas as pd

    return pd.concat(sides, ignore_index=True)


def _answers(of: Verification) -> Any:  # noqa: ANN401
    return of.recomputed.answers if of.recomputed else None


def _reproduces(one: Verification, other: Verification) -> bool:
    return one.submission is not None and one.submission.reproduces == other.id


def _submitter(of: Verification) -> str:
    return " ".join(of.submission.submitted_by.casefold().split()) if of.submission else ""
