"""A prompt under an arm, as the model will receive it, and the choice of which ones to ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from em_bench.errors import Fault, OperatorError, unknown_name
from em_bench.questions.library import PLAIN, read_arm
from em_bench.questions.schema import Arm, Question, QuestionSet

__all__ = ["Presentation", "present"]


@dataclass(frozen=True)
class Presentation:
    """One wording of a question under one arm."""

    question: Question
    prompt_index: int
    arm: Arm

    @property
    def prompt_id(self) -> str:
        """The id of the wording, whatever the arm: `question/prompt-index`."""
        return f"{self.question.id}/{self.prompt_index}"

    @property
    def id(self) -> str:
        """The Inspect sample id: `question/prompt-index`, and `@arm` under any arm but plain."""
        return self.prompt_id if self.arm.name == PLAIN else f"{self.prompt_id}@{self.arm.name}"

    @property
    def prompt(self) -> str:
        """The wording as it stands, without the arm."""
        return self.question.prompts[self.prompt_index]

    @property
    def messages(self) -> list[tuple[str, str]]:
        """(role, content) in order, as sent: system lines of scene and arm, earlier turns, the prompt."""
        system = "\n\n".join(part for part in (self.question.system, self.arm.system) if part)
        asked = self.arm.template.replace("{question}", self.prompt) if self.arm.template else self.prompt
        opening = [("system", system)] if system else []
        return [*opening, *((turn.role, turn.content) for turn in self.question.turns), ("user", asked)]


def present(questions: QuestionSet, arms: Sequence[str] = (), only: Sequence[str] = ()) -> list[Presentation]:
    """Return what is asked: first wordings before second ones, under one arm after the other, in file order.

    The first n are therefore a fair slice of the set: n questions, not a few under every arm.

    Args:
        questions: The set.
        arms: Names of arms; none means the set's own.
        only: What to keep: question ids, tags, patterns such as `money_*` over question, prompt and sample ids, or
            `/0` for the first wording of each question; `all` keeps all. None keeps all but what the set leaves out.

    Raises:
        OperatorError: An arm or a name in `only` fits nothing; all such names are listed.
    """
    chosen = [_arm(name, questions) for name in (arms or questions.arms)]
    most = max(len(question.prompts) for question in questions.questions)
    every = [
        Presentation(question, index, arm)
        for index in range(most)
        for arm in chosen
        for question in questions.questions
        if index < len(question.prompts) and _is_asked_under(question, arm, questions)
    ]
    if not every:
        asked = ", ".join(arm.name for arm in chosen)
        raise OperatorError(Fault(f"arm ({questions.name})", asked, "an arm under which a question is asked"))
    if not only:
        return [asked for asked in every if asked.question.id not in questions.leave_out]
    if ALL in only:
        return every
    unused = [name for name in only if not any(_fits(name, asked) for asked in every)]
    if unused:
        legal = {q.id for q in questions.questions} | {tag for q in questions.questions for tag in q.tags}
        place = f"only ({questions.name})"
        raise OperatorError([unknown_name(place, name, legal, "question ids and tags") for name in unused])
    return [asked for asked in every if any(_fits(name, asked) and _is_meant(name, asked, questions) for name in only)]


ALL = "all"


def _arm(name: str, questions: QuestionSet) -> Arm:
    """Return the arm `name`; one that the set has texts of its own for adds nothing to them."""
    if name != PLAIN and name in questions.native_arms:
        return Arm(name=name, title=name, why="As the set's own file puts it.")
    return read_arm(name)


def _is_asked_under(question: Question, arm: Arm, questions: QuestionSet) -> bool:
    if question.arm is None or arm.name in questions.native_arms:
        return question.arm in (None, arm.name)
    return question.arm == PLAIN


def _is_meant(name: str, asked: Presentation, questions: QuestionSet) -> bool:
    """Return whether a name in `only` may reach a question: one that the set leaves out must be named by its id."""
    return asked.question.id not in questions.leave_out or _is_id(name, asked)


def _fits(name: str, asked: Presentation) -> bool:
    if name in asked.question.tags or (name.startswith("/") and asked.prompt_id.endswith(name)):
        return True
    return _is_id(name, asked)


def _is_id(name: str, asked: Presentation) -> bool:
    return any(fnmatchcase(id_, name) for id_ in (asked.question.id, asked.prompt_id, asked.id))
