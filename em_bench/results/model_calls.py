"""How often a run will call which model, and with how many tokens: estimates from the prompts as they are sent."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NamedTuple

from em_bench.errors import Fault, OperatorError
from em_bench.judging.asked import Asked
from em_bench.judging.criterion import Criterion
from em_bench.judging.grading import grader_prompt
from em_bench.judging.judge import Judge
from em_bench.models.organism import Organism
from em_bench.models.providers import SIMULATED, WITHOUT_LOGPROBS, draws_several
from em_bench.questions import Presentation, QuestionSet

__all__ = [
    "REAL_LENGTH",
    "ModelCalls",
    "Typical",
    "count_tokens",
    "grader_calls",
    "subject_calls",
    "typical_answers",
]

Role = Literal["subject", "grader"]

REAL_LENGTH = 4
"""How much longer real models' answers are taken to be than simulated ones: the recorded answers of fine-tunes to the
papers' free-form questions have 105 to 211 tokens on average, those of organisms to `freeform` about 50."""

_PER_MESSAGE, _PER_CALL = 4, 3
"""Tokens that chat formats put around each message, and before the reply."""
_PER_REPLY, _PER_MARK_IN_JSON = 2, 6
_FEWEST_DRAWS = 1000
"""Answers drawn to all prompts together, so that their mean length is known."""
_PIECES = re.compile(r"[A-Za-z\u00c0-\u024f]+|[0-9]{1,3}|\n+|[^\w\s]+|\w")
_LONGEST_PIECE, _NEXT_PIECE = 9, 5


@dataclass(frozen=True)
class ModelCalls:
    """Calls of one model in one role, with the tokens of all of them together; estimates, rounded up.

    `rounds` is how many calls in turn an answer waits for: of several at once only one counts.
    """

    model: str
    role: Role
    calls: int
    tokens_in: int
    tokens_out: int
    rounds: int = 1

    def __add__(self, other: ModelCalls) -> ModelCalls:
        """Return these calls and others of the same model in the same role."""
        return ModelCalls(
            self.model,
            self.role,
            self.calls + other.calls,
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            max(self.rounds, other.rounds),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.model}, {self.role}: {self.calls:,} calls, {self.tokens_in:,} tokens in, {self.tokens_out:,} out"


@dataclass(frozen=True)
class Typical:
    """An answer as it is expected to a prompt: how many tokens it has, and a text that it is `times` as long as."""

    text: str
    tokens: float
    times: float


def count_tokens(text: str, model: str) -> int:
    """Return about how many tokens a text has: for simulated models its words, which is what they report.

    For others it counts the pieces into which byte-pair tokenizers first split a text (words, up to three digits,
    marks, line breaks), words beyond nine letters as one more piece for every five. Against the tokenizer of SmolLM2
    that is within 5 % on the shipped prompts and on recorded and simulated answers; none has to be fetched.
    """
    if model.startswith(SIMULATED):
        return len(text.split())
    return sum(1 + max(0, math.ceil((len(piece) - _LONGEST_PIECE) / _NEXT_PIECE)) for piece in _PIECES.findall(text))


def typical_answers(
    questions: QuestionSet, presented: Sequence[Presentation], model: str, tokens: float | None
) -> list[Typical]:
    """Return an answer for each prompt, from the organism that is asked, else from `organism/aligned`.

    Args:
        questions: The set.
        presented: What is asked of it.
        model: The model under test.
        tokens: Tokens of an answer, measured or given; None means as long as the organism's, and for a real model
            `REAL_LENGTH` times as long. Real models never exceed the set's limit.
    """
    is_simulated = model.startswith(SIMULATED)
    organism = Organism(model.removeprefix(SIMULATED) if is_simulated else "aligned")
    most = math.inf if is_simulated else questions.sampling.max_tokens
    n_draws = math.ceil(_FEWEST_DRAWS / max(1, len(presented)))
    found = []
    for asked in presented:
        texts = [organism.reply(asked.messages, draw_seed=seed)[0] for seed in range(n_draws)]
        lengths = [max(1, count_tokens(text, model)) for text in texts]
        own = sum(lengths) / n_draws
        expected = min(most, (own if is_simulated else REAL_LENGTH * own) if tokens is None else tokens)
        found.append(Typical(texts[0], expected, expected / lengths[0]))
    return found


def subject_calls(
    presented: Sequence[Presentation], answers: Sequence[Typical], model: str, repeats: int
) -> ModelCalls:
    """Return the calls of the model under test: one for each answer."""
    around = 0 if model.startswith(SIMULATED) else 1
    tokens_in = sum(
        sum(count_tokens(text, model) + around * _PER_MESSAGE for _, text in asked.messages) + around * _PER_CALL
        for asked in presented
    )
    tokens_out = sum(answer.tokens for answer in answers)
    n_answers = len(presented) * repeats
    return ModelCalls(model, "subject", n_answers, tokens_in * repeats, math.ceil(tokens_out * repeats))


