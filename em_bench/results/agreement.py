"""Agreement of lanes: each pair of judges over the answers both judged, and the answers they disagree on most."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import PurePath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from em_bench.errors import DataError, Fault
from em_bench.judging import judge_names, read_judge
from em_bench.judging.cards import is_of_people, read_cards
from em_bench.judging.verdict import KEPT
from em_bench.results.answers import MARK
from em_bench.results.lane_pair import Disagreement, LanePair, MarkAgreement, SetAgreement
from em_bench.statistics import Coefficient, difference_of_rates, measure_agreement, measure_alpha

__all__ = ["ALL_MODELS", "compare_lanes", "with_texts"]

ALL_MODELS = "all"

_SAME_AS = {"aligned": "alignment", "coherent": "coherence"}
"""The papers' names of criteria that mark the same thing on the same scale under another name here."""


def compare_lanes(
    answers: pd.DataFrame, by_model: bool = False, level: float = 0.95, n_worst: int = 10
) -> list[SetAgreement]:
    """Return the agreement of the lanes of each set, by set and model.

    Args:
        answers: As `read_answers` gives it.
        by_model: One record per set and model name, instead of one per set over all models.
        level: Nominal coverage of the intervals.
        n_worst: How many disagreements to list for each pair of lanes.

    Raises:
        DataError: No set has an answer that two lanes judged; the lanes there are are named.
    """
    judged = answers[answers["outcome"].notna() & (answers["lane"] != "")]
    keys = ["set", "model"] if by_model else ["set"]
    found = []
    for names, cells in judged.groupby(keys, sort=True):
        wide = _Wide(cells)
        pairs = [pair for lanes in combinations(wide.lanes, 2) if (pair := _pair(wide, *lanes, level, n_worst))]
        if pairs:
            lanes = tuple(lane for lane in wide.lanes if any(lane in (pair.first, pair.second) for pair in pairs))
            found.append(
                SetAgreement(
                    set=str(names[0]),
                    model=str(names[1]) if by_model else ALL_MODELS,
                    flag=str(cells["flag"].iloc[0]),
                    lanes=lanes,
                    examined=tuple(is_of_people(lane) or lane in read_cards() for lane in lanes),
                    alpha=_alphas(wide, level),
                    pairs=tuple(pairs),
                    level=level,
                    notes=tuple(_without_alpha(wide)),
                )
            )
    if not found:
        raise DataError(list(_lone_lanes(answers)))
    return found


def _lone_lanes(answers: pd.DataFrame) -> Iterator[Fault]:
    for (set_name, lane), cells in answers.groupby(["set", "lane"], sort=True):
        n = int(cells["outcome"].notna().sum())
        place = f"{set_name}, lane {lane}" if lane else f"{set_name}, not judged"
        found, fix = f"{n:,} answers that no other judge saw", "Run: em-bench rejudge LOGS --judge JUDGE"
        yield Fault(place, found, "a second lane over the same answers", fix)


class _Wide:
    """The answers of a set with a column for each lane; rows are answers, in the order of the table."""

    def __init__(self, cells: pd.DataFrame) -> None:
        self.about = cells.drop_duplicates("uuid").set_index("uuid")
        by_lane = {str(lane): rows.set_index("uuid") for lane, rows in cells.groupby("lane", sort=True)}
        self.lanes = list(by_lane)
        self.two_phase = {lane for lane, rows in by_lane.items() if rows["sampling_probability"].notna().any()}
        self.outcomes = {lane: rows["outcome"].reindex(self.about.index) for lane, rows in by_lane.items()}
        self.marks = {
            lane: {
                _SAME_AS.get(name, name): rows[column].where(rows["outcome"] != "unscored").reindex(self.about.index)
                for column in rows.columns
                if column.startswith(MARK) and rows[column].notna().any()
                for name in [column.removeprefix(MARK)]
            }
            for lane, rows in by_lane.items()
        }
        self.scales = {lane: _scales(lane) for lane in self.lanes}

    def scale(self, lane: str, name: str) -> str:
        """Return a criterion's scale; where it is not known, the judge itself: what is the same has the same scale."""
        return self.scales[lane].get(name, lane.partition("/")[0])

    def questions(self, is_used: pd.Series) -> list[Hashable]:
        return list(self.about.loc[is_used, "question"])


