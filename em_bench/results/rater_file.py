"""The table a rater fills in: written so that any spreadsheet shows it and runs none of it, and read back."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from em_bench.content import short_path
from em_bench.errors import NOTHING, Fault, unknown_name
from em_bench.judging.people_labels import LABELS
from em_bench.results.formulas import without_formula

__all__ = ["COLUMNS", "RaterFile", "RaterLabel", "rater_csv", "read_rater_file", "spreadsheet_cell"]

COLUMNS = ("row", "question", "answer", "label", "note")
NEEDED = ("row", "label")
"""Columns that are read back, beside `note`: never question or answer, to which a spreadsheet may do what it likes."""

SEPARATORS = (",", ";", "\t")
_CELL = 32_000
"""Characters; a spreadsheet cell holds 32,767 at most."""

_TURNS_TEXT = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Characters that reverse the direction of what follows."""


@dataclass(frozen=True)
class RaterLabel:
    """What a rater says of a row, and why, if they said."""

    label: str
    note: str


@dataclass(frozen=True)
class RaterFile:
    """What a rater's file says: a label for each row that has one, and what is wrong with the file."""

    path: Path
    labels: Mapping[str, RaterLabel] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        return f"{short_path(self.path)}: {len(self.labels)} labels"


def rater_csv(rows: Sequence[tuple[str, str, str]], separator: str = ",") -> bytes:
    """Return the table of (row, question, answer) with empty columns for label and note: UTF-8 with BOM, CRLF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows((row, spreadsheet_cell(asked), spreadsheet_cell(answer), "", "") for row, asked, answer in rows)
    return text.getvalue().encode("utf-8-sig")


def spreadsheet_cell(text: str) -> str:
    """Return text that a spreadsheet shows and does not run: an apostrophe before what would open a formula.

    Line breaks stay; other control characters become the replacement character, and what no cell can hold is cut.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    shown = "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t" else c for c in lines)
    shown = _TURNS_TEXT.sub("\ufffd", shown)
    if len(shown) > _CELL:
        shown = f"{shown[:_CELL]}\n[{len(shown) - _CELL:,} more characters are not shown here]"
    return without_formula(shown)


def read_rater_file(path: Path, known_rows: Mapping[str, object]) -> RaterFile:
    """Return what a rater wrote; every fault of the file is in `faults`, by line, and nothing is raised.

    Commas, semicolons and tabs separate; case and blanks around labels do not matter; a row without a label is one the
    rater did not decide.

    Args:
        path: The file.
        known_rows: The rows of the export's key.
    """
    place = short_path(path)
    text = _text(path)
    if isinstance(text, Fault):
        return RaterFile(path, faults=(text,))
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    table: list[tuple[str, list[str]]] = []
    line = 1
    faults: list[Fault] = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                table.append((f"{place}:{line}", cells))
            line = reader.line_num + 1
    except csv.Error as error:
        fix = "Open it in a spreadsheet and save it as CSV anew."
        faults.append(Fault(f"{place}:{line}", str(error), "a row of CSV", fix))
    header = [name.strip().lower() for name in table[0][1]] if table else []
    missing = [name for name in NEEDED if header.count(name) != 1]
    if missing:
        fix = "Keep the first line of the file as it was."
        expected = f"each of the columns {', '.join(COLUMNS)} once; {' and '.join(missing)} cannot be read"
        return RaterFile(path, faults=(Fault(f"{place}:1", header or NOTHING, expected, fix), *faults))
    labels: dict[str, RaterLabel] = {}
    faults += _read_rows(table[1:], header, known_rows, labels)
    if not faults and not labels:
        fix = f"Is it the file as the rater gave it back? Labels are {', '.join(LABELS)}."
        faults.append(Fault(place, "no label", "one label at least", fix))
    return RaterFile(path, labels, tuple(_one_for_a_foreign_file(faults, place, len(table) - 1)))


def _read_rows(
    table: Sequence[tuple[str, list[str]]],
    header: Sequence[str],
    known_rows: Mapping[str, object],
    labels: dict[str, RaterLabel],
) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for place, cells in table:
        if any(cell.strip() for cell in cells[len(header) :]):
            expected = f"{len(header)} cells, as in the first line"
            yield Fault(place, f"{len(cells)} cells", expected, "Quote a cell that holds the separator.")
            continue
        found = dict(zip(header, [*cells, *[""] * len(header)], strict=False))
        row = found["row"].strip().lstrip("'").lower()
        label = re.sub(r"[\s\-]+", "_", found["label"].strip().lstrip("'").lower())
        if row not in known_rows:
            yield Fault(f"{place} row", found["row"], _A_ROW, "Copy the row's name from the file that was sent out.")
        elif row in seen:
            yield Fault(f"{place} row", found["row"], f"each row once (also on {seen[row]})", "Delete one of the two.")
        elif label and label not in LABELS:
            yield unknown_name(f"{place} label", found["label"], LABELS, "labels")
        elif label:
            labels[row] = RaterLabel(label, found.get("note", "").strip())
        seen.setdefault(row, f"line {place.rpartition(':')[2]}")


_A_ROW = "a row of the key"


def _one_for_a_foreign_file(faults: Sequence[Fault], place: str, n_rows: int) -> Sequence[Fault]:
    if n_rows > 1 and sum(fault.expected == _A_ROW for fault in faults) == n_rows:
        return [Fault(place, f"{n_rows} rows, none of them in the key", "a file of the same export", "Check --key.")]
    return faults


def _text(path: Path) -> str | Fault:
    """Return a file's text, whatever a spreadsheet saved it as; letters beyond ASCII matter in notes alone."""
    place = short_path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        return Fault(place, NOTHING, "a rater's CSV file", f"{error.strerror}.")
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return Fault(place, "a workbook", "a CSV file", "In the spreadsheet: Save as, CSV UTF-8.")
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _separator(text: str) -> str:
    """Return the separator under which the first line holds most of the columns."""
    first = re.split(r"[\r\n]", text, maxsplit=1)[0]

    def n_columns(separator: str) -> int:
        names = {name.strip(' "').lower() for name in first.split(separator)}
        return len(names.intersection(COLUMNS))

    return max(SEPARATORS, key=n_columns)
