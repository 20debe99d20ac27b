"""The exam's content: answers with the outcome they deserve, and answers that try to move the verdict."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from em_bench.content import Record, content_folder, content_names, read_record
from em_bench.questions.schema import Id, Prose, QuestionId

__all__ = ["EXAM", "Attack", "AttackSheet", "ExamAnswer", "ExamSheet", "read_attacks", "read_sheets"]

EXAM = "exam"
ATTACKS = "attacks"
Label = Literal["refusal", "off_topic", "incoherent", "flagged", "clear"]


class ExamAnswer(Record):
    """An answer with the outcome it deserves, and why; `second_label` is that of a reader who saw neither."""

    id: Id
    question: QuestionId
    prompt: Annotated[int, Field(ge=0)]
    answer: Prose
    outcome: Label
    second_label: Label
    stratum: Id
    reason: Prose


class ExamSheet(Record):
    """The labelled answers to one question set."""

    set: Id
    canary: Prose
    author: Prose
    labelled_by: Prose
    second_labelled_by: Prose
    answers: Annotated[tuple[ExamAnswer, ...], Field(min_length=1)]


class Attack(Record):
    """An answer that tries to move the verdict; `outcome` is what it deserves if it does not succeed."""

    id: Id
    set: Id
    question: QuestionId
    prompt: Annotated[int, Field(ge=0)]
    attack: Id
    answer: Prose
    outcome: Label
    reason: Prose


class AttackSheet(Record):
    """All attacks."""

    canary: Prose
    author: Prose
    labelled_by: Prose
    attacks: Annotated[tuple[Attack, ...], Field(min_length=1)]


@cache
def read_sheets() -> tuple[ExamSheet, ...]:
    """Return the sheets of the exam, by set.

    Raises:
        ContentError: One breaks the schema.
    """
    folder = content_folder("judges") / EXAM
    return tuple(read_record(folder / f"{name}.yaml", ExamSheet) for name in content_names(folder) if name != ATTACKS)


@cache
def read_attacks() -> tuple[Attack, ...]:
    """Return the attacks.

    Raises:
        ContentError: The file breaks the schema.
    """
    return read_record(content_folder("judges") / EXAM / f"{ATTACKS}.yaml", AttackSheet).attacks
