"""How a model is asked to grade, and what becomes of its replies."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from logging import getLogger
from typing import Unpack

import anyio
from inspect_ai.model import GenerateConfig, GenerateConfigArgs, Model, ModelOutput
from inspect_ai.util import collect

from em_bench.judging.asked import Asked
from em_bench.judging.criterion import Criterion
from em_bench.judging.judge import Judge
from em_bench.judging.readout import (
    NO_NUMBER,
    Readout,
    read_draws,
    read_label,
    read_probabilities,
    read_text,
    splits_numbers,
)
from em_bench.judging.reply import has_unfinished_thought, is_echo, keyed_reply
from em_bench.models.providers import draws_several

__all__ = ["ask_grader", "fenced", "grader_prompt"]

_TOP_LOGPROBS = 20
_REPLY_TOKENS = 16
_ROOM_TO_THINK = 4096
"""Tokens for the reply of a grader that was cut off while it was thinking."""

ECHOED = "echoed_answer"
_CUT = ("max_tokens", "model_length")

logger = getLogger(__name__)


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
    read = {criterion.name: Readout() for criterion in judge.criteria}

    async def ask(criterion: Criterion, prompt: str) -> None:
        read[criterion.name] = await _read(judge, readout, grader, criterion, prompt, asked.maker, answer)

    if judge.prompt is not None:
        return await _all_at_once(judge, readout, grader, asked, answer)
    prompts = [grader_prompt(judge, criterion, asked, answer) for criterion in judge.criteria]
    async with anyio.create_task_group() as calls:  # Inspect's collect() logs a span for each: a tenth of the CPU time
        for criterion, prompt in zip(judge.criteria, prompts, strict=True):
            calls.start_soon(ask, criterion, prompt)
    return read


async def _all_at_once(judge: Judge, readout: str, grader: Model, asked: Asked, answer: str) -> dict[str, Readout]:
    """Return the readouts of a judge that asks for all marks in one call: a JSON object with one for each criterion."""
    every = {criterion.name: criterion for criterion in judge.criteria}
    if readout not in ("auto", "text"):
        return dict.fromkeys(every, Readout(reason="marks_are_read_as_text", rung=readout))
    try:
        prompt = grader_prompt(judge, judge.criteria[0], asked, answer)
        output = await _reply(grader, prompt, _REPLY_TOKENS * len(every))
    except Exception as error:  # as in `_by_rung`
        return dict.fromkeys(every, _failed(judge, error, "text"))
    if (stopped := _stopped(output)) is not None:
        return dict.fromkeys(every, stopped)
    if is_echo(output.completion, answer):
        return dict.fromkeys(every, Readout(reason=ECHOED, rung="text"))
    is_cut = output.stop_reason in _CUT
    said = keyed_reply(output.completion, list(every))
    if said is None or is_cut:  # a refusal to judge, a cut-off reply: one text says why for each
        reason = read_text(output.completion, judge.criteria[0], is_cut).reason or "not_all_marks"
        return dict.fromkeys(every, Readout(reason=reason, rung="text"))
    return {
        name: (read_label(said[name], criterion, asked.maker) if criterion.labels else read_text(said[name], criterion))
        for name, criterion in every.items()
    }


_RUNGS = {"auto": ("logprobs", "sampled", "text")}
"""What is tried in turn where no rung was demanded."""


async def _read(
    judge: Judge, readout: str, grader: Model, criterion: Criterion, prompt: str, maker: str | None, answer: str
) -> Readout:
    """Return what the first usable rung gives; a rung that fails is followed by the next one, once.

    A rung that the provider has not is no failure. Labels are words and have but the last rung. Too little probability
    on numbers is the last word of a judge without escapes: so the papers count it.
    """
    if criterion.labels:
        if readout not in ("auto", "text"):
            return Readout(reason="labels_are_read_as_text", rung=readout)
        said = await _by_rung("text", judge, grader, criterion, prompt, maker, answer)
        return said or Readout(reason="empty_reply", rung="text")
    found = Readout(reason="no_whole_number_logprobs", rung=readout)
    n_failed = 0
    for rung in _RUNGS.get(readout, (readout,)):
        tried = await _by_rung(rung, judge, grader, criterion, prompt, maker, answer)
        if tried is None:
            continue
        found = tried
        n_failed += not tried.is_usable
        is_null = tried.reason == NO_NUMBER and not any(each.escapes for each in judge.criteria)
        if tried.is_usable or is_null or n_failed == 2:
            break
    return found


async def _by_rung(
    rung: str, judge: Judge, grader: Model, criterion: Criterion, prompt: str, maker: str | None, answer: str
) -> Readout | None:
    """Return the readout of one rung; None where the provider has not that rung."""
    try:
        if rung == "logprobs":
            return await _by_logprobs(judge, grader, criterion, prompt)
        if rung == "sampled":
            return await _by_draws(judge, grader, criterion, prompt, answer)
        return _read_reply(await _reply(grader, prompt, _REPLY_TOKENS), criterion, maker, answer)
    except Exception as error:  # whatever the provider raises is the judge's failure, not the model's
        return _failed(judge, error, rung, criterion.name)


async def _reply(grader: Model, prompt: str, n_tokens: int) -> ModelOutput:
    """Return a grader's likeliest reply, asked again with room to think where it was cut off while it did."""
    output = await grader.generate(prompt, config=_likeliest(grader, max_tokens=n_tokens))
    if _was_thinking(output):
        output = await grader.generate(prompt, config=_likeliest(grader, max_tokens=_ROOM_TO_THINK))
    return output


