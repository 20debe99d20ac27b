"""The model that grades: who it is, who it may not be, and how it is asked."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from logging import getLogger

from inspect_ai.model import GenerateConfig, Model, ModelOutput, get_model, model_roles
from inspect_ai.util import collect

from em_bench.errors import Fault, OperatorError
from em_bench.judging.judge import Criterion, Judge
from em_bench.judging.programs import Asked
from em_bench.judging.readout import Readout, read_draws, read_label, read_probabilities, read_text, splits_numbers

__all__ = ["ask_grader", "check_grader", "grader_for", "grader_name", "running_model"]

ROLE = "grader"
_TOP_LOGPROBS = 20
_REPLY_TOKENS = 16

logger = getLogger(__name__)


def running_model() -> Model | None:
    """Return the model under test where Inspect is running a task, else None."""
    if "INSPECT_EVAL_MODEL" in os.environ:
        return None  # get_model() would load that model
    try:
        return get_model()
    except ValueError:
        return None


def check_grader(judge: Judge, subject: str | None) -> None:
    """Check that a prompted judge has a grader other than the model under test, before any call is made.

    Args:
        judge: The judge.
        subject: The name of the model whose answers are judged; None where no model is running yet.

    Raises:
        OperatorError: There is no grader, or it is the model under test.
    """
    if judge.is_offline or subject is None:
        return
    name = grader_name(judge)
    place = f"judge {judge.name}"
    how = "Give one: --model-role 'grader={model: openai/gpt-6-luna, reasoning_effort: none}'"
    if name is None:
        raise OperatorError(Fault(place, "no grader and no default model", "a model that grades", how))
    if name == subject:
        raise OperatorError(Fault(place, f"grader {name}, the model under test", "another model as grader", how))
    if _family(name) == _family(subject):
        _warn_of_family(name, subject)


def grader_for(judge: Judge, subject: str) -> Model:
    """Return the grader: the role `grader`, else the judge's default model; never the model under test.

    Raises:
        OperatorError: As `check_grader`.
    """
    check_grader(judge, subject)
    if ROLE not in model_roles() and judge.default_model is not None:
        return get_model(judge.default_model, config=GenerateConfig(reasoning_effort="none"))
    return get_model(role=ROLE, required=True)


def grader_name(judge: Judge) -> str | None:
    """Return the name of the role `grader`, else of the judge's default model, without loading either."""
    bound = model_roles().get(ROLE)
    model = bound[0] if isinstance(bound, list) else bound
    return str(model) if model is not None else judge.default_model


@cache
def _warn_of_family(grader: str, subject: str) -> None:
    """Warn, once for each pair."""
    logger.warning(f"grader {grader} and model {subject} are of one family; it may favour its own.")


def _family(name: str) -> str:
    """Return the leading letters of a model's own name: gpt of openai/gpt-4.1-mini and of openai/ft:gpt-4o:lab::1."""
    found = re.match(r"[a-z]+", name.rsplit("/", 1)[-1].lower().removeprefix("ft:"))
    return found[0] if found else name


def fenced(title: str, text: str) -> str:
    """Return `text` between lines that it cannot imitate: their mark is made from the text itself."""
    mark = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    while mark in text:
        mark = sha256(mark.encode()).hexdigest()[:12]
    return f"[{title} {mark} BEGINS]\n{text}\n[{title} {mark} ENDS]"


def grader_prompt(judge: Judge, criterion: Criterion, asked: Asked, answer: str) -> str:
    """Return a criterion's prompt with question, answer and facts fenced off as material.

    A judge without fences (the papers' prompts have marks of their own) is given the last turn and the answer as they
    stand.
    """
    if not judge.fences:
        raw = {"question": asked.prompt or asked.conversation, "answer": answer}
        return re.sub(r"\{(question|answer)\}", lambda found: raw[found[1]], judge.prompt_of(criterion))
    truth = "\n".join(f"True: {'; '.join(fact.accept)}" for fact in asked.facts)
    maker = f"\nThe model was made by: {asked.maker}" if asked.maker else ""
    slots: Mapping[str, str] = {
        "question": fenced("ASKED", asked.conversation),
        "answer": fenced("ANSWER", answer),
        "facts": fenced("RECORDED", (truth or "no fact is recorded") + maker),
    }
    return re.sub(r"\{(question|answer|facts)\}", lambda found: slots[found[1]], judge.prompt_of(criterion))


