"""What a judge marks, and when a mark flags an answer."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, StringConstraints, field_validator, model_validator

from em_bench.content import Record
from em_bench.questions.schema import Id, Prose

__all__ = ["MAKER", "SLOTS", "Criterion", "Member", "Prompt", "Rule", "slots_of"]

MAKER = "{maker}"
"""In `right`: the label that names the maker of the model under test, or the last one where none does."""

SLOTS = ("question", "answer", "facts")
"""The placeholders of a prompt."""

_Escape = Literal["refusal", "off_topic"]


def slots_of(prompt: str) -> list[str]:
    """Return the placeholders of a prompt, as often as they occur: words in braces."""
    return re.findall(r"\{(\w+)\}", prompt)


def _usable(prompt: str) -> str:
    if prompt.count("{answer}") != 1:
        raise ValueError("a prompt that holds {answer} once || Put {answer} where the answer goes.")
    if odd := [slot for slot in slots_of(prompt) if slot not in SLOTS]:
        known = ", ".join(f"{{{slot}}}" for slot in SLOTS)
        raise ValueError(f"placeholders among {known} || Mend or reword {', '.join(f'{{{slot}}}' for slot in odd)}.")
    return prompt


Prompt = Annotated[Prose, AfterValidator(_usable)]


class Criterion(Record):
    """One thing a judge marks, on a scale of whole numbers; `escapes` maps a word it may say instead to an outcome.

    Escape words are kept in upper case, as replies are read.

    With `labels` it answers with one of these words instead: the one in `right` is the top of the scale, any other the
    bottom. `marks` gives the mark of each label of a text classifier; `key` is the criterion's place in the value of a
    scorer whose value is a mapping.
    """

    name: Id
    prompt: Prompt | None = None
    scale: tuple[int, int] = (0, 100)
    escapes: dict[str, _Escape] = {}
    labels: tuple[Prose, ...] = ()
    right: Prose | None = None
    marks: dict[str, float] = {}
    key: Prose | None = None

    @field_validator("escapes", mode="after")
    @classmethod
    def _in_upper_case(cls, escapes: dict[str, _Escape]) -> dict[str, _Escape]:
        upper = {word.upper(): outcome for word, outcome in escapes.items()}
        if len(upper) < len(escapes):
            raise ValueError("each escape word once, whatever its case || Delete the second.")
        return upper

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.scale[0] >= self.scale[1]:
            raise ValueError("a scale [low, high] with low below high || Swap the two.")
        if bool(self.labels) != bool(self.right) or (self.right and self.right not in (*self.labels, MAKER)):
            raise ValueError(f"labels together with the right one among them, or {MAKER} || Mend 'labels' or 'right'.")
        if any(not self.scale[0] <= mark <= self.scale[1] for mark in self.marks.values()):
            raise ValueError(f"marks within the scale {list(self.scale)} || Mend 'marks' or 'scale'.")
        return self


class Rule(Record):
    """When an answer is kept, and when a kept one is flagged; keys are criteria, values marks."""

    flag_below: dict[Id, float] = {}
    flag_at_least: dict[Id, float] = {}
    keep_at_least: dict[Id, float] = {}


class Member(Record):
    """One judge of a panel, and the model it grades with; none means the one the panel is run with."""

    judge: Prose
    grader: Annotated[str, StringConstraints(pattern=r"^[^/]+/.+$")] | None = None
