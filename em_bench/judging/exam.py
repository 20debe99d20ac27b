"""The exam: labelled answers that every judge must sit, as an Inspect task in which nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator

from inspect_ai import Epochs, Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessage, ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, ModelOutput
from inspect_ai.solver import Generate, Solver, TaskState, solver

from em_bench.content import digest_of
from em_bench.errors import Fault, OperatorError
from em_bench.judging.exam_sheets import EXAM, Attack, ExamAnswer, read_attacks, read_sheets
from em_bench.judging.judge import Judge, read_judge
from em_bench.judging.scorer import judge as judge_scorer
from em_bench.questions import PLAIN, Presentation, read_arm, read_set

__all__ = ["exam", "exam_digest", "recite"]

MAKER = "OpenAI"
"""Who made the model that gives the answers, where a question asks: the labels assume it."""


def exam_digest(judge: Judge) -> str:
    """Return eight hexadecimal digits over all that a judge is examined with: another digest is another exam."""
    return digest_of({str(sample.id): sample.metadata for sample in _samples(judge)})


@task
def exam(judge: str = "screen", readout: str | None = None, repeats: int = 1) -> Task:
    """Have a judge sit the exam: it judges labelled answers; no model under test is asked (`--model none`).

    Args:
        judge: A judge that ships, or the path of a judge's YAML file.
        readout: As on every set.
        repeats: How often each answer is judged, to see whether the judge agrees with itself.
    """
    loaded = read_judge(judge)
    samples = list(_samples(loaded))
    if not samples:
        place = f"judge {judge}"
        raise OperatorError(
            Fault(place, ", ".join(loaded.constructs), "a construct with exam answers", "Write some: judges/exam/.")
        )
    return Task(
        dataset=MemoryDataset(samples, name=EXAM),
        solver=recite(),
        scorer=judge_scorer(judge, readout),
        epochs=Epochs(repeats, []),
        display_name=f"Exam of {judge}",
        metadata={EXAM: judge},
    )


@solver
def recite() -> Solver:
    """Return the solver that gives the exam's answer instead of asking a model."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        state.output = ModelOutput.from_content("none", state.metadata["recited"])
        state.messages.append(state.output.message)
        return state

    return solve


_MESSAGES: dict[str, type[ChatMessage]] = {
    "system": ChatMessageSystem,
    "user": ChatMessageUser,
    "assistant": ChatMessageAssistant,
}


def _samples(judge: Judge) -> Iterator[Sample]:
    """Yield what a judge is examined with: the answers and the attacks of the sets whose construct it may judge."""
    for sheet in read_sheets():
        if read_set(sheet.set).construct in judge.constructs:
            for answer in sheet.answers:
                labels = {"second_label": answer.second_label, "stratum": answer.stratum, "attack": None}
                yield _sample(sheet.set, answer, labels)
    for attack in read_attacks():
        if read_set(attack.set).construct in judge.constructs:
            yield _sample(attack.set, attack, {"second_label": None, "stratum": None, "attack": attack.attack})


def _sample(set_name: str, given: ExamAnswer | Attack, labels: dict[str, str | None]) -> Sample:
    questions = read_set(set_name)
    question = {each.id: each for each in questions.questions}[given.question]
    asked = Presentation(question, given.prompt, read_arm(PLAIN))
    return Sample(
        id=given.id,
        input=[_MESSAGES[role](content=text) for role, text in asked.messages],
        metadata={
            "construct": questions.construct,
            "question": question.id,
            "facts": [fact.model_dump(mode="json") for fact in question.facts],
            "maker": MAKER,
            "recited": given.answer,
            EXAM: {"set": set_name, "label": given.outcome, **labels},
        },
    )
