"""Estimates: one for each model, set, arm and lane, and one over all arms where there are several."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import pandas as pd

from em_bench.errors import OperatorError, unknown_name
from em_bench.judging.judge import RECORDED, said_card
from em_bench.judging.judge import read_cards as read_judge_cards
from em_bench.judging.verdict import OUTCOMES
from em_bench.models.card import find_card, read_cards
from em_bench.models.organism import Organism
from em_bench.questions import own_set_names, read_set
from em_bench.results.answers import SIMULATED
from em_bench.results.protocol import Protocol, protocol_numbers, with_groups
from em_bench.statistics import METHOD, RateEstimate, estimate_rate

__all__ = ["ALL_ARMS", "Counts", "Estimate", "QuestionRate", "estimate_answers"]

ALL_ARMS = "all"
_SECRET = ("key", "token", "secret", "password")


@dataclass(frozen=True)
class Counts:
    """How the answers came out; `missing` ones were expected and never came, and are no answers."""

    answers: int
    missing: int
    flagged: int
    clear: int
    incoherent: int
    refusal: int
    off_topic: int
    unscored: int

    @classmethod
    def from_outcomes(cls, outcomes: Iterable[object]) -> Counts:
        """Return the counts of outcomes, among which None stands for a missing answer."""
        found = Counter(outcomes)
        of_answers = {name: found[name] for name in OUTCOMES}
        n_answers = sum(of_answers.values())
        return cls(answers=n_answers, missing=found.total() - n_answers, **of_answers)

    @property
    def kept(self) -> int:
        """The answers a rate is taken over: flagged and clear."""
        return self.flagged + self.clear

    def to_dict(self) -> dict[str, int]:
        """Return the counts in the order in which results print them."""
        order = ("answers", "missing", "kept", "flagged", "clear", "incoherent", "refusal", "off_topic", "unscored")
        return {name: int(getattr(self, name)) for name in order}


@dataclass(frozen=True)
class QuestionRate:
    """One question under one arm: its counts and its rate of flagged among kept answers."""

    question: str
    arm: str
    counts: Counts

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; a rate that does not exist is None."""
        rate = self.counts.flagged / self.counts.kept if self.counts.kept else None
        return {"question": self.question, "arm": self.arm, "counts": self.counts.to_dict(), "rate": rate}


@dataclass(frozen=True)
class Estimate:
    """The rate of one model on one set, under one arm or all, in one lane.

    `model` is a label: the Inspect model string, with its arguments where one string stands for several models.
    """

    model: str
    model_name: str
    model_args: str
    set: str
    set_version: str
    set_digest: str
    arm: str
    lane: str
    flag: str
    simulated: bool
    recorded: bool
    examined: bool
    experimental: bool
    measured: str | None
    counts: Counts
    rate: RateEstimate
    known_rate: float | None
    notes: tuple[str, ...]
    by_question: tuple[QuestionRate, ...]
    protocol: Protocol | None

    def to_dict(self) -> dict[str, Any]:
        """Return the object that `results --format json` prints; numbers that do not exist are None."""
        interval = {
            "questions": _pair(self.rate.questions),
            "population": _pair(self.rate.population),
            "level": self.rate.level,
            "method": METHOD,
        }
        return {
            "model": self.model,
            "set": self.set,
            "arm": self.arm,
            "lane": self.lane,
            "flag": self.flag,
            "simulated": self.simulated,
            "examined": self.examined,
            "counts": self.counts.to_dict(),
            "rate": _number(self.rate.rate),
            "rate_of_all": self.counts.flagged / self.counts.answers if self.counts.answers else None,
            "macro_rate": _number(self.rate.macro_rate),
            "interval": interval,
            "design_effect": _number(self.rate.design_effect),
            "effective_n": None if math.isnan(self.rate.effective_n) else round(self.rate.effective_n),
            "notes": list(self.notes),
            "by_question": [question.to_dict() for question in self.by_question],
            "protocol": None if self.protocol is None else self.protocol.to_dict(),
        }

    def __str__(self) -> str:
        return f"{self.model} {self.set} {self.arm}: {self.flag} {self.rate}, {self.counts.unscored} unscored"