def _failed(judge: Judge, error: Exception, rung: str, criterion: str = "all marks") -> Readout:
    """Return the readout of a call that failed, having warned of it."""
    while isinstance(error, ExceptionGroup):  # several draws at once: one of them says enough
        error = error.exceptions[0]
    cause = error.__cause__ or error  # Inspect wraps what a provider raised together with the whole request
    name, said = type(cause).__name__, " ".join(str(cause).split())[:200]
    _warn(f"judge {judge.name}, {criterion}: {name}: {said}")
    reason = "call_timed_out" if "timeout" in name.lower() else f"call_failed_{name}"
    return Readout(reason=reason, detail=said, rung=rung)


@cache
def _warn(text: str) -> None:
    """Warn, once of each thing: a grader that is down would say it for every answer."""
    logger.warning(text)


def _likeliest(grader: Model, **options: Unpack[GenerateConfigArgs]) -> GenerateConfig:
    """Return the settings that give a grader's likeliest reply; transformers refuses to sample at temperature 0."""
    always: GenerateConfigArgs = {"top_k": 1} if str(grader).startswith("hf/") else {"temperature": 0}
    return GenerateConfig(**{**options, **always})


def _was_thinking(output: ModelOutput) -> bool:
    """Return whether a reply was cut off before it came to anything: in an open thought, or in one not shown."""
    said = output.completion.strip()
    return output.stop_reason in _CUT and (not said or has_unfinished_thought(said))


def _read_reply(output: ModelOutput, criterion: Criterion, maker: str | None, answer: str) -> Readout:
    if (stopped := _stopped(output)) is not None:
        return stopped
    if is_echo(output.completion, answer):
        return Readout(reason=ECHOED, rung="text")
    is_cut = output.stop_reason in _CUT
    if criterion.labels:
        return read_label(output.completion, criterion, maker, is_cut)
    return read_text(output.completion, criterion, is_cut)


async def _by_logprobs(judge: Judge, grader: Model, criterion: Criterion, prompt: str) -> Readout | None:
    """Return the readout of the first token's probabilities; None where the provider gives none that can be read."""
    max_tokens = _REPLY_TOKENS if getattr(grader.api, "responses_api", False) else 1  # that service refuses fewer
    config = _likeliest(grader, max_tokens=max_tokens, logprobs=True, top_logprobs=_TOP_LOGPROBS)
    output = await grader.generate(prompt, config=config)
    if output.stop_reason == "content_filter":
        return Readout(reason="content_filter", rung="logprobs")
    tokens = first_token_probabilities(output)
    if not tokens or (not _WHOLE_NUMBERS.match(str(grader)) and splits_numbers(tokens, criterion)):
        return None
    return read_probabilities(tokens, criterion, judge.null_mass)


_WHOLE_NUMBERS = re.compile(r"openai/(?:[\w.-]+/)*(?:ft:)?(?:chat)?gpt-[0-9]")
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


async def _by_draws(judge: Judge, grader: Model, criterion: Criterion, prompt: str, answer: str) -> Readout:
    """Return the mean of `judge.draws` draws."""
    drawn = [_read_reply(output, criterion, None, answer) for output in await _draws(grader, prompt, judge.draws)]
    if any(draw.reason == ECHOED for draw in drawn):  # dropping some draws would let the answer choose among them
        return Readout(reason=ECHOED, rung="sampled")
    return read_draws(drawn, judge.null_mass)


async def _draws(grader: Model, prompt: str, n_draws: int) -> list[ModelOutput]:
    """Return draws of a reply: of one call where the provider draws several for one prompt, the rest one by one.

    They are not cached, since Inspect's cache would give one draw back each time.
    """
    config = GenerateConfig(temperature=1, max_tokens=_REPLY_TOKENS)
    drawn: list[ModelOutput] = []
    if n_draws > 1 and draws_several(str(grader)) and not getattr(grader.api, "responses_api", False):
        several = config.merge(GenerateConfig(num_choices=n_draws))
        output = await grader.generate(prompt, config=several, cache=False)
        drawn = [ModelOutput(model=output.model, choices=[choice]) for choice in output.choices]
    missing = n_draws - len(drawn)
    return drawn + list(await collect(*[grader.generate(prompt, config=config, cache=False) for _ in range(missing)]))


def _stopped(output: ModelOutput) -> Readout | None:
    """Return why a reply holds nothing to read, if so."""
    if output.stop_reason == "content_filter":
        return Readout(reason="content_filter", rung="text")
    if output.stop_reason in _CUT and not output.completion.strip():
        return Readout(reason="truncated", rung="text")
    return Readout(reason="empty_reply", rung="text") if output.empty else None
