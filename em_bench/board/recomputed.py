"""What published rows say otherwise than the logs do."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from em_bench.board.published import PublishedRows, Row
from em_bench.errors import NOTHING, Fault
from em_bench.judging.verdict import OUTCOMES
from em_bench.results.estimates import ALL_ARMS

__all__ = ["arithmetic_faults", "figure_faults", "row_key"]

_TOLERANCE = 1e-9
_MOST_OF_A_ROW = 20

Loc = tuple[int | str, ...]


def row_key(row: Row) -> tuple[str, ...]:
    """Return what no two rows of a submission share: model, set and its digest, arm, lane."""
    return (row["model"], row["set"], row["provenance"]["set"]["digest"], row["arm"], row["lane"])


def figure_faults(published: PublishedRows, recomputed: Sequence[Row]) -> Iterator[Fault]:
    """Yield a fault for each value that differs from what the logs give; floats may by 1e-9.

    A row whose figures are those of another lane is named as such, and not figure by figure.

    Args:
        published: The rows of a submission.
        recomputed: The rows that its logs give.
    """
    by_key = {row_key(row): row for row in recomputed}
    seen, renamed = set(), set()
    for index, row in enumerate(published.rows):
        key = row_key(row)
        seen.add(key)
        own = by_key.get(key)
        if own is not None and not any(_differences(row, own, (index,))):
            continue
        others = [each for each in recomputed if each["lane"] != row["lane"] and _are_figures_of(row, each)]
        if others and (own is None or not _are_figures_of(row, own)):
            fix = "Lanes must not be swapped: submit the rows anew."
            found = published.place(index, "lane")
            renamed.add(row_key(others[0]))
            yield Fault(found, row["lane"], f"{others[0]['lane']!r}, which gave these figures in the logs", fix)
        elif own is None:
            said = f"{row['model']}, {row['set']}, {row['arm']}, {row['lane']}"
            yield Fault(published.place(index), said, "a row that the logs give", "Delete it, or submit its logs.")
        else:
            yield from _row_faults(published, index, row, own)
    for key, row in by_key.items():
        if key not in seen and key not in renamed:
            said = f"{row['model']}, {row['set']}, {row['arm']}, {row['lane']}"
            yield Fault(published.place(), NOTHING, f"the row of {said}, which the logs give", "Submit every row.")


def _row_faults(published: PublishedRows, index: int, row: Row, own: Row) -> Iterator[Fault]:
    faults = []
    for loc, found, expected in _differences(row, own, (index,)):
        expects = f"{expected!r}, as the logs give" if expected is not _ABSENT else "no such key"
        faults.append(Fault(published.place(*loc), NOTHING if found is _ABSENT else found, expects))
    yield from faults[:_MOST_OF_A_ROW]
    if (more := len(faults) - _MOST_OF_A_ROW) > 0:
        yield Fault(published.place(index), f"{more} more values that differ", "what the logs give", "Submit anew.")


def _are_figures_of(one: Row, other: Row) -> bool:
    """Return whether two rows have the same figures of the same model, set and arm, whatever judge they name."""
    keys = ("model", "set", "arm", "counts", "rate", "macro_rate", "by_question")
    return all(not any(_differences(one.get(key), other.get(key), ())) for key in keys)


class _Absent:
    """Stands for a key that is not there."""

    def __repr__(self) -> str:
        return "nothing"


_ABSENT = _Absent()


def _differences(found: Any, expected: Any, loc: Loc) -> Iterator[tuple[Loc, Any, Any]]:  # noqa: ANN401
    """Yield place, value found and value expected of each difference between plain JSON types."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in [*expected, *(key for key in found if key not in expected)]:
            yield from _differences(found.get(key, _ABSENT), expected.get(key, _ABSENT), (*loc, key))
    elif isinstance(found, list) and isinstance(expected, list) and len(found) == len(expected):
        for index, (one, other) in enumerate(zip(found, expected, strict=True)):
            yield from _differences(one, other, (*loc, index))
    elif _is_number(found) and _is_number(expected):
        is_same = (
            found == expected
            if isinstance(found, int) and isinstance(expected, int)
            else math.isclose(found, expected, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
        )
        if not is_same:
            yield loc, found, expected
    elif type(found) is not type(expected) or found != expected:
        yield loc, found, expected


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def arithmetic_faults(published: PublishedRows) -> Iterator[Fault]:
    """Yield where rows contradict themselves: what can be said of figures without the logs."""
    for index, row in enumerate(published.rows):
        for loc, counts in _all_counts(row):
            answers, kept = sum(counts[name] for name in OUTCOMES), counts["flagged"] + counts["clear"]
            for name, expected in (("answers", answers), ("kept", kept)):
                if counts[name] != expected:
                    what = "the sum of the six outcomes" if name == "answers" else "flagged + clear"
                    yield Fault(published.place(index, *loc, name), counts[name], f"{expected}, {what}")
        yield from _sum_faults(published, index, row)
        yield from _rate_faults(published, index, row)


def _all_counts(row: Row) -> Iterator[tuple[Loc, dict[str, int]]]:
    yield ("counts",), row["counts"]
    for index, each in enumerate(row["by_question"]):
        yield ("by_question", index, "counts"), each["counts"]


def _sum_faults(published: PublishedRows, index: int, row: Row) -> Iterator[Fault]:
    for name, total in row["counts"].items():
        summed = sum(each["counts"][name] for each in row["by_question"])
        if total != summed:
            yield Fault(published.place(index, "counts", name), total, f"{summed}, the sum over its questions")
    if row["arm"] != ALL_ARMS and (other := sorted({each["arm"] for each in row["by_question"]} - {row["arm"]})):
        yield Fault(published.place(index, "arm"), row["arm"], f"the arm of its questions, {', '.join(other)}")


def _rate_faults(published: PublishedRows, index: int, row: Row) -> Iterator[Fault]:
    counts, interval = row["counts"], row["interval"]
    if not interval["method"].startswith("two-phase"):
        for name, of in (("rate", "kept"), ("rate_of_all", "answers")):
            expected = counts["flagged"] / counts[of] if counts[of] else None
            if any(_differences(row[name], expected, ())):
                yield Fault(published.place(index, name), row[name], f"{expected!r}, flagged / {of}")
    for name in ("questions", "population"):
        if interval[name] is None:
            continue
        low, high = interval[name]
        if not low < high or (row["rate"] is not None and not low - _TOLERANCE <= row["rate"] <= high + _TOLERANCE):
            place = published.place(index, "interval", name)
            yield Fault(place, interval[name], f"an interval around the rate {row['rate']}, lower bound first")