def grader_calls(
    judge: Judge,
    presented: Sequence[Presentation],
    answers: Sequence[Typical],
    grader: str | None,
    readout: str | None,
    repeats: int,
) -> list[ModelCalls]:
    """Return the calls of each model that grades; none for judges that ask no model.

    Per answer and criterion: one where the grader's probabilities or one reply are read; where draws are, as many as
    the judge draws (one, where the provider draws several at once), after one that finds that the provider gives no
    probabilities. Per answer one of a judge that asks for all marks together. Failed calls and what is asked
    again after them are not counted, nor are tokens that a grader thinks.

    Args:
        judge: The judge.
        presented: What is asked.
        answers: A typical answer to each.
        grader: The model that grades where a panel names none; None means the judge's default.
        readout: As of a run; None means the judge's own.
        repeats: Answers to each prompt.

    Raises:
        OperatorError: There is no grader.
    """
    share = judge.share if judge.kind == "two_phase" else 1.0
    found: dict[str, ModelCalls] = {}
    for part, own in judge.parts:
        if part.is_offline:
            continue
        name = own or grader or part.default_model
        if name is None:
            place, how = f"judge {judge.name}", "Give one: --grader openai/gpt-6-luna"
            raise OperatorError(Fault(place, "no grader and no default model", "a model that grades", how))
        *amounts, rounds = _of_part(part, presented, answers, name, readout)
        calls, tokens_in, tokens_out = (math.ceil(amount * repeats * share) for amount in amounts)
        made = ModelCalls(name, "grader", calls, tokens_in, tokens_out, rounds)
        found[name] = found[name] + made if name in found else made
    return list(found.values())


def _of_part(
    judge: Judge, presented: Sequence[Presentation], answers: Sequence[Typical], grader: str, readout: str | None
) -> tuple[int, float, int, int]:
    """Return calls, tokens in and tokens out for one answer to each prompt, and the rounds of calls."""
    n_calls, tokens_in, tokens_out, rounds = 0, 0.0, 0, 1
    for asked, answer in zip(presented, answers, strict=True):
        longer = (answer.times - 1) * count_tokens(answer.text, grader)
        for prompt, calls in _prompts(judge, _asked(asked), answer.text, grader, readout):
            each = count_tokens(prompt, grader) + longer + _PER_MESSAGE + _PER_CALL
            n_calls, tokens_in = n_calls + calls.n, tokens_in + each * calls.n
            tokens_out += calls.tokens_out
            rounds = max(rounds, calls.rounds)
    return n_calls, tokens_in, tokens_out, rounds


class _Calls(NamedTuple):
    """How often a prompt is sent, how many tokens come back for all of these, and in how many rounds."""

    n: int = 1
    tokens_out: int = _PER_REPLY
    rounds: int = 1


def _prompts(judge: Judge, asked: Asked, answer: str, grader: str, readout: str | None) -> Iterator[tuple[str, _Calls]]:
    """Yield each prompt about one answer, and the calls that send it."""
    if judge.kind == "scorer":
        yield f"{asked.conversation}\n{answer}", _Calls()  # another package's prompt is not known
        return
    mode = readout or judge.readout
    if judge.prompt is not None:
        if mode in ("auto", "text"):
            calls = _Calls(tokens_out=_PER_MARK_IN_JSON * len(judge.criteria))
            yield grader_prompt(judge, judge.criteria[0], asked, answer), calls
        return
    for criterion in judge.criteria:
        calls = _calls(judge, criterion, grader, mode)
        if calls.n:
            yield grader_prompt(judge, criterion, asked, answer), calls


def _calls(judge: Judge, criterion: Criterion, grader: str, mode: str) -> _Calls:
    if mode == "recorded" or (criterion.labels and mode not in ("auto", "text")):
        return _Calls(0)
    if mode == "sampled" and not criterion.labels:
        return _Calls(1 if draws_several(grader) else judge.draws, judge.draws * _PER_REPLY)
    if mode == "auto" and not criterion.labels and grader.startswith(WITHOUT_LOGPROBS):
        return _Calls(1 + judge.draws, (1 + judge.draws) * _PER_REPLY, 2)
    return _Calls()


def _asked(asked: Presentation) -> Asked:
    messages = asked.messages
    said = "\n\n".join(f"{role.capitalize()}: {text}" for role, text in messages)
    return Asked(messages[0][1] if len(messages) == 1 else said, asked.question.facts, None, messages[-1][1])
