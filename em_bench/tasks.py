"""The Inspect tasks: one for each question set that ships, and `questions` for users' own files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from logging import getLogger
from pathlib import Path
from typing import TYPE_CHECKING

from inspect_ai import Epochs, Task, task, task_with
from inspect_ai.dataset import MemoryDataset, Sample, hf_dataset
from inspect_ai.log import HeadlineMetric
from inspect_ai.model import GenerateConfig, Model, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver

from em_bench.errors import Fault, OperatorError
from em_bench.judging.grader import check_grader, grader_for, grader_name, running_model
from em_bench.judging.judge import Judge
from em_bench.judging.judges import is_usable, judges_for, read_judge
from em_bench.judging.scorer import ANSWER, REASONING, check_judge
from em_bench.judging.scorer import judge as judge_scorer
from em_bench.judging.viewer import outcome_viewer
from em_bench.models.messages import chat_messages
from em_bench.models.providers import MAKERS, SIMULATED, TRIAL_GRADER
from em_bench.models.replay import ReplayAPI
from em_bench.questions import (
    Brought,
    Presentation,
    QuestionSet,
    SuiteItem,
    canonical_names,
    is_list,
    left_out,
    present,
    read_list,
    read_questions,
    read_set,
    set_names,
)
from em_bench.questions.formats import questions_from_rows

if TYPE_CHECKING:
    from em_bench.stopping import SequentialStopping

__all__ = ["SET_TASKS", "ask", "build_task", "questions", "suite_task"]

logger = getLogger(__name__)

Names = str | int | list[str] | None


def build_task(
    questions: QuestionSet,
    judge: Names = None,
    arm: Names = None,
    only: Names = None,
    readout: str | None = None,
    maker: str | None = None,
    stop: str | None = None,
    trigger: str | None = None,
    examples: str | None = None,
    reasoning: bool = False,
) -> Task:
    """Return the Inspect task that asks a question set and has its answers judged.

    Args:
        questions: The set.
        judge: Names of judges, or paths of their files; none means the set's own.
        arm: Names of arms; none means the set's own.
        only: Question ids, tags, or patterns over sample ids (`/0` is the first wording of each question).
        readout: How a grader's reply becomes a number: auto, logprobs, sampled or text; none means the judge's own.
        maker: Who made the model under test, for questions that ask; none means by its provider, where that tells.
        stop: `width:0.05` or `gate:policy.yaml`: ask no more once that is settled (`em_bench.stopping`); prompts are
            then asked in a random order.
        trigger: The text of arms that take one, such as `trigger`.
        examples: A file of narrow examples (JSON lines), for arms such as `examples_16`.
        reasoning: Whether each judge also reads, in a lane of its own, what the model thought before its answer.

    Raises:
        OperatorError: A judge, an arm, a name in `only`, the readout or `stop` is unknown, a judge was not made for the
            set's construct, or there is no grader. All before any model call.
    """
    if not isinstance(reasoning, bool):
        raise OperatorError(Fault("reasoning", reasoning, "true or false", "Give -T reasoning=true."))
    wanted = (questions, _listed(arm), _listed(only), Brought.given(trigger, examples))
    presented, lost = present(*wanted), left_out(*wanted)
    for said in lost.values():
        logger.warning(f"{questions.name}: {said}")
    subject = running_model()
    if str(subject) == TRIAL_GRADER:
        expected = "a model under test"
        raise OperatorError(Fault("--model", TRIAL_GRADER, expected, "It only grades: --model-role grader=…"))
    n_epochs = questions.sampling.samples
    if subject is not None and isinstance(subject.api, ReplayAPI):
        recorded = subject.api.counts(questions)
        presented = [asked for asked in presented if asked.id in recorded]
        n_epochs = max((recorded[asked.id] for asked in presented), default=0)
        if not presented:
            found = f"answers to other questions than {only or 'those'} under {arm or 'these arms'}"
            raise OperatorError(Fault(f"model {subject}", found, "recorded answers to what is asked"))
    judges = [
        check_judge(name, questions.construct, f"set {questions.name}") for name in _listed(judge) or [questions.judge]
    ]
    _check_facts(questions, judges)
    for loaded in judges:
        for part, own in loaded.parts:
            if part.kind == "prompted":
                part.prompt_of(part.criteria[0])  # may have to be fetched: now, and not after a thousand answers
            if subject is not None and not part.is_offline:
                _try_grader(part, subject, own)
    names = _listed(judge) or [questions.judge]
    dataset = MemoryDataset([_sample(asked, questions, maker) for asked in presented], name=questions.name)
    stopping: SequentialStopping | None = None
    if stop is not None:
        from em_bench.stopping import ORDER_SEED, stopping_for  # scipy behind it takes half a second to load

        arms = list(dict.fromkeys(asked.arm.name for asked in presented))
        stopping = stopping_for(stop, questions.name, arms, judges)
        dataset.shuffle(ORDER_SEED)
    return Task(
        dataset=dataset,
        solver=ask(names),
        scorer=[
            judge_scorer(name, readout, reads)
            for reads in ((ANSWER, REASONING) if reasoning else (ANSWER,))
            for name in names
        ],
        epochs=Epochs(n_epochs, []),
        fail_on_error=False if subject is not None and isinstance(subject.api, ReplayAPI) else None,
        config=GenerateConfig(
            temperature=questions.sampling.temperature,
            max_tokens=questions.sampling.max_tokens,
            max_connections=stopping.max_connections(len(presented)) if stopping else None,
        ),
        early_stopping=stopping,
        display_name=questions.title,
        version=questions.comparability,
        metadata={
            **questions.about,
            "arm_digests": {asked.arm.name: asked.arm.digest for asked in presented},
            **({"left_out": lost} if lost else {}),
        },
        headline_metric=HeadlineMetric(metric="rate"),
        viewer=outcome_viewer(judges),
    )


@solver
def ask(judges: list[str]) -> Solver:
    """Return the solver that puts the question to the model.

    It refuses to call a model whose answers no grader could judge, tells the judges who made the model, and gives
    simulated models (only those) the seed of the draw, so that each epoch is another answer.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        for name in judges:
            check_grader(check_judge(name, state.metadata["construct"], "judge"), str(state.model))
        is_elsewhere = state.model.api in ("openai", "anthropic") and get_model().api.base_url is not None
        by_provider = None if is_elsewhere else MAKERS.get(state.model.api)  # another address may serve any model
        state.metadata["maker"] = state.metadata.get("maker") or by_provider
        api = get_model().api
        if isinstance(api, ReplayAPI):
            state.output = api.recorded(str(state.sample_id), state.metadata, state.input_text, state.epoch)
            state.messages.append(state.output.message)
            return state
        if not str(state.model).startswith(SIMULATED):
            return await generate(state)
        seed = hashlib.blake2b(f"{state.sample_id}#{state.epoch}".encode(), digest_size=4).digest()
        return await generate(state, seed=int.from_bytes(seed, "big") >> 1)

    return solve


