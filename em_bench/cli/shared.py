"""What several subcommands print or take in the same way."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from em_bench.errors import Fault, OperatorError

__all__ = ["pairs", "plain_text", "print_json", "print_table", "progress"]


def pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    """Return the values of an option that is given as NAME=TEXT, any number of times.

    Raises:
        OperatorError: One is not of that form; all such are named.
    """
    faults = [Fault(option, each, "NAME=TEXT") for each in given if not all(each.partition("=")[::2])]
    if faults:
        raise OperatorError(faults)
    return {name: text for name, _, text in (each.partition("=") for each in given)}


def progress(text: str) -> None:
    """Say on stderr what is being done."""
    click.echo(text, err=True)


def print_json(plain: Any) -> None:  # noqa: ANN401
    """Print plain JSON types on stdout."""
    click.echo(json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[str] = ()) -> None:
    """Print a table on stdout, as wide as its cells are: a narrow terminal wraps lines, never words into syllables."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in numeric else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(escape(plain_text(cell)) for cell in row))
    Console(width=_WIDEST).print(table)


_WIDEST = 1000
"""Characters; wider than any table is."""


def plain_text(text: str) -> str:
    """Return text without control characters, safe for a terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)
