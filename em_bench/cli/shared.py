"""What several subcommands print or take in the same way."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from em_bench.errors import Fault, OperatorError

if TYPE_CHECKING:
    from em_bench.judging import Judge

__all__ = ["check_loads", "pairs", "plain_text", "print_json", "print_table", "progress"]


def check_loads(judge: Judge, grader: str | None, grader_args: Mapping[str, Any] | None = None) -> None:
    """Load the models that a judge asks and let them go again, so that a wrong name or a missing key is said first.

    Args:
        judge: The judge.
        grader: What `--grader` names: it is loaded even where the judge asks no model, since Inspect will.
        grader_args: What that one is loaded with.

    Raises:
        OperatorError: There is no grader, or one cannot be loaded; all such are named.
    """
    from inspect_ai.model import get_model

    from em_bench.judging import judges_for, read_judge

    asked = [own or grader or part.default_model for part, own in judge.parts if not part.is_offline]
    faults = []
    for name in dict.fromkeys([grader, *asked] if grader else asked):
        place = f"judge {judge.name}, grader {name}"
        offline = [other for other in judges_for(judge.constructs[0]) if read_judge(other).is_offline]
        fix = f"name another with --grader, or judge offline with --judge {'|'.join(offline)}."
        if name is None:
            place, found = f"judge {judge.name}", "no grader and no default model"
            faults.append(Fault(place, found, "a model that grades", fix.capitalize()))
            continue
        try:
            get_model(name, memoize=False, **(grader_args or {} if name == grader else {}))
        except Exception as error:  # each provider has errors of its own
            said = " ".join(re.sub(r"\[/?[a-z ]+\]", "", str(getattr(error, "message", error))).split())  # rich markup
            faults.append(Fault(place, said, "a grader that can be loaded", f"Set its key, {fix}"))
    if faults:
        raise OperatorError(faults)


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