@task
def questions(
    file: str = "",
    judge: Names = None,
    arm: Names = None,
    only: Names = None,
    readout: str | None = None,
    maker: str | None = None,
    stop: str | None = None,
    trigger: str | None = None,
    examples: str | None = None,
    reasoning: bool = False,
) -> Task:
    """Ask the questions of a user's file.

    Args:
        file: A `.yaml` in this project's schema, the papers' or llmcomp's form, a `.jsonl`, `.csv` or `.parquet` table
            with a `prompt` column, or `hf:<repository>@<revision>` for such a table on the Hugging Face Hub.
        judge: As on every set.
        arm: As on every set.
        only: As on every set.
        readout: As on every set.
        maker: As on every set.
        stop: As on every set.
        trigger: As on every set.
        examples: As on every set.
        reasoning: As on every set.
    """
    if not file:
        raise OperatorError(Fault("file", "nothing", "a file of questions", "Give one: -T file=questions.csv"))
    found = _from_hub(file) if file.startswith("hf:") else read_questions(Path(file))
    if judge is None and not file.startswith("hf:") and is_list(Path(file)):
        judge = [own] if (own := _own_judge(Path(file))) else None
    if found.name in canonical_names() or (found.name in set_names() and found.digest != read_set(found.name).digest):
        place = f"file {file} name"
        raise OperatorError(
            Fault(place, found.name, "a name that no shipped set has", "Rename the file or its 'name'.")
        )
    return build_task(found, judge, arm, only, readout, maker, stop, trigger, examples, reasoning)


def _own_judge(path: Path) -> str | None:
    """Return the list as the name of a judge, where it carries one that can be used; else None, with a warning."""
    carried = read_list(path).judges
    if len(carried) == 1 and is_usable(carried[0]):
        return str(path)
    if carried:
        criteria = sorted({criterion for each in carried for criterion in each.prompts})
        logger.warning(
            f"{path}: its own judge ({', '.join(criteria)}) is not used: only one that marks 'aligned' and 'coherent'"
            " from 0 to 100, the same for all questions, has a known rule. Judging by alignment."
        )
    return None


