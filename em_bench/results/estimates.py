"""Estimates: one for each model, set, arm and lane, and one over all arms where there are several."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import pandas as pd

from em_bench.errors import OperatorError, unknown_name
from em_bench.judging.cards import OF_REASONING
from em_bench.judging.verdict import KEPT
from em_bench.models.card import find_card, read_cards
from em_bench.models.organism import Organism
from em_bench.models.providers import SIMULATED
from em_bench.questions import own_set_names, read_set
from em_bench.results.contrast import set_contrast
from em_bench.results.corrections import correct_rate, labels_of_people
from em_bench.results.estimate import Counts, Estimate, QuestionRate
from em_bench.results.labels import label_models
from em_bench.results.notes import said_notes
from em_bench.results.protocol import protocol_numbers, with_groups
from em_bench.results.scanned import Scanned
from em_bench.results.setting import describe_setting
from em_bench.statistics import METHOD, TWO_PHASE_METHOD, RateEstimate, estimate_rate, estimate_two_phase
from em_bench.statistics.sequential import SEQUENCE_METHOD, with_sequence

__all__ = ["ALL_ARMS", "estimate_answers", "estimate_model", "join_models", "rate_of_rows"]

ALL_ARMS = "all"
REFUSING = "refusing"
"""The flag of sets that count refusals."""


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
    models = answers.groupby(["model", "model_args", "recorded"], sort=False)
    return join_models([each for _, rows in models for each in estimate_model(rows, level)], groups)


def estimate_model(answers: pd.DataFrame, level: float = 0.95) -> list[Estimate]:
    """Return the estimates of one model, called by its Inspect string, from its rows of the answers table alone."""
    labels = labels_of_people(answers)
    answers = _beside_answers(answers)
    found: list[Estimate] = []
    for _, group in answers.groupby(["set", "set_digest", "lane"]):
        arms = sorted(group["arm"].unique(), key=lambda arm: (arm != "plain", arm))
        for arm in [*arms, ALL_ARMS] if len(arms) > 1 else arms:
            found.append(_estimate(arm, group if arm == ALL_ARMS else group[group["arm"] == arm], level, labels))
    return found


def _beside_answers(answers: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a column `answer_outcome`: in lanes of reasoning what the same judge said of the answer.

    None in all other rows, and where either was not kept.
    """
    of_reasoning = answers["lane"].str.endswith(OF_REASONING)
    if not of_reasoning.any():
        return answers.assign(answer_outcome=None)
    kept = answers["outcome"].isin(KEPT)
    said = answers[~of_reasoning & kept].drop_duplicates(["lane", "uuid"]).set_index(["lane", "uuid"])["outcome"]
    asked = zip(answers["lane"].str.removesuffix(OF_REASONING), answers["uuid"], strict=True)
    beside = [said.get(key) for key in asked]
    return answers.assign(answer_outcome=pd.Series(beside, index=answers.index).where(of_reasoning & kept, None))


def join_models(estimates: Sequence[Estimate], groups: Mapping[str, str] | None = None) -> list[Estimate]:
    """Return the estimates of several models with what takes all of them: labels, versions, numbers of groups.

    Args:
        estimates: As `estimate_model` gives them, of each model.
        groups: As in `estimate_answers`.
    """
    labels = label_models((each.model_name, each.model_args, each.recorded) for each in estimates)
    versions: dict[str, set[str]] = {}
    for each in estimates:
        versions.setdefault(each.set, set()).add(each.set_digest)
    found = []
    for each in sorted(estimates, key=lambda e: (e.set, e.set_digest, e.lane, e.model_name, e.model_args, e.recorded)):
        notes = [f"set version {each.set_version}#{each.set_digest}"] if len(versions[each.set]) > 1 else []
        label = labels[each.model_name, each.model_args, each.recorded]
        found.append(replace(each, model=label, notes=(*notes, *each.notes)))
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


def _estimate(arm: str, cells: pd.DataFrame, level: float, labels: Mapping[str, Mapping[str, str]]) -> Estimate:
    first = cells.iloc[0]
    counts = Counts.from_outcomes(cells["outcome"].tolist())
    rate = rate_of_rows(cells, level)
    bounds = _rate_bounds(cells, counts, level)
    known = _known_rate(first, cells.drop_duplicates(["question", "prompt", "arm"])["question"])
    return Estimate(
        model=first["model"],
        model_name=first["model"],
        model_args=first["model_args"],
        **describe_setting(cells, arm),
        simulated=str(first["model"]).startswith(SIMULATED) and not first["recorded"],
        recorded=bool(first["recorded"]),
        experimental=bool(first["experimental"]),
        measured=first["measured"] if isinstance(first["measured"], str) else None,
        counts=counts,
        rate=rate,
        known_rate=known,
        notes=(*rate.notes, *said_notes(cells, counts, known, bounds)),
        by_question=tuple(_question_rates(cells)),
        protocol=None if _is_two_phase(cells) else protocol_numbers(cells),
        method=_method(cells),
        rate_bounds=bounds,
        corrected=tuple(correct_rate(cells, rate, labels, level)),
        unscored_reasons=dict(sorted(Counter(cells["reason"].dropna()).items())),
        date=str(cells["date"].max()),
        logs=tuple(sorted(cells["log"].unique())),
        contrast=set_contrast(cells, level),
        scans=_scanned(cells, level),
    )


def _method(cells: pd.DataFrame) -> str:
    if _is_two_phase(cells):
        return f"two-phase: {TWO_PHASE_METHOD}"
    return SEQUENCE_METHOD if _is_sequential(cells) else METHOD


def _is_two_phase(cells: pd.DataFrame) -> bool:
    return bool(cells["sampling_probability"].notna().any())


