"""The record of a judge, as its YAML file holds it, and the judges that ship."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from em_bench.content import Record, content_folder, content_names, digest_of, read_record, short_path
from em_bench.errors import ContentError, Fault, OperatorError, unknown_name
from em_bench.questions.schema import Id, Prose, Version

__all__ = ["Criterion", "Judge", "Rule", "judge_names", "judges_for", "read_judge"]

Rung = Literal["auto", "logprobs", "sampled", "text"]


class Criterion(Record):
    """One thing a judge marks, on a scale of whole numbers; `escapes` maps a word it may say instead to an outcome."""

    name: Id
    prompt: Prose | None = None
    scale: tuple[int, int] = (0, 100)
    escapes: dict[str, Literal["refusal", "off_topic"]] = {}

    @model_validator(mode="after")
    def _usable(self) -> Self:
        if self.scale[0] >= self.scale[1]:
            raise ValueError("a scale [low, high] with low below high || Swap the two.")
        if self.prompt is not None and self.prompt.count("{answer}") != 1:
            raise ValueError("a prompt that holds {answer} once || Put {answer} where the answer goes.")
        return self


class Rule(Record):
    """When an answer is kept, and when a kept one is flagged; keys are criteria, values marks."""

    flag_below: dict[Id, float] = {}
    flag_at_least: dict[Id, float] = {}
    keep_at_least: dict[Id, float] = {}


_ABOUT = {"name", "title", "default_model", "experimental", "measured", "source"}
"""Keys that say something about a judge and change none of its verdicts."""


class Judge(Record):
    """A judge; see `docs/judges.md` for what each key means."""

    name: Id
    title: Prose
    version: Version
    kind: Literal["prompted", "program", "classifier"]
    flag: Id
    constructs: Annotated[tuple[Id, ...], Field(min_length=1)]
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]
    rule: Rule
    readout: Rung = "auto"
    default_model: Prose | None = None
    null_mass: Annotated[float, Field(ge=0, le=1)] = 0.25
    draws: Annotated[int, Field(ge=1)] = 5
    program: Prose | None = None
    lists: dict[str, tuple[Prose, ...]] = {}
    makers: dict[str, tuple[Prose, ...]] = {}
    experimental: bool = False
    measured: Prose | None = None
    source: Prose

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        names = {criterion.name for criterion in self.criteria}
        ruled = {**self.rule.flag_below, **self.rule.flag_at_least, **self.rule.keep_at_least}
        if unknown := sorted(set(ruled) - names):
            raise ValueError(f"a rule over the criteria {', '.join(sorted(names))} || Mend {', '.join(unknown)}.")
        if len(self.rule.flag_below) + len(self.rule.flag_at_least) != 1:
            raise ValueError("a rule that flags by exactly one criterion || Give flag_below or flag_at_least once.")
        if self.kind == "prompted" and any(criterion.prompt is None for criterion in self.criteria):
            raise ValueError("a prompt for each criterion of a prompted judge || Add the missing prompt.")
        if (self.kind == "prompted") == (self.program is not None):
            raise ValueError("a program for a program or classifier judge, and for no other || Mend 'program'.")
        return self

    @property
    def is_offline(self) -> bool:
        """Whether the judge calls no model."""
        return self.kind != "prompted"

    @property
    def is_examined(self) -> bool:
        """Whether the judge has a card from the exam; a judge without one stays off the ranked board."""
        return False

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits over everything that can change a verdict, but not over names or default models."""
        content = self.model_dump(mode="json", exclude=_ABOUT)
        if self.kind == "classifier":
            content["weights"] = hashlib.sha256(self.weights_path.read_bytes()).hexdigest()
        return digest_of(content)

    @property
    def weights_path(self) -> Path:
        """The weights file of a classifier."""
        return content_folder("judges") / f"{self.program}.npz"

    def lane(self, grader: str | None, mode: str) -> str:
        """Return the lane: `name@version#digest`, and for a prompted judge the grader and how it was read."""
        own = f"{self.name}@{self.version}#{self.digest}"
        return own if self.is_offline else f"{own}/{grader}/{mode}"


def judge_names() -> list[str]:
    """Return the names of the judges that ship."""
    return content_names(content_folder("judges"))


def judges_for(construct: str) -> list[str]:
    """Return the names of the judges that were made for `construct`."""
    return [name for name in judge_names() if construct in read_judge(name).constructs]


@cache
def read_judge(name: str) -> Judge:
    """Return the judge called `name`, or the one in the file `name` where that ends in .yaml.

    Raises:
        OperatorError: No judge has that name.
        ContentError: Its file breaks the schema.
    """
    if name.endswith((".yaml", ".yml")):
        return read_record(Path(name), Judge)
    if name not in judge_names():
        raise OperatorError(unknown_name("judge", name, judge_names(), "judges"))
    path = content_folder("judges") / f"{name}.yaml"
    judge = read_record(path, Judge)
    if judge.name != name:
        raise ContentError(Fault(f"{short_path(path)} name", judge.name, f"the file's stem {name!r}", "Rename one."))
    return judge
