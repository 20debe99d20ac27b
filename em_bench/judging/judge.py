"""The record of a judge, as its YAML file holds it, and the lane that it gives its numbers."""

from __future__ import annotations

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, Field, PrivateAttr, model_validator

from em_bench.content import Record, UnknownNames, content_folder, digest_of, sha256_of
from em_bench.judging.cards import read_cards
from em_bench.judging.criterion import Criterion, Member, Prompt, Rule, slots_of
from em_bench.questions import listed_judge, read_pinned
from em_bench.questions.schema import Id, Prose, Version

__all__ = ["FILE_ENDINGS", "READOUTS", "RECORDED", "Judge"]

Rung = Literal["auto", "logprobs", "sampled", "text"]
READOUTS: tuple[str, ...] = get_args(Rung)

RECORDED = "recorded"
"""The readout of what a judge said elsewhere, as it was recorded beside the answer; no model is called."""


_ABOUT = {"name", "title", "default_model", "experimental", "measured", "source"}
"""Keys that say something about a judge and change none of its verdicts."""


Kind = Literal["prompted", "program", "classifier", "scorer", "panel", "two_phase"]

_NEEDED: dict[Kind, tuple[str, ...]] = {
    "prompted": ("criteria", "rule"),
    "program": ("criteria", "rule", "program"),
    "classifier": ("criteria", "rule"),
    "scorer": ("criteria", "rule", "scorer"),
    "panel": ("judges",),
    "two_phase": ("first", "second"),
}
_TAKEN: dict[Kind, tuple[str, ...]] = {
    "prompted": ("readout", "null_mass", "draws", "default_model", "prompt", "prompts_of", "fences"),
    "program": ("lists", "makers"),
    "classifier": ("program", "model", "revision", "null_mass"),
    "scorer": ("options", "asks_model"),
    "panel": (),
    "two_phase": ("share", "floor", "seed"),
}
"""The keys that only some kinds need, or take."""

FILE_ENDINGS = (".yaml", ".yml")
"""How the names of judges that lie in files of their own end."""