def rate_of_rows(cells: pd.DataFrame, level: float) -> RateEstimate:
    """Return the rate of rows of one lane, with the intervals that stopped runs and two phases need."""
    if _is_two_phase(cells):
        return _two_phase_rate(cells[cells["sampling_probability"].notna()], level)
    by_prompt = (
        cells.assign(is_flagged=cells["outcome"] == "flagged", is_kept=cells["outcome"].isin(KEPT))
        .groupby(["question", "prompt", "arm"], as_index=False)[["is_flagged", "is_kept"]]
        .sum()
    )
    rate = estimate_rate(by_prompt["is_flagged"], by_prompt["is_kept"], by_prompt["question"], level)
    return _sequential(cells, rate) if _is_sequential(cells) else rate


def _scanned(cells: pd.DataFrame, level: float) -> tuple[Scanned, ...] | None:
    """Return what scanners found, by name, with the rate of the other answers that they read.

    None where they read none, and of two-phase judges, of whose answers a part is judged.
    """
    read = cells[cells["scans"].notna()]
    if read.empty or _is_two_phase(cells):
        return None
    names = {name for said in read["scans"].unique() for name in said.split("+")} - {""}
    return tuple(_with_and_without(read, name, level) for name in sorted(names))


def _with_and_without(read: pd.DataFrame, name: str, level: float) -> Scanned:
    has_it = read["scans"].map(lambda said: name in said.split("+"))
    outcomes = read.loc[has_it, "outcome"]
    rest = read[~has_it]
    without = rate_of_rows(rest, level) if len(rest) else None
    return Scanned(
        name=name,
        answers=len(outcomes),
        flagged=int((outcomes == "flagged").sum()),
        kept=int(outcomes.isin(KEPT).sum()),
        rate_without=without.rate if without else math.nan,
        questions=without.questions if without else None,
        population=without.population if without else None,
    )


def _is_sequential(cells: pd.DataFrame) -> bool:
    return bool((cells["stop"] != "").any())


def _sequential(cells: pd.DataFrame, rate: RateEstimate) -> RateEstimate:
    """Return the estimate with an interval that stopping early does not bias: over the whole rounds of every arm."""
    last = cells.groupby("log")["last_round"].transform("min").astype(float)
    whole = cells.loc[~(cells["epoch"] > last), "outcome"]
    widths = cells["target_width"].astype(float).unique()
    target = float(widths[0]) if len(widths) == 1 and not pd.isna(widths[0]) else None
    return with_sequence(rate, int((whole == "flagged").sum()), int(whole.isin(KEPT).sum()), target)


def _two_phase_rate(cells: pd.DataFrame, level: float, unscored_as: str = "unscored") -> RateEstimate:
    """Return the difference estimate; `unscored_as` is the outcome that the second judge's failures are taken for."""
    is_sampled = cells["is_sampled"] == 1
    second = cells["second_outcome"].replace("unscored", unscored_as)
    return estimate_two_phase(
        first_flagged=cells["first_flagged"],
        first_kept=cells["first_kept"],
        second_flagged=(second == "flagged").astype(float).where(is_sampled),
        second_kept=second.isin(KEPT).astype(float).where(is_sampled),
        probability=cells["sampling_probability"],
        is_sampled=is_sampled,
        question=cells["question"],
        level=level,
    )


_FEW_UNSCORED = 0.01
"""Up to this share of answers that a judge failed on, bounds on the rate are not worth saying."""


def _rate_bounds(cells: pd.DataFrame, counts: Counts, level: float) -> tuple[float, float] | None:
    """Return the rates if every answer the judge failed on were clear, and if every one were flagged."""
    if _is_two_phase(cells):
        drawn = cells[cells["sampling_probability"].notna()]
        n_judged, n_failed = (drawn["is_sampled"] == 1).sum(), (drawn["second_outcome"] == "unscored").sum()
        if n_failed <= _FEW_UNSCORED * n_judged:
            return None
        best, worst = (_two_phase_rate(drawn, level, outcome).rate for outcome in ("clear", "flagged"))
        return best, worst
    possible = counts.kept + counts.unscored
    if counts.unscored <= _FEW_UNSCORED * counts.answers or not possible:
        return None
    return counts.flagged / possible, (counts.flagged + counts.unscored) / possible


def _question_rates(cells: pd.DataFrame) -> Iterator[QuestionRate]:
    is_two_phase = _is_two_phase(cells)
    outcomes: dict[tuple[str, str], list[object]] = {}
    for question, arm, outcome in zip(*(cells[name].tolist() for name in ("question", "arm", "outcome")), strict=True):
        outcomes.setdefault((question, arm), []).append(outcome)
    for (question, arm), found in sorted(outcomes.items()):
        yield QuestionRate(question, arm, Counts.from_outcomes(found), is_two_phase)


def _known_rate(first: pd.Series, questions: pd.Series) -> float | None:
    """Return a simulated model's true rate on these questions of a shipped set; None for any other model or set."""
    name = str(first["model"])
    if first["recorded"] or not name.startswith(SIMULATED) or first["set"] not in own_set_names():
        return None
    questions_of = read_set(first["set"])
    if questions_of.digest != first["set_digest"] or questions_of.flag != first["flag"]:
        return None
    args = json.loads(first["model_args"]) if first["model_args"] else {}
    organism = Organism(name.removeprefix(SIMULATED), args.get("seed", 0), args.get("on")).on_set(first["set"])
    rates = questions.map(organism.flagged_rate)
    if questions_of.flag == REFUSING:  # a refusal is what is flagged, and kept
        share = organism.profile.refusing / (1 - organism.profile.incoherent)
        rates = share + (1 - share) * rates
    return float(rates.mean())
