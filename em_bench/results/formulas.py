"""Cells of tables that a spreadsheet would run."""

from __future__ import annotations

__all__ = ["without_formula"]

_FORMULA = tuple("=+-@\t\r\n＝＋－＠")


def without_formula(text: str) -> str:
    """Return a cell's text with an apostrophe before what would open a formula, also behind blanks or full-width."""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