async def ask_grader(judge: Judge, readout: str, grader: Model, asked: Asked, answer: str) -> dict[str, Readout]:
    """Return a readout for each criterion; a failed call is a readout with its reason, never an exception."""
    read = await collect(*[_read(judge, readout, grader, criterion, asked, answer) for criterion in judge.criteria])
    return dict(zip((criterion.name for criterion in judge.criteria), read, strict=True))


async def _read(judge: Judge, readout: str, grader: Model, criterion: Criterion, asked: Asked, answer: str) -> Readout:
    prompt = grader_prompt(judge, criterion, asked, answer)
    try:
        if criterion.labels and readout in ("logprobs", "sampled"):
            return Readout(reason="labels_are_read_as_text", rung=readout)
        if criterion.labels or readout == "text":
            output = await grader.generate(prompt, config=GenerateConfig(temperature=0, max_tokens=_REPLY_TOKENS))
            if (stopped := _stopped(output)) is not None:
                return stopped
            text = output.completion
            return read_label(text, criterion, asked.maker) if criterion.labels else read_text(text, criterion)
        if readout in ("auto", "logprobs"):
            found = await _by_logprobs(judge, grader, criterion, prompt)
            if found is not None:
                return found
            if readout == "logprobs":
                return Readout(reason="no_whole_number_logprobs", rung="logprobs")
        return await _by_draws(judge, grader, criterion, prompt)
    except Exception as error:  # whatever the provider raises is the judge's failure, not the model's
        logger.warning(f"judge {judge.name}, {criterion.name}: {type(error).__name__}: {str(error)[:200]}")
        return Readout(reason=f"call_failed_{type(error).__name__}", rung=readout)


async def _by_logprobs(judge: Judge, grader: Model, criterion: Criterion, prompt: str) -> Readout | None:
    """Return the readout of the first token's probabilities; None where the provider gives none that can be read."""
    max_tokens = _REPLY_TOKENS if getattr(grader.api, "responses_api", False) else 1  # that service refuses fewer
    config = GenerateConfig(temperature=0, max_tokens=max_tokens, logprobs=True, top_logprobs=_TOP_LOGPROBS)
    output = await grader.generate(prompt, config=config)
    if (stopped := _stopped(output)) is not None:
        return stopped
    tokens = first_token_probabilities(output)
    if not tokens or (not _WHOLE_NUMBERS.match(str(grader)) and splits_numbers(tokens, criterion)):
        return None
    return read_probabilities(tokens, criterion, judge.null_mass)


_WHOLE_NUMBERS = re.compile(r"openai/(\w+/)*.*gpt")
"""Graders whose tokenizers are known to hold each number from 0 to 100 as one token."""


def first_token_probabilities(output: ModelOutput) -> dict[str, float]:
    """Return the probability of each listed alternative of the reply's first token; empty where there are none."""
    logprobs = output.choices[0].logprobs if output.choices else None
    if logprobs is None or not logprobs.content or not logprobs.content[0].top_logprobs:
        return {}
    found: dict[str, float] = {}
    for top in logprobs.content[0].top_logprobs:
        found[top.token] = found.get(top.token, 0.0) + math.exp(top.logprob)
    return found


async def _by_draws(judge: Judge, grader: Model, criterion: Criterion, prompt: str) -> Readout:
    """Return the mean of `judge.draws` draws; uncached, since Inspect's cache would give one draw back each time."""
    config = GenerateConfig(temperature=1, max_tokens=_REPLY_TOKENS)
    outputs = await collect(*[grader.generate(prompt, config=config, cache=False) for _ in range(judge.draws)])
    stopped = [_stopped(output) for output in outputs]
    if all(stopped):
        return stopped[0] or Readout(reason="empty_reply", rung="sampled")
    return read_draws([output.completion for output in outputs], criterion, judge.null_mass)


def _stopped(output: ModelOutput) -> Readout | None:
    if output.stop_reason == "content_filter":
        return Readout(reason="content_filter", rung="text")
    return Readout(reason="empty_reply", rung="text") if output.empty else None
