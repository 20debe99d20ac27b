"""How far misalignment spreads: from published questions to others, and out of the domain of the fine-tuning."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from em_bench.errors import NOTHING, Fault, OperatorError, unknown_name
from em_bench.judging import read_judge
from em_bench.judging.judge import FILE_ENDINGS
from em_bench.judging.verdict import KEPT
from em_bench.questions import PLAIN, canonical_names, describe_set, own_set_names, set_names
from em_bench.results.estimates import rate_of_rows
from em_bench.results.labels import model_labels
from em_bench.statistics import RateEstimate, independent_difference

__all__ = ["ContaminationGap", "Leakage", "contamination_gaps", "leakages"]

Interval = tuple[float, float] | None

WITHIN = "within"
"""The flag of judges of domains, of which one says nothing of what another finds."""


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _interval(questions: Interval, population: Interval) -> dict[str, list[float] | None]:
    return {
        "questions": None if questions is None else list(questions),
        "population": None if population is None else list(population),
    }


@dataclass(frozen=True)
class ContaminationGap:
    """The rate on published questions less that on own questions of the same construct, -1 to 1, in one lane.

    Well below 0: the model behaves on questions that it may have been trained on, and less so on others. `rates` are
    those of the published and of the own set, 0 to 1. What does not exist is NaN or None.
    """

    model: str
    lane: str
    sets: tuple[str, str]
    rates: tuple[float, float]
    n_kept: tuple[int, int]
    difference: float
    questions: Interval
    population: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; what does not exist is None."""
        published, own = (
            {"set": name, "rate": _number(rate), "kept": n}
            for name, rate, n in zip(self.sets, self.rates, self.n_kept, strict=True)
        )
        about: dict[str, Any] = {"model": self.model, "lane": self.lane, "published": published, "own": own}
        about["published_minus_own"] = _number(self.difference)
        return {**about, "interval": _interval(self.questions, self.population)}


@dataclass(frozen=True)
class Leakage:
    """Of the answers that one judge flagged, the share that a judge of a domain finds within it, 0 to 1.

    1: the misalignment stays where the fine-tuning was; 0: all of it is elsewhere. NaN without a flagged answer that
    the judge of the domain has read.
    """

    model: str
    set: str
    arm: str
    lane: str
    domain_lane: str
    n_flagged: int
    n_within: int
    share: float
    questions: Interval
    population: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; what does not exist is None."""
        about: dict[str, Any] = {name: getattr(self, name) for name in ("model", "set", "arm", "lane", "domain_lane")}
        about |= {"flagged": self.n_flagged, "within": self.n_within, "share_within": _number(self.share)}
        return {**about, "interval": _interval(self.questions, self.population)}


def contamination_gaps(answers: pd.DataFrame, level: float = 0.95) -> list[ContaminationGap]:
    """Return the gap of each model, lane and pair of a published and an own set of one construct, asked plainly.

    Lanes of judges that flag something else than the sets do, and of two-phase judges, have none.

    Args:
        answers: As `read_answers` gives it.
        level: Nominal coverage of the intervals.
    """
    known = {name: describe_set(name) for name in set_names()}
    table = _by_one_judge(answers.assign(label=model_labels(answers)))
    table = table[table["arm"] == PLAIN]
    table = table[table["set"].map({name: each.flag for name, each in known.items()}) == table["flag"]]
    found = []
    for (label, lane), rows in table.groupby(["label", "lane"]):
        rates = {str(name): rate_of_rows(of_set, level) for name, of_set in rows.groupby("set")}
        for published in sorted(rates.keys() & set(canonical_names())):
            for own in sorted(name for name in rates if name in own_set_names()):
                if known[own].construct == known[published].construct:
                    found.append(_gap(str(label), str(lane), (published, own), rates[published], rates[own]))
    return found


def _gap(model: str, lane: str, sets: tuple[str, str], one: RateEstimate, two: RateEstimate) -> ContaminationGap:
    return ContaminationGap(
        model=model,
        lane=lane,
        sets=sets,
        rates=(one.rate, two.rate),
        n_kept=(one.n_kept, two.n_kept),
        difference=one.rate - two.rate,
        questions=independent_difference(one.rate, two.rate, one.questions, two.questions),
        population=independent_difference(one.rate, two.rate, one.population, two.population),
    )


def leakages(answers: pd.DataFrame, domain: str, level: float = 0.95) -> list[Leakage]:
    """Return what share of flagged answers stays within a domain, for each model, set, arm and lane.

    Args:
        answers: As `read_answers` gives it.
        domain: The judge that says whether an answer is within the domain: its name, or the path of its YAML file.
        level: Nominal coverage of the intervals.

    Raises:
        OperatorError: No answer was read by such a judge, or by the one that is in the file now.
        ContentError: The file breaks the schema.
    """
    judge = read_judge(domain) if domain.endswith(FILE_ENDINGS) else None
    name = judge.name if judge else domain
    judges = sorted({str(each) for each in answers["judge"]} - {""})
    if name not in judges:
        place = f"--domain {domain}" if judge else "--domain"
        raise OperatorError(unknown_name(place, name, judges, "judges of these answers"))
    table = _by_one_judge(answers.assign(label=model_labels(answers)))
    by_domain = table[(table["judge"] == name) & table["outcome"].isin(KEPT)]
    if judge is not None:
        own = judge.lane(None, "").partition("/")[0]
        lanes = sorted(by_domain["lane"].unique())
        by_domain = by_domain[by_domain["lane"].str.startswith(own)]
        if by_domain.empty:
            fix = f"The file has changed since: em-bench rejudge LOGS --judge {domain}"
            raise OperatorError(Fault(f"--domain {domain}", ", ".join(lanes) or NOTHING, f"answers read by {own}", fix))
    return list(_leakages(table[(table["judge"] != name) & (table["flag"] != WITHIN)], by_domain, level))


def _by_one_judge(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of judges that read every answer: of two-phase judges a first outcome is no verdict."""
    return table[(table["lane"] != "") & table["sampling_probability"].isna()]


def _leakages(table: pd.DataFrame, by_domain: pd.DataFrame, level: float) -> Iterator[Leakage]:
    for domain_lane, of_domain in by_domain.groupby("lane"):
        within = of_domain.drop_duplicates("uuid").set_index("uuid")["outcome"] == "flagged"
        for (label, name, arm, lane), rows in table.groupby(["label", "set", "arm", "lane"]):
            read = rows[rows["uuid"].isin(within.index)]
            if read.empty:
                continue
            flagged = read[read["outcome"] == "flagged"]
            is_within = flagged["uuid"].map(within).astype(bool)
            rate = _share(flagged, is_within, level) if len(flagged) else None
            yield Leakage(
                model=str(label),
                set=str(name),
                arm=str(arm),
                lane=str(lane),
                domain_lane=str(domain_lane),
                n_flagged=len(flagged),
                n_within=int(is_within.sum()),
                share=rate.rate if rate else math.nan,
                questions=rate.questions if rate else None,
                population=rate.population if rate else None,
            )


def _share(flagged: pd.DataFrame, is_within: pd.Series, level: float) -> RateEstimate:
    """Return the rate of what is within among flagged answers: these are kept, all of them."""
    return rate_of_rows(flagged.assign(outcome=is_within.map({True: "flagged", False: "clear"})), level)