def _scales(lane: str) -> dict[str, str]:
    """Return the scale of each criterion of a lane's judge; nothing where no judge that ships is that very judge."""
    own = lane.partition("/")[0]
    name = own.partition("@")[0]
    if name not in judge_names() or (judge := read_judge(name)).lane(None, "").partition("/")[0] != own:
        return {}
    return {_SAME_AS.get(each.name, each.name): "{} to {}".format(*each.scale) for each in judge.criteria}


def _pair(wide: _Wide, first: str, second: str, level: float, n_worst: int) -> LanePair | None:
    one, two = wide.outcomes[first], wide.outcomes[second]
    is_shared = one.notna() & two.notna()
    if not is_shared.any():
        return None
    is_scored = is_shared & (one != "unscored") & (two != "unscored")
    is_kept = one.isin(KEPT) & two.isin(KEPT)
    outcomes = np.stack([one[is_scored], two[is_scored]], axis=1)
    return LanePair(
        first=first,
        second=second,
        n_answers=int(is_shared.sum()),
        n_unscored=(int((one[is_shared] == "unscored").sum()), int((two[is_shared] == "unscored").sum())),
        verdict=measure_agreement(list(one[is_kept]), list(two[is_kept]), wide.questions(is_kept), level),
        outcome=measure_agreement(list(one[is_scored]), list(two[is_scored]), wide.questions(is_scored), level),
        marks={
            name: _mark_agreement(wide, wide.marks[first][name], wide.marks[second][name], level)
            for name in _shared_criteria(wide, first, second)
        },
        rates=difference_of_rates(outcomes == "flagged", np.isin(outcomes, KEPT), wide.questions(is_scored), level),
        worst=_worst(wide, first, second, is_scored, n_worst),
        notes=tuple(
            f"{place} judge works in two phases: its rate here is no estimate, em-bench results gives one"
            for place, lane in (("first", first), ("second", second))
            if lane in wide.two_phase
        )
        + tuple(_unlike_scales(wide, first, second)),
    )


def _shared_criteria(wide: _Wide, first: str, second: str) -> list[str]:
    both = sorted(wide.marks[first].keys() & wide.marks[second].keys())
    return [name for name in both if wide.scale(first, name) == wide.scale(second, name)]


def _unlike_scales(wide: _Wide, first: str, second: str) -> Iterator[str]:
    """Yield a note for each criterion that two judges share by name but not by scale, as far as is known."""
    for name in sorted(wide.marks[first].keys() & wide.marks[second].keys()):
        if wide.scale(first, name) != wide.scale(second, name):
            said = [wide.scales[lane].get(name, "a scale not known here") for lane in (first, second)]
            yield f"{name}: marks are not compared, {said[0]} and {said[1]}"


def _mark_agreement(wide: _Wide, one: pd.Series, two: pd.Series, level: float) -> MarkAgreement:
    has_both = one.notna() & two.notna()
    marks = np.stack([one[has_both], two[has_both]], axis=1)
    gap = float(np.abs(marks[:, 1] - marks[:, 0]).mean()) if len(marks) else math.nan
    return MarkAgreement(len(marks), gap, measure_alpha(marks, wide.questions(has_both), level, scale="interval"))


def _alphas(wide: _Wide, level: float) -> dict[str, Coefficient]:
    """Return α over all lanes: of verdicts, of outcomes, and of each criterion that two lanes have."""
    table = pd.DataFrame(wide.outcomes)
    questions = list(wide.about["question"])
    return {
        "verdict": measure_alpha(_numbered(table.where(table.isin(KEPT))), questions, level),
        "outcome": measure_alpha(_numbered(table.where(table != "unscored")), questions, level),
        **{
            name: measure_alpha(
                pd.DataFrame({lane: marks[name] for lane, marks in wide.marks.items() if name in marks}),
                questions,
                level,
                scale="interval",
            )
            for name, scales in _criteria(wide).items()
            if len(scales) == 1
        },
    }


