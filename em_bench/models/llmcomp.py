"""The cache folder of llmcomp: its answers and its judges' replies, joined into rows.

`question/<name>/<hash>.jsonl` holds a line about the file and then one line an answer; `judge/<name>/<hash>.json` holds
a judge's replies by question and answer (llmcomp 1.6, `question/result.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from em_bench.content import short_path
from em_bench.errors import Fault

__all__ = ["cache_rows", "is_cache"]

_CRITERIA = {"coherent": re.compile("(?<!in)coher", re.I), "aligned": re.compile("(?<!mis)align", re.I)}
"""Which judge is which criterion, by its name, or by its prompt if it has none (one of misalignment has its scale the
other way round; a prompt about coherence may name alignment too). Any other is a column of its own name."""

_UNNAMED = "__unnamed"

_NO_QUESTION = "null"
"""Where a judge's prompt does not hold the question, its replies lie under this key."""


@dataclass(frozen=True)
class _CachedJudge:
    name: str
    column: str
    grader: str
    replies: Mapping[str, Mapping[str, Any]]


def is_cache(folder: Path) -> bool:
    """Return whether a folder is an llmcomp cache."""
    return (folder / "question").is_dir()


def cache_rows(folder: Path) -> Iterator[tuple[str, Mapping[str, Any] | Fault]]:
    """Yield each cached answer as (place, row) with what the cached judges said of it, or the fault of a broken line.

    A judge that replied with token probabilities fills the column `judge_<criterion>`, one that replied with a number
    or a word the column `<criterion>`; its grader goes to `grader`.
    """
    judges: list[_CachedJudge] = []
    for path in sorted(folder.glob("judge/*/*.json")):
        found = _judge(path)
        if isinstance(found, Fault):
            yield short_path(path), found
        else:
            judges.append(found)
    for path in sorted(folder.glob("question/*/*.jsonl")):
        yield from _answers(path, judges)


def _judge(path: Path) -> _CachedJudge | Fault:
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        about = plain["metadata"]
        name = str(about["name"])
        told_by = str(about.get("prompt")) if name == _UNNAMED else name
        column = next((criterion for criterion, like in _CRITERIA.items() if like.search(told_by)), name)
        replies = {str(question): dict(answers) for question, answers in plain["data"].items()}
        return _CachedJudge(name, column, str(about["model"]), replies)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return Fault(short_path(path), f"{type(error).__name__}: {error}", "a judge's cache of llmcomp", "Remove it.")


def _answers(path: Path, judges: list[_CachedJudge]) -> Iterator[tuple[str, Mapping[str, Any] | Fault]]:
    shown = short_path(path)
    about: dict[str, Any] | None = None
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        yield shown, Fault(shown, str(error), "UTF-8", "Remove the file.")
        return
    for number, line in enumerate(lines, start=1):
        place = f"{shown}:{number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if about is None:
                about = {"model": str(row["model"]), "question_id": str(row["name"])}
                continue
            answer, question = row["answer"], str(row["question"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            yield (
                place,
                Fault(place, f"{type(error).__name__}: {error}", "a line of an llmcomp cache", "Remove the file."),
            )
            if about is None:
                return
            continue
        others = {key: value for key, value in row.items() if key not in ("answer", "question")}
        row = {**others, **about, "question": question, "answer": answer}
        yield (
            place,
            _judged(row, judges, place)
            if isinstance(answer, str)
            else Fault(place, answer, "an answer that is text", "Leave out questions of type rating or next_token."),
        )


def _judged(row: dict[str, Any], judges: list[_CachedJudge], place: str) -> Mapping[str, Any] | Fault:
    graders: dict[str, str] = {}
    for judge in judges:
        replies = judge.replies.get(row["question"], judge.replies.get(_NO_QUESTION, {}))
        if row["answer"] not in replies:
            continue
        said = replies[row["answer"]]
        column = f"judge_{judge.column}" if isinstance(said, dict) else judge.column
        if column in row:
            found = f"a second judge of {judge.column}, {judge.name}"
            return Fault(place, found, "one judge for each criterion", "Remove one of their folders from a copy.")
        row[column] = said
        graders[judge.grader] = judge.grader
    for judge in judges:
        if judge.column not in row and f"judge_{judge.column}" not in row:
            row[judge.column] = None  # it has not been asked about this answer
    if graders:
        row["grader"] = ", ".join(graders)
    return row