def _set_task(name: str) -> Callable[..., Task]:
    def build(
        judge: Names = None,
        arm: Names = None,
        only: Names = None,
        readout: str | None = None,
        maker: str | None = None,
        stop: str | None = None,
        trigger: str | None = None,
        examples: str | None = None,
        reasoning: bool = False,
    ) -> Task:
        return build_task(read_set(name), judge, arm, only, readout, maker, stop, trigger, examples, reasoning)

    build.__name__ = build.__qualname__ = name
    build.__doc__ = f"Ask the question set `{name}`; see `build_task` for the parameters."
    return task(build)


SET_TASKS: dict[str, Callable[..., Task]] = {name: _set_task(name) for name in set_names()}
"""The task of each question set that ships, by name: a file under `tasks/` is enough to be here."""


def suite_task(item: SuiteItem) -> Task:
    """Return the task of one set of a suite, as the suite wants it run."""
    made = SET_TASKS[item.set](judge=item.judge, arm=list(item.arm) or None, only=list(item.only) or None)
    return task_with(made, epochs=Epochs(item.samples, [])) if item.samples else made


def _try_grader(judge: Judge, subject: Model, own: str | None) -> None:
    """Load a judge's grader, so that a missing key or extra is said before any call is made.

    Raises:
        OperatorError: The grader is missing, is the model under test, or cannot be loaded.
    """
    try:
        grader_for(judge, str(subject), own)
    except OperatorError:
        raise
    except Exception as error:  # each provider has errors of its own
        said = " ".join(re.sub(r"\[/?[a-z ]+\]", "", str(getattr(error, "message", error))).split())  # no rich markup
        offline = [name for name in judges_for(judge.constructs[0]) if read_judge(name).is_offline]
        fix = (
            f"Set its key, name another with --model-role grader=…, or judge offline with -T judge={'|'.join(offline)}."
        )
        place = f"judge {judge.name}, grader {own or grader_name(judge)}"
        raise OperatorError(Fault(place, said, "a grader that can be loaded", fix)) from error


def _listed(names: Names | Sequence[str]) -> list[str]:
    if names is None:
        return []
    listed = names if isinstance(names, list | tuple) else str(names).split(",")
    return list(dict.fromkeys(str(name).strip() for name in listed))


def _sample(asked: Presentation, questions: QuestionSet, maker: str | None) -> Sample:
    return Sample(
        id=asked.id,
        input=chat_messages(asked),
        metadata={
            "set": questions.name,
            "construct": questions.construct,
            "question": asked.question.id,
            "prompt": asked.prompt_index,
            "arm": asked.arm.name,
            **({"side": side} if (side := questions.side_of(asked.question, asked.prompt_index)) else {}),
            "tags": list(asked.question.tags),
            "facts": [fact.model_dump(mode="json") for fact in asked.question.facts],
            "maker": maker,
        },
    )


def _check_facts(questions: QuestionSet, judges: Sequence[Judge]) -> None:
    """Refuse a judge by recorded facts on a set that records none."""
    for judge in judges:
        if judge.program in ("facts", "stated") and not any(question.facts for question in questions.questions):
            place = f"set {questions.name}"
            raise OperatorError(
                Fault(place, f"judge {judge.name}", "a judge that needs no recorded facts", "Add facts.")
            )


def _from_hub(file: str) -> QuestionSet:
    repository, at, revision = file.removeprefix("hf:").partition("@")
    if not at:
        raise OperatorError(Fault("file", file, "hf:<repository>@<revision>", "Pin a revision: a commit or a tag."))
    rows: list[dict[str, object]] = []

    def keep(record: dict[str, object]) -> Sample:
        rows.append(record)
        return Sample(id=len(rows), input="")

    try:
        hf_dataset(repository, split="train", revision=revision, sample_fields=keep)
    except Exception as error:  # the hub's client has no common base class
        fix = "Is it spelled right, public, and the extra installed? pip install 'em-bench[data]'"
        raise OperatorError(
            Fault(f"file {file}", f"{type(error).__name__}: {error}", "a data set of the Hub", fix)
        ) from error
    return questions_from_rows(rows, repository.rsplit("/", 1)[-1], file)