def _commit(revision: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise ValueError("a commit, 40 hexadecimal digits || Branches and tags move: take the commit they stand at.")
    return revision


class Judge(Record):
    """A judge; see `docs/judges.md` for what each key means.

    Relative paths in it lead from the folder of its file; where there is none, from the working directory.
    """

    name: Id
    title: Prose
    version: Version
    kind: Kind
    flag: Id
    constructs: Annotated[tuple[Id, ...], Field(min_length=1)]
    criteria: tuple[Criterion, ...] = ()
    rule: Rule = Rule()
    readout: Rung = "auto"
    default_model: Prose | None = None
    null_mass: Annotated[float, Field(ge=0, le=1)] = 0.25
    draws: Annotated[int, Field(ge=1)] = 5
    prompt: Prompt | None = None
    prompts_of: Id | None = None
    fences: bool = True
    program: Prose | None = None
    lists: dict[str, tuple[Prose, ...]] = {}
    makers: dict[str, tuple[Prose, ...]] = {}
    model: Prose | None = None
    revision: Annotated[Prose, AfterValidator(_commit)] | None = None
    scorer: Prose | None = None
    options: dict[str, Any] = {}
    asks_model: bool = True
    judges: Annotated[tuple[Member, ...], Field(max_length=7)] = ()
    first: Prose | None = None
    second: Prose | None = None
    share: Annotated[float, Field(gt=0, le=1)] = 0.2
    floor: Annotated[float, Field(gt=0, le=1)] = 0.1
    seed: int = 0
    experimental: bool = False
    measured: Prose | None = None
    source: Prose
    _folder: Path = PrivateAttr(default=Path())

    @model_validator(mode="after")
    def _keys_of_its_kind(self) -> Self:
        of_kinds = {key for keys in (*_NEEDED.values(), *_TAKEN.values()) for key in keys}
        given = {key for key in of_kinds if getattr(self, key) != type(self).model_fields[key].default}
        if missing := [key for key in _NEEDED[self.kind] if key not in given]:
            raise ValueError(f"the keys a {self.kind} judge needs || Add {', '.join(missing)}.")
        if extra := sorted(given - {*_NEEDED[self.kind], *_TAKEN[self.kind]}):
            raise ValueError(f"only keys that a {self.kind} judge has || Remove {', '.join(extra)}.")
        if self.kind == "two_phase" and self.floor > self.share:
            raise ValueError("a floor up to share || Lower 'floor' or raise 'share'.")
        if self.kind == "panel" and len(self.judges) < 2:
            raise ValueError("a panel of two judges or more || Add to 'judges'.")
        if self.kind == "classifier" and self.model is None and (only := given & {"revision", "null_mass"}):
            raise ValueError(f"only keys that a classifier that ships has || Remove {', '.join(sorted(only))}.")
        return self

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.kind in ("panel", "two_phase"):
            return self
        names = {criterion.name for criterion in self.criteria}
        ruled = [("rule", part, name) for part in type(self.rule).model_fields for name in getattr(self.rule, part)]
        if unknown := [keys for keys in ruled if keys[-1] not in names]:
            raise UnknownNames(unknown, names, "judge's criteria")
        scales = {criterion.name: criterion.scale for criterion in self.criteria}
        rules = (self.rule.flag_below, self.rule.flag_at_least, self.rule.keep_at_least)
        if off := [f"{key}: {at:g}" for rule in rules for key, at in rule.items() if not _is_on(scales[key], at)]:
            raise ValueError(f"thresholds within the criterion's scale || Mend {', '.join(off)}.")
        if len(self.rule.flag_below) + len(self.rule.flag_at_least) != 1:
            raise ValueError("a rule that flags by exactly one criterion || Give flag_below or flag_at_least once.")
        has_prompts = [criterion.prompt is not None for criterion in self.criteria]
        ways = [all(has_prompts), self.prompt is not None, self.prompts_of is not None]
        if self.kind == "prompted" and (sum(ways) != 1 or any(has_prompts) != all(has_prompts)):
            raise ValueError(
                "a prompt for each criterion of a prompted judge, or one 'prompt' for all, or prompts_of"
                " || Mend 'prompt'."
            )
        if self.prompt is not None and self.readout not in ("auto", "text"):
            raise ValueError("readout auto or text for one prompt that asks for all marks || Mend 'readout'.")
        if not self.fences and any("facts" in slots_of(prompt) for prompt in self.own_prompts.values()):
            raise ValueError("no {facts} in a prompt without fences || Remove {facts}, or fences: false.")
        if self.kind == "classifier" and (self.program is None) == (self.model is None):
            raise ValueError("either a program or a model for a classifier || Mend 'program' or 'model'.")
        if self.model is not None and not all(criterion.marks for criterion in self.criteria):
            raise ValueError("marks of the model's labels for each criterion || Add 'marks'.")
        return self

    @cached_property
    def members(self) -> tuple[Judge, ...]:
        """The judges that a panel or a two-phase judge consists of; none for any other.

        Raises:
            OperatorError: There is no such judge.
            ContentError: One is itself made of judges, flags something else, or was not made for the same constructs.
        """
        from em_bench.judging.members import members_of  # which reads judges, as this record

        return members_of(self)

    @property
    def parts(self) -> tuple[tuple[Judge, str | None], ...]:
        """The judges that look at an answer, each with the grader it brings: the members, or the judge itself."""
        if not self.members:
            return ((self, None),)
        graders = [member.grader for member in self.judges] or [None] * len(self.members)
        return tuple(zip(self.members, graders, strict=True))

    @property
    def own_prompts(self) -> dict[tuple[str | int, ...], str]:
        """The prompts in its file, by the keys that lead to each; none of a judge by reference."""
        found: dict[tuple[str | int, ...], str | None] = {("prompt",): self.prompt}
        found |= {("criteria", number, "prompt"): each.prompt for number, each in enumerate(self.criteria)}
        return {keys: prompt for keys, prompt in found.items() if prompt is not None}

    @property
    def is_offline(self) -> bool:
        """Whether the judge calls no model."""
        if self.kind in ("panel", "two_phase"):
            return all(member.is_offline for member in self.members)
        return self.kind in ("program", "classifier") or (self.kind == "scorer" and not self.asks_model)

    @property
    def cards(self) -> list[dict[str, Any]]:
        """The cards of the judge as it is, one for each grader that sat the exam with it."""
        own = f"{self.name}@{self.version}#{self.digest}"
        return [card for lane, card in read_cards().items() if lane.partition("/")[0] == own]

    @cached_property
    def digest(self) -> str:
        """Eight hexadecimal digits over everything that can change a verdict, but not over names or default models."""
        content = self.model_dump(mode="json", exclude=_ABOUT, exclude_defaults=True)
        members = [(each, "judge") for each in content.get("judges", [])]
        for named, key in [(content, "first"), (content, "second"), *members]:
            if str(named.get(key)).endswith(FILE_ENDINGS):
                del named[key]  # what lies there is in the members' digests
        if self.prompts_of is not None:
            content["prompts"] = read_pinned(self.prompts_of).asset.sha256
        if self.kind == "classifier":
            content["weights"] = "+".join(sha256_of(path) for path in self.weights if path.is_file())
        if self.model_folder is not None:
            del content["model"]
            content["files"] = [path.relative_to(self.model_folder).as_posix() for path in self.weights]
        if self.members:
            content["members"] = [member.digest for member in self.members]
        return digest_of(content)

    @cached_property
    def weights(self) -> list[Path]:
        """The files that a classifier runs on, by path; none for a model of the Hub, which is pinned by its revision.

        Of a folder they are all but hidden files and what is called README.
        """
        if self.program is not None:
            return [content_folder("judges") / f"{self.program}.npz"]
        if (folder := self.model_folder) is None:
            return []
        files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("README"))
        return sorted(path for path in files if not any(part[0] == "." for part in path.relative_to(folder).parts))

    @property
    def model_folder(self) -> Path | None:
        """The folder of a classifier that lies on this machine; a model with a revision is one of the Hub."""
        return self._folder / self.model if self.model is not None and self.revision is None else None

    def path_of(self, name: str) -> str:
        """Return the name of another judge as `read_judge` takes it: that of a file leads from this judge's folder."""
        return str(self._folder / name) if name.endswith(FILE_ENDINGS) else name

    def prompt_of(self, criterion: Criterion) -> str:
        """Return the prompt that asks for a criterion's mark; one by reference is in a published file, fetched once.

        Raises:
            OperatorError: The published file can be neither found nor fetched, or is another one.
        """
        if self.prompts_of is not None:
            return listed_judge(self.prompts_of).prompts[criterion.name]
        return self.prompt or criterion.prompt or ""

    def lane(self, grader: str | None, mode: str) -> str:
        """Return the lane: `name@version#digest`, and for a judge that asks models these models and how they were read.

        A recorded lane never joins a live one: that its grader was asked with these prompts is its recorder's word.

        Args:
            grader: The model that grades those who bring none; None means their default models.
            mode: The readout that was asked for.
        """
        own = f"{self.name}@{self.version}#{self.digest}"
        asked = [bring or grader or part.default_model for part, bring in self.parts if not part.is_offline]
        return f"{own}/{'+'.join(dict.fromkeys(map(str, asked)))}/{mode}" if asked else own


def _is_on(scale: tuple[int, int], mark: float) -> bool:
    return scale[0] <= mark <= scale[1]