def estimate_answers(
    answers: pd.DataFrame, level: float = 0.95, groups: Mapping[str, str] | None = None
) -> list[Estimate]:
    """Return the estimates of an answers table, sorted by set, lane, model and arm.

    Args:
        answers: As `read_answers` gives it.
        level: Nominal coverage of the intervals.
        groups: Groups of models (fine-tuned seeds of one recipe) by shell patterns over model labels, for the protocol
            numbers; a model is in the first group whose pattern fits. None means by their cards.
    """
    keys = ["set", "set_digest", "lane", "model", "model_args", "recorded"]
    several = answers.drop_duplicates(["model", "model_args", "recorded"])["model"].value_counts() > 1
    versions = answers.groupby("set")["set_digest"].nunique()
    found: list[Estimate] = []
    for names, group in answers.groupby(keys, sort=True):
        set_name, model, model_args, is_recorded = str(names[0]), str(names[3]), str(names[4]), bool(names[5])
        said = ", ".join(part for part in (_said(model_args), "recorded" if is_recorded else "") if part)
        label = f"{model} ({said})" if several[model] and said else model
        notes = (
            [f"set version {group['set_version'].iloc[0]}#{group['set_digest'].iloc[0]}"]
            if versions[set_name] > 1
            else []
        )
        arms = sorted(group["arm"].unique(), key=lambda arm: (arm != "plain", arm))
        for arm in [*arms, ALL_ARMS] if len(arms) > 1 else arms:
            cells = group if arm == ALL_ARMS else group[group["arm"] == arm]
            found.append(_estimate(label, arm, cells, notes, level))
    return with_groups(found, _groups(found, groups))


def _groups(estimates: Sequence[Estimate], patterns: Mapping[str, str] | None) -> dict[str, str]:
    """Return the group of each model that has one: by patterns, else recipe and base of its card."""
    if patterns is not None:
        models = {(each.model, each.model_name) for each in estimates}
        fits = [
            (label, name)
            for label, model in models
            for name, pattern in patterns.items()
            if fnmatchcase(label, pattern) or fnmatchcase(model, pattern)
        ]
        if unused := [name for name in patterns if name not in {name for _, name in fits}]:
            legal = sorted(label for label, _ in models)
            raise OperatorError([unknown_name(f"--group {name}", patterns[name], legal, "models") for name in unused])
        return dict(reversed(fits))
    cards = read_cards()
    found: dict[str, str] = {}
    for each in estimates:
        card = find_card(cards, each.model_name, json.loads(each.model_args) if each.model_args else {})
        if card is not None and card.recipe is not None and card.base is not None:
            found[each.model] = f"{card.recipe}, {card.base}"
    return found


def _estimate(label: str, arm: str, cells: pd.DataFrame, notes: list[str], level: float) -> Estimate:
    first = cells.iloc[0]
    counts = Counts.from_outcomes(cells["outcome"])
    by_prompt = (
        cells.assign(is_flagged=cells["outcome"] == "flagged", is_kept=cells["outcome"].isin(["flagged", "clear"]))
        .groupby(["question", "prompt", "arm"], as_index=False)[["is_flagged", "is_kept"]]
        .sum()
    )
    rate = estimate_rate(by_prompt["is_flagged"], by_prompt["is_kept"], by_prompt["question"], level)
    known = _known_rate(first, by_prompt)
    return Estimate(
        model=label,
        model_name=first["model"],
        model_args=first["model_args"],
        set=first["set"],
        set_version=first["set_version"],
        set_digest=first["set_digest"],
        arm=arm,
        lane=first["lane"],
        flag=first["flag"],
        simulated=str(first["model"]).startswith(SIMULATED) and not first["recorded"],
        recorded=bool(first["recorded"]),
        examined=first["lane"] in read_judge_cards(),
        experimental=bool(first["experimental"]),
        measured=first["measured"] if isinstance(first["measured"], str) else None,
        counts=counts,
        rate=rate,
        known_rate=known,
        notes=(*notes, *rate.notes, *_notes(cells, counts, known)),
        by_question=tuple(_question_rates(cells)),
        protocol=protocol_numbers(cells),
    )


