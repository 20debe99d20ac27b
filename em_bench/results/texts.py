"""The texts of chosen answers: what was asked, what came back and what each judge said, read from the logs."""

from __future__ import annotations

import itertools
import math
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from em_bench.errors import DataError, Fault
from em_bench.judging.asked import reasoning_text
from em_bench.judging.judge import RECORDED
from em_bench.judging.recorded import probabilities_key
from em_bench.judging.verdict import MEMBER
from em_bench.results.chosen import ChosenAnswer

if TYPE_CHECKING:
    from inspect_ai.log import EvalSample

__all__ = ["LONGEST", "AnswerText", "JudgeSaid", "MarkSaid", "Passage", "TextReader"]

LONGEST = 20_000
"""Characters of a text that are kept."""


@dataclass(frozen=True)
class Passage:
    """A text of a role (system, user, assistant, tool), its beginning if it is long; `n_chars` is all of it."""

    role: str
    text: str
    n_chars: int

    @property
    def is_cut(self) -> bool:
        """Whether there is more of it in the log."""
        return self.n_chars > len(self.text)


@dataclass(frozen=True)
class MarkSaid:
    """A judge's mark on one criterion, on that criterion's scale; NaN for a number that does not exist.

    `mass` is the share of the judge's probability behind readable numbers, `spread` in points of the scale; `tokens`
    is the probability of each of the judge's likeliest tokens, where the log holds them.
    """

    criterion: str
    value: float
    mass: float
    spread: float
    tokens: Mapping[str, float]


@dataclass(frozen=True)
class JudgeSaid:
    """What one judge said of an answer: the outcome and why there is none, its marks, how they were read."""

    lane: str
    outcome: str
    reason: str | None
    rule: Mapping[str, Mapping[str, float]]
    rungs: tuple[str, ...]
    marks: tuple[MarkSaid, ...]
    explanation: str


@dataclass(frozen=True)
class AnswerText:
    """A chosen answer as its log holds it: the messages as sent, the answer, its reasoning, and each judge's word.

    `drawn` is the outcome that a simulated model meant its answer to have.
    """

    sent: tuple[Passage, ...]
    answer: Passage
    reasoning: Passage | None
    stop_reason: str
    place: str | None
    drawn: str | None
    said: tuple[JudgeSaid, ...]


class TextReader:
    """Reads the texts of chosen answers, all those of a log at once; what was not chosen is not read.

    Args:
        chosen: The answers that may be asked for.
        n_logs: Of how many logs the texts are kept.
    """

    def __init__(self, chosen: Sequence[ChosenAnswer], n_logs: int = 16) -> None:
        self._of_log: dict[str, list[ChosenAnswer]] = {}
        for each in chosen:
            self._of_log.setdefault(each.log, []).append(each)
        self._n_logs = n_logs
        self._kept: OrderedDict[str, dict[tuple[str, int], AnswerText]] = OrderedDict()

    def __call__(self, answer: ChosenAnswer) -> AnswerText:
        """Return the text of an answer.

        Raises:
            DataError: The log cannot be read, or does not hold it any more.
        """
        if answer.log not in self._kept:
            self._kept[answer.log] = self._read(answer.log)
            if len(self._kept) > self._n_logs:
                self._kept.popitem(last=False)
        self._kept.move_to_end(answer.log)
        return self._kept[answer.log][answer.id, answer.epoch]

    def _read(self, log: str) -> dict[tuple[str, int], AnswerText]:
        wanted = sorted({(each.id, each.epoch) for each in self._of_log[log]})
        try:
            samples = _samples(log, wanted)
        except Exception as error:  # zip, JSON and schema errors have no common class
            found = f"{type(error).__name__}: {error}"
            raise DataError(
                Fault(log, found, f"{len(wanted)} samples, as when it was listed", "Build again.")
            ) from None
        return {(str(sample.id), sample.epoch): _text(sample) for sample in samples}


