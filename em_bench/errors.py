"""Every error a user of em_bench can meet, and the one form their messages take.

EmBenchError
├── ContentError    a question set, judge, arm, suite or model card is wrong: its author acts
├── OperatorError   an argument, a missing extra or a missing key: whoever runs the command acts
└── DataError       a log, a table or an answer file is wrong: whoever made it acts

All are `click.ClickException`, so that `em-bench` and `inspect eval` alike print the message
without a traceback and exit 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import click

__all__ = ["ContentError", "DataError", "EmBenchError", "Fault", "OperatorError", "shown", "unknown_name"]

_SHOWN_CHARS = 80


def shown(value: object) -> str:
    """Return `value` as `repr` writes it, cut at 80 characters."""
    text = value if isinstance(value, _Verbatim) else repr(value)
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


class _Verbatim(str):
    """Text that is shown as it stands, without quotes."""


NOTHING = _Verbatim("nothing")


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where, what was found (of any type, a list too), what was expected, what to do."""

    place: str
    found: object = field(hash=False)
    expected: str
    fix: str = ""

    def __str__(self) -> str:
        fix = f" {self.fix}" if self.fix else ""
        said = f"{self.place}: found {shown(self.found)}; expected {self.expected}.{fix}"
        return "".join(char if char.isprintable() else "�" for char in said)  # names of files may hold anything


class EmBenchError(click.ClickException):
    """An error whose message tells its reader what to do; `faults` holds each one apart."""

    def __init__(self, faults: Fault | str | Iterable[Fault]) -> None:
        listed: Sequence[Fault | str] = [faults] if isinstance(faults, Fault | str) else list(faults)
        self.faults = [fault for fault in listed if isinstance(fault, Fault)]
        super().__init__("\n".join(str(fault) for fault in listed))


class ContentError(EmBenchError):
    """A content file (question set, judge, arm, suite, card) breaks its rules."""


class OperatorError(EmBenchError):
    """The command, its options or this machine's installation must change."""


class DataError(EmBenchError):
    """A log or a table cannot be read as what it should be."""


def unknown_name(place: str, found: str, legal: Iterable[str], noun: str) -> Fault:
    """Return the fault of a name that is not among `legal`, with the legal ones and the nearest.

    Args:
        place: Option or file position that holds the name.
        found: The name given.
        legal: The names that would have been right.
        noun: What the names are, in the plural ("question sets").
    """
    names = sorted(legal)
    near = get_close_matches(found, names, n=1, cutoff=0.6)
    listed = ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
    fix = f"Did you mean {near[0]!r}?" if near else ""
    return Fault(place, found, f"one of the {noun} {listed}" if names else f"one of the {noun} (there are none)", fix)
