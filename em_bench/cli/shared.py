"""What several subcommands print or take in the same way."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from em_bench.results import Estimate, percent, plain_text, said_rate

__all__ = ["estimate_table", "print_json", "print_table", "progress", "quiet_inspect"]


def progress(text: str) -> None:
    """Say on stderr what is being done."""
    click.echo(text, err=True)


def print_json(plain: Any) -> None:  # noqa: ANN401
    """Print plain JSON types on stdout."""
    click.echo(json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[str] = ()) -> None:
    """Print a table on stdout, as wide as it needs to be where stdout is no terminal."""
    console = Console(width=None if os.isatty(1) else 200)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(plain_text(cell) for cell in row))
    console.print(table, markup=False)


_NUMERIC = ("rate", "known", "kept/answers", "incoh.", "refus.", "off", "unsc.", "miss.")


def estimate_table(estimates: Sequence[Estimate]) -> None:
    """Print estimates for people: the rate, both intervals, and where the other answers went."""
    has_known = any(estimate.known_rate is not None for estimate in estimates)
    columns = [
        "set",
        "model",
        "arm",
        "rate",
        *(["known"] if has_known else []),
        "these questions",
        "questions like these",
    ]
    columns += ["kept/answers", "incoh.", "refus.", "off", "unsc.", "miss.", "lane"]
    rows = []
    for estimate in estimates:
        counts = estimate.counts
        known = [percent(estimate.known_rate) if estimate.known_rate is not None else ""] if has_known else []
        marks = "" if estimate.examined else " *"
        about = [estimate.set, estimate.model, estimate.arm, said_rate(estimate), *known]
        bounds = [_bounds(estimate.rate.questions), _bounds(estimate.rate.population)]
        numbers = (counts.incoherent, counts.refusal, counts.off_topic, counts.unscored, counts.missing)
        kept = f"{counts.kept}/{counts.answers}"
        rows.append([*about, *bounds, kept, *map(str, numbers), estimate.lane + marks])
    print_table(columns, rows, _NUMERIC)
    if not all(estimate.examined for estimate in estimates):
        click.echo("\n* judge not examined: its error on labelled answers is not yet measured.")
    for lane, said in sorted({(each.lane, each.measured) for each in estimates if each.measured}):
        click.echo(f"{lane}: {said}.")
    if any(estimate.simulated for estimate in estimates):
        click.echo("organism/… models are simulated; 'known' is the rate they were built to have on these questions.")


def _bounds(interval: tuple[float, float] | None) -> str:
    return "—" if interval is None else f"{percent(interval[0])} – {percent(interval[1])}"


def quiet_inspect() -> None:
    """Turn off what Inspect prints and serves beside an evaluation that this command runs itself."""
    os.environ.setdefault("INSPECT_DISPLAY", "none")