_READ = {"id", "epoch", "input", "target", "messages", "output", "scores", "metadata", "attachments", "uuid"}


def _samples(log: str, wanted: Sequence[tuple[str, int]]) -> Sequence[EvalSample]:
    from inspect_ai.log import EvalSample, read_eval_log, read_eval_log_samples_by_id

    if log.endswith(".json"):  # is one document: to read a sample is to read all
        samples = {(str(each.id), each.epoch): each for each in read_eval_log(log).samples or []}
        return [samples[key] for key in wanted]
    left_out = set(EvalSample.model_fields) - _READ
    return read_eval_log_samples_by_id(log, wanted, resolve_attachments="core", exclude_fields=left_out)


def _text(sample: EvalSample) -> AnswerText:
    message = sample.output.choices[0].message if sample.output.choices else None
    sent = list(sample.messages)
    if sent and sent[-1].role == "assistant":
        sent.pop()
    if not sent and not isinstance(sample.input, str):
        sent = sample.input
    passages = [_passage(each.role, each.text) for each in sent] or [_passage("user", str(sample.input))]
    thought = reasoning_text(message) if message else ""
    about, drawn = sample.metadata or {}, (sample.output.metadata or {}).get("drawn")
    recorded = about.get(RECORDED)
    return AnswerText(
        sent=tuple(passages),
        answer=_passage("assistant", sample.output.completion),
        reasoning=_passage("assistant", thought) if thought else None,
        stop_reason=str(sample.output.stop_reason or ""),
        place=str(about["place"]) if recorded and "place" in about else None,
        drawn=drawn if isinstance(drawn, str) else None,
        said=tuple(_said(sample, recorded if isinstance(recorded, dict) else {})),
    )


def _passage(role: str, text: str) -> Passage:
    return Passage(role, text[:LONGEST], len(text))


def _said(sample: EvalSample, recorded: Mapping[str, Any]) -> Iterator[JudgeSaid]:
    """Yield what each judge said, by lane; after a panel what each of its members did."""
    scores = [each for each in (sample.scores or {}).values() if "lane" in (each.metadata or {})]
    for score in sorted(scores, key=lambda each: str((each.metadata or {})["lane"])):
        told = score.metadata or {}
        value = score.value if isinstance(score.value, dict) else {}
        explanation = str(score.explanation or "")[:LONGEST]
        yield _judge_said(told, value, str(score.answer or ""), explanation, recorded)
        for n in itertools.count():
            member = told.get(f"{MEMBER}{n}")
            if member is None:
                break
            own = {key.removeprefix(f"{n}:"): number for key, number in value.items() if key.startswith(f"{n}:")}
            yield _judge_said(member, own, "", "", recorded)


def _judge_said(
    told: Mapping[str, Any], value: Mapping[str, Any], outcome: str, explanation: str, recorded: Mapping[str, Any]
) -> JudgeSaid:
    names = [key.removesuffix("_mass") for key in value if key.endswith("_mass") and ":" not in key]
    is_recorded = str(told["lane"]).endswith(f"/{RECORDED}")
    return JudgeSaid(
        lane=str(told["lane"]),
        outcome=outcome,
        reason=told.get("unscored_reason"),
        rule={name: dict(marks) for name, marks in (told.get("rule") or {}).items() if isinstance(marks, dict)},
        rungs=tuple(told.get("rungs") or ()),
        marks=tuple(
            MarkSaid(
                criterion=name,
                value=_number(value.get(name)),
                mass=_number(value.get(f"{name}_mass")),
                spread=_number(value.get(f"{name}_spread")),
                tokens=_tokens(recorded.get(probabilities_key(name))) if is_recorded else {},
            )
            for name in names
        ),
        explanation=explanation,
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else math.nan


def _tokens(given: object) -> dict[str, float]:
    """Return tokens with their probabilities, likeliest first."""
    if not isinstance(given, Mapping):
        return {}
    found = {str(token): float(p) for token, p in given.items() if isinstance(p, int | float)}
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