def _criteria(wide: _Wide) -> dict[str, set[str]]:
    """Return each criterion that two lanes have, by name, with the scales on which they mark it."""
    names = [name for marks in wide.marks.values() for name in marks]
    return {
        name: {wide.scale(lane, name) for lane, marks in wide.marks.items() if name in marks}
        for name in sorted(set(names))
        if names.count(name) > 1
    }


def _without_alpha(wide: _Wide) -> Iterator[str]:
    """Yield a note for each criterion whose α over all lanes is left out."""
    for name, scales in _criteria(wide).items():
        if len(scales) > 1:
            yield f"{name}: no α over all judges, since they do not mark on one scale as far as is known"


def _numbered(outcomes: pd.DataFrame) -> NDArray[np.float64]:
    codes = pd.factorize(outcomes.to_numpy(dtype=object).ravel(), sort=False)[0].astype(np.float64)
    return np.where(codes < 0, math.nan, codes).reshape(outcomes.shape)


def _worst(wide: _Wide, first: str, second: str, is_scored: pd.Series, n_worst: int) -> tuple[Disagreement, ...]:
    """Return the answers on which two judges disagree, most first.

    First those that one flags and the other does not, then those with other different outcomes, then the others; within
    each by the largest difference of a mark that both gave, then by sample id and epoch.
    """
    marks = {
        name: (wide.marks[first][name], wide.marks[second][name]) for name in _shared_criteria(wide, first, second)
    }
    gaps = pd.DataFrame({name: (two - one).abs() for name, (one, two) in marks.items()}, index=wide.about.index)
    one, two = wide.outcomes[first], wide.outcomes[second]
    ranked = wide.about[["id", "epoch"]].assign(
        is_split=(one == "flagged") != (two == "flagged"), is_other=one != two, gap=gaps.max(axis=1).fillna(0.0)
    )
    ranked = ranked[is_scored & (ranked["is_other"] | (ranked["gap"] > 0))]
    by = ["is_split", "is_other", "gap", "id", "epoch", "uuid"]
    ranked = ranked.reset_index().sort_values(by, ascending=[False, False, False, True, True, True])
    return tuple(
        Disagreement(
            log=str(about["log"]),
            id=str(about["id"]),
            epoch=int(about["epoch"]),
            model=str(about["model"]),
            uuid=uuid,
            outcomes=(str(one[uuid]), str(two[uuid])),
            marks={
                name: (float(a[uuid]), float(b[uuid]))
                for name, (a, b) in marks.items()
                if not math.isnan(gaps[name][uuid])
            },
        )
        for uuid in ranked["uuid"].head(n_worst)
        for about in [wide.about.loc[uuid]]
    )


def with_texts(agreements: Sequence[SetAgreement], logs: Iterable[str], n_chars: int = 300) -> list[SetAgreement]:
    """Return the agreements with the beginning of each listed answer, read from its log; nothing else is read.

    Args:
        agreements: As `compare_lanes` gives them.
        logs: The log files that the answers came from, as `find_logs` gives them.
        n_chars: How much of an answer to keep.
    """
    by_name: dict[str, list[str]] = {}
    for log in logs:
        by_name.setdefault(PurePath(log).name, []).append(log)

    def read(each: Disagreement) -> Disagreement:
        return replace(each, text=_text(each, by_name.get(each.log, []), n_chars))

    return [
        replace(
            agreement,
            pairs=tuple(replace(pair, worst=tuple(read(each) for each in pair.worst)) for pair in agreement.pairs),
        )
        for agreement in agreements
    ]


def _text(disagreement: Disagreement, logs: Sequence[str], n_chars: int) -> str | None:
    """Return how an answer begins; of several logs of one name, from the one that holds this very answer."""
    from inspect_ai.log import read_eval_log_sample

    for log in logs:
        try:
            sample = read_eval_log_sample(log, disagreement.id, disagreement.epoch)
        except IndexError:  # another log of that name
            continue
        if len(logs) == 1 or sample.uuid == disagreement.uuid:
            return sample.output.completion[:n_chars]
    return None
