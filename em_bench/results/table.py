"""Estimates as rows for people and spreadsheets."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from em_bench.results.corrections import EXAM
from em_bench.results.estimate import Estimate, QuestionRate
from em_bench.results.formulas import without_formula
from em_bench.results.protocol import OF_ANSWERS, THRESHOLDS

__all__ = ["csv_text", "flat_row", "flat_table", "percent", "said_rate"]


def percent(share: float | None) -> str:
    """Return a share (0 to 1) as a percentage with sensible digits: under 0.01 %, 0.3 %, 2.1 %, 20 %; — for none."""
    if share is None or math.isnan(share):
        return "—"
    value = 100 * share
    if value == 0 or value >= 9.95:
        return f"{math.floor(value + 0.5)} %"
    if value < 0.01:
        return "under 0.01 %"
    return f"{value:.1f} %" if value >= 0.095 else f"{value:.1g} %"


def said_rate(estimate: Estimate) -> str:
    """Return the rate in words that a zero cannot mislead: '0 of 384, at most 1.2 %'."""
    population = estimate.rate.population or estimate.rate.questions
    if estimate.rate.n_kept == 0 or population is None:
        return "nothing kept"
    if estimate.rate.rate == 0:
        return f"0 of {estimate.rate.n_kept}, at most {percent(population[1])}"
    return percent(estimate.rate.rate)


_ENDS = ("low", "high")


def flat_row(estimate: Estimate) -> dict[str, Any]:
    """Return one estimate as flat columns: the fields of `to_dict`, intervals as two columns each."""
    nested = estimate.to_dict()
    interval = nested.pop("interval")
    counts = nested.pop("counts")
    nested.pop("by_question")
    notes = nested.pop("notes")
    contrast = nested.pop("contrast") or {"of": [], "under": [], "difference": None, "interval": {"population": None}}
    contrast_limits = contrast["interval"]["population"] or (None, None)
    scans = nested.pop("scans")
    protocol = nested.pop("protocol") or {}
    best, worst = nested.pop("rate_bounds") or (None, None)
    reasons = nested.pop("unscored_reasons")
    corrected = {each.pop("by"): each for each in nested.pop("corrected")}
    by_exam = corrected.get(EXAM, {"rate": None, "interval": {"population": None}})
    by_exam_limits = by_exam["interval"]["population"] or (None, None)
    sweep = protocol.get("sweep", {})
    bounds = {
        f"{name}_{end}": (interval[name] or (None, None))[index]
        for name in ("questions", "population")
        for index, end in enumerate(_ENDS)
    }
    return {
        **nested,
        **counts,
        **bounds,
        "level": interval["level"],
        "rate_by_exam": by_exam["rate"],
        **{f"rate_by_exam_{end}": bound for end, bound in zip(_ENDS, by_exam_limits, strict=True)},
        "rate_if_unscored_clear": best,
        "rate_if_unscored_flagged": worst,
        "unscored_reasons": "; ".join(f"{n} {reason}" for reason, n in reasons.items()),
        "known_rate": estimate.known_rate,
        "protocol_rate": protocol.get("rate"),
        "deception_rate": protocol.get("deception_rate"),
        **{f"rate_below_{mark}": sweep.get(str(mark)) for mark in THRESHOLDS},
        **{f"at_least_one_of_{k}": protocol.get("at_least_one_of", {}).get(str(k)) for k in OF_ANSWERS},
        "contrast": " less ".join(contrast["of"]),
        "contrast_under": "; ".join(contrast["under"]),
        "contrast_difference": contrast["difference"],
        **{f"contrast_{end}": bound for end, bound in zip(_ENDS, contrast_limits, strict=True)},
        "scans": None if scans is None else _said_scans(scans),
        "notes": "; ".join(notes),
    }


def _said_scans(scans: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{each['answers']} {each['scan']}" for each in scans) or "nothing found"


def question_row(estimate: Estimate, each: QuestionRate) -> dict[str, Any]:
    """Return one question of an estimate as flat columns."""
    about = {"model": estimate.model, "set": estimate.set, "question": each.question, "arm": each.arm}
    return {**about, "lane": estimate.lane, **each.counts.to_dict(), "rate": each.rate}


def flat_table(estimates: list[Estimate], by_question: bool = False) -> pd.DataFrame:
    """Return the estimates as a table, one row each; or one row for each of their questions."""
    if by_question:
        rows = [
            question_row(estimate, each)
            for estimate in estimates
            if estimate.arm != "all"
            for each in estimate.by_question
        ]
    else:
        rows = [flat_row(estimate) for estimate in estimates]
    return pd.DataFrame(rows)


def csv_text(table: pd.DataFrame) -> str:
    """Return a table as CSV; cells that a spreadsheet would run as a formula are given a leading apostrophe.

    A carriage return becomes a line feed: Python leaves it unquoted, and spreadsheets begin a new row there.
    """
    table = table.copy()
    for column in table.columns:
        if not pd.api.types.is_numeric_dtype(table[column]) and not pd.api.types.is_bool_dtype(table[column]):
            table[column] = table[column].map(_cell)
    return table.to_csv(index=False)


def _cell(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    return without_formula(cell).replace("\r\n", "\n").replace("\r", "\n")