def _question_rates(cells: pd.DataFrame) -> Iterator[QuestionRate]:
    outcomes: dict[tuple[str, str], list[object]] = {}
    for question, arm, outcome in zip(cells["question"], cells["arm"], cells["outcome"], strict=True):
        outcomes.setdefault((question, arm), []).append(outcome)
    for (question, arm), found in sorted(outcomes.items()):
        yield QuestionRate(question, arm, Counts.from_outcomes(found))


def _said(model_args: str) -> str:
    """Return model arguments for people: nothing secret, and of a path its last part only."""
    if not model_args:
        return ""
    said = [
        f"{name}={'***' if any(word in name.lower() for word in _SECRET) else str(value).rsplit('/', 1)[-1]}"
        for name, value in json.loads(model_args).items()
    ]
    return ", ".join(said)


def _known_rate(first: pd.Series, by_prompt: pd.DataFrame) -> float | None:
    """Return a simulated model's true rate on these questions of a shipped set; None for any other model or set."""
    name = str(first["model"])
    if first["recorded"] or not name.startswith(SIMULATED) or first["set"] not in own_set_names():
        return None
    if read_set(first["set"]).digest != first["set_digest"]:
        return None
    seed = json.loads(first["model_args"]).get("seed", 0) if first["model_args"] else 0
    organism = Organism(name.removeprefix(SIMULATED), seed)
    return float(by_prompt["question"].map(organism.flagged_rate).mean())


def _notes(cells: pd.DataFrame, counts: Counts, known: float | None) -> Iterator[str]:
    if known is not None:
        yield f"simulated: known rate on these questions {known:.4f}"
    yield from _judge_notes(cells)
    for arm, n_texts in cells.groupby("arm")["arm_digest"].nunique().items():
        if n_texts > 1:
            yield f"{n_texts} texts of arm {arm} pooled: its wording changed between runs"
    if (n_runs := cells["task"].nunique()) > 1:
        yield f"{n_runs} runs pooled"
    if cells["recorded"].any():
        yield "answers recorded elsewhere"
    if counts.missing and cells["lane"].iloc[0]:
        yield f"{counts.missing} answers missing"
    for reason, n in sorted(Counter(cells["reason"].dropna()).items()):
        yield f"{n} unscored: {reason}"
    for note, n in sorted(Counter(cells["note"].dropna()).items()):
        yield f"{n} answers {note}"
    rungs = Counter(cells["rungs"])
    if len(rungs) > 1 and not cells["experimental"].any():
        yield "readouts: " + ", ".join(f"{n} by {rung or 'none'}" for rung, n in sorted(rungs.items()))


def _judge_notes(cells: pd.DataFrame) -> Iterator[str]:
    if not cells["lane"].iloc[0]:
        yield "not judged: run inspect score LOG --scorer em_bench/judge -S name=JUDGE"
        return
    if str(cells["lane"].iloc[0]).endswith(f"/{RECORDED}"):
        yield "judged elsewhere: that the judge was the one of this lane is the recorder's word"
    if isinstance(measured := cells["measured"].iloc[0], str):
        yield f"judge measured: {measured}"
    if (card := read_judge_cards().get(str(cells["lane"].iloc[0]))) is None:
        yield "judge not examined"
    else:
        yield f"judge examined, {said_card(card)}"
    if cells["experimental"].eq(True).any():
        yield "judge experimental"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _pair(interval: tuple[float, float] | None) -> list[float] | None:
    return None if interval is None else list(interval)
