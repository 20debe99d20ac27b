"""Published rows: the estimates of a submission as `rows.json` holds them, each with where it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from em_bench.board.submission import Line, check_file
from em_bench.content import parse_yaml, place_in, record_faults, short_path
from em_bench.errors import ContentError, Fault
from em_bench.models.card import ModelCard
from em_bench.results.estimate import Estimate
from em_bench.results.provenance import LogFile, provenance_of

__all__ = ["PublishedRows", "Row", "make_rows", "read_rows", "rows_text"]

Row = dict[str, Any]
"""An object as `results --format json` prints it, with `provenance` besides."""

_LINES_UP_TO = 8_000_000
"""Bytes of a file whose faults are named by line: finding lines takes seconds a megabyte."""

_LogName = Annotated[str, Field(min_length=1, max_length=500)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Counts(_Part):
    answers: Annotated[int, Field(ge=0)]
    missing: Annotated[int, Field(ge=0)]
    kept: Annotated[int, Field(ge=0)]
    flagged: Annotated[int, Field(ge=0)]
    clear: Annotated[int, Field(ge=0)]
    incoherent: Annotated[int, Field(ge=0)]
    refusal: Annotated[int, Field(ge=0)]
    off_topic: Annotated[int, Field(ge=0)]
    unscored: Annotated[int, Field(ge=0)]


_Share = Annotated[float, Field(ge=0, le=1)]


class _Interval(_Part):
    questions: tuple[_Share, _Share] | None
    population: tuple[_Share, _Share] | None
    level: Annotated[float, Field(gt=0, lt=1)]
    method: Line


class _OfQuestion(_Part):
    question: Line
    arm: Line
    counts: _Counts
    rate: _Share | None


class _Model(_Part):
    id: Line
    args: dict[str, Any]
    recorded: bool
    card: str | None


class _Set(_Part):
    name: Line
    version: Line
    digest: Line


class _Judge(_Part):
    name: str
    version: str
    digest: str
    asked: str | None


class _Provenance(_Part):
    model: _Model
    set: _Set
    judge: _Judge
    sampling: dict[str, Any]
    packages: dict[str, tuple[str, ...]]
    dates: tuple[Line, Line]
    logs: Annotated[dict[_LogName, Annotated[str, Field(pattern="^[0-9a-f]{64}$")]], Field(min_length=1)]


class _Row(_Part):
    """What every reader of rows relies on; the rest is as `results --format json` has it."""

    model_config = ConfigDict(extra="allow")

    model: Line
    set: Line
    arm: Line
    lane: str
    flag: Line
    simulated: bool
    examined: bool
    counts: _Counts
    rate: _Share | None
    rate_of_all: _Share | None
    interval: _Interval
    notes: tuple[str, ...]
    by_question: tuple[_OfQuestion, ...]
    provenance: _Provenance


_ROWS: TypeAdapter[list[_Row]] = TypeAdapter(Annotated[list[_Row], Field(min_length=1)])


@dataclass(frozen=True)
class PublishedRows:
    """The rows of a submission; `path` is their file."""

    path: Path
    rows: tuple[Row, ...]

    def place(self, *loc: int | str) -> str:
        """Return `file:line key.path` of a place in the file."""
        return place_in(self.path, self._node, loc) if self._node else f"{short_path(self.path)} {_key_path(loc)}"

    @cached_property
    def _node(self) -> yaml.Node | None:
        return _node(self.path)


def make_rows(estimates: Sequence[Estimate], logs: Sequence[LogFile], cards: list[ModelCard]) -> tuple[Row, ...]:
    """Return estimates as they are published; plain JSON types.

    Args:
        estimates: As `estimate_answers` gives them.
        logs: The logs they rest on.
        cards: As `read_cards` gives them.
    """
    made = [{**each.to_dict(), "provenance": provenance_of(each, logs, cards)} for each in estimates]
    return tuple(json.loads(json.dumps(made, allow_nan=False)))


def rows_text(rows: Sequence[Row]) -> str:
    """Return the text of `rows.json`."""
    return json.dumps(list(rows), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_rows(path: Path) -> PublishedRows:
    """Return the rows in a file.

    Raises:
        ContentError: It is missing, is not JSON (NaN and repeated keys are not), or a row is not of the form of one.
    """
    check_file(path)
    place = short_path(path)
    try:
        plain = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number, object_pairs_hook=_once)
        _ROWS.validate_json(json.dumps(plain), strict=True)  # "10" is no number
    except ValidationError as error:
        raise ContentError(list(_form_faults(path, error))) from error
    except (ValueError, RecursionError) as error:
        at = f"{place}:{error.lineno}" if isinstance(error, json.JSONDecodeError) else place
        raise ContentError(Fault(at, str(error), "JSON as em-bench leaderboard submit writes it")) from error
    return PublishedRows(path, tuple(plain))


def _no_number(constant: str) -> float:
    raise ValueError(f"{constant}, where a number that does not exist is null")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = sorted({key for key, _ in pairs if sum(key == other for other, _ in pairs) > 1})
        raise ValueError(f"the key {', '.join(repeated)} twice")
    return found


def _form_faults(path: Path, error: ValidationError) -> Iterator[Fault]:
    node = _node(path)
    details = [each for each in error.errors() if not (each["type"] == "too_short" and each["input"])]
    for fault, detail in zip(record_faults(error, short_path(path)), details, strict=True):
        yield replace(fault, place=place_in(path, node, detail["loc"])) if node else fault


def _node(path: Path) -> yaml.Node | None:
    """Return the node tree of a JSON file, which is YAML too; None where it is large or cannot be had."""
    if path.stat().st_size > _LINES_UP_TO:
        return None
    try:
        return parse_yaml(path)[1]
    except (ContentError, RecursionError):
        return None


def _key_path(loc: Sequence[int | str]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")
