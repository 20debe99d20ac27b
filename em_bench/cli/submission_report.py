"""What was found of a submission, as text for a terminal and as Markdown for a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence

import click

from em_bench.board.change import RowChange
from em_bench.board.published import Row
from em_bench.board.verification import Verification
from em_bench.cli.shared import plain_text
from em_bench.results.table import percent

__all__ = ["markdown_report", "print_changes", "print_verification"]

_MOST_REASONS = 100


def print_verification(found: Verification, accepted: bool = True) -> None:
    """Print whether a submission is accepted and as what, then every reason and note."""
    for line in _lines(found, accepted):
        click.echo(plain_text(line))


def _lines(found: Verification, accepted: bool) -> list[str]:
    n_rows = f"{len(found.rows)} rows, {found.n_logs} logs"
    if found.badge is None:
        many = f"{len(found.faults)} reasons" if len(found.faults) > 1 else "1 reason"
        lines = [f"refused: {found.id}, {many}", *(f"  {fault}" for fault in found.faults)]
    elif found.badge == "self-reported":
        word = "accepted" if accepted else "not accepted"
        lines = [f"{word}: {found.id}, self-reported ({n_rows}): its logs could not be had"]
    else:
        lines = [f"accepted: {found.id}, {found.badge} ({n_rows})"]
    lines += [f"  not recomputed: {fault}" for fault in found.missing]
    return lines + [f"  note: {note}" for note in found.notes]


def print_changes(changes: Sequence[RowChange]) -> None:
    """Print what a submission changes, a line for each row."""
    for each in changes:
        row = each.row
        said = f"  {each.kind}: {row['model']}, {row['set']}, {row['arm']}, {row['lane']}: {_change(each)}"
        click.echo(plain_text(said))


def _change(change: RowChange) -> str:
    return " → ".join(_rate(row) for row in (change.before, change.after) if row is not None)


def _rate(row: Row) -> str:
    bounds = row["interval"]["population"] or row["interval"]["questions"]
    of = f"of {row['counts']['kept']}"
    return f"{percent(row['rate'])} {of}" + (f" ({percent(bounds[0])} – {percent(bounds[1])})" if bounds else "")


def markdown_report(found: Verification, accepted: bool, changes: Sequence[RowChange] | None) -> str:
    """Return the report that is posted on a pull request; whatever a submission says in it is shown as plain text."""
    head, *rest = _lines(found, accepted)
    lines = [f"### {'✅' if accepted else '❌'} {_inline(head)}", ""]
    shown = rest[:_MOST_REASONS]
    lines += [f"- {_inline(line.strip())}" for line in shown]
    if len(rest) > len(shown):
        lines.append(f"- and {len(rest) - len(shown)} more")
    if changes is not None:
        lines += ["", f"{len(changes)} rows change:" if changes else "No row changes.", ""]
    if changes:
        lines += ["| | model | set | arm | lane | before | after |", "|---|---|---|---|---|---|---|"]
        lines += [_table_row(each) for each in changes[:_MOST_REASONS]]
        if len(changes) > _MOST_REASONS:
            lines.append(f"\nand {len(changes) - _MOST_REASONS} more.")
    return "\n".join(lines)


def _table_row(change: RowChange) -> str:
    row = change.row
    cells = [change.kind, *(row[key] for key in ("model", "set", "arm", "lane"))]
    cells += [_rate(each) if each else "—" for each in (change.before, change.after)]
    return f"| {' | '.join(_inline(cell) for cell in cells)} |"


def _inline(text: str) -> str:
    """Return text that Markdown shows as it stands: no mark-up, no mention, no link, no line break."""
    plain = plain_text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    plain = re.sub(r"([\\`*_{}\[\]()#+!|~$])", r"\\\1", plain)
    return plain.replace("@", "@\u200b").replace("://", ":\u200b//")
