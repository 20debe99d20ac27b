"""From answers to comparisons: what two models were both asked, in the lanes that judged both."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from em_bench.errors import NOTHING, DataError, Fault, OperatorError
from em_bench.judging.cards import is_of_people
from em_bench.judging.verdict import KEPT
from em_bench.models.providers import SIMULATED
from em_bench.results.comparison import Comparison
from em_bench.results.estimate import Counts
from em_bench.results.estimates import ALL_ARMS
from em_bench.results.labels import find_models, is_pattern, model_labels
from em_bench.results.setting import describe_setting
from em_bench.statistics import ModelDifference, difference_of_groups, difference_of_models

__all__ = ["compare_models"]

Floats = NDArray[np.float64]

_CELL = ["question", "arm", "prompt"]
_NAMES = ("candidate", "baseline")


def compare_models(
    answers: pd.DataFrame,
    baseline: str,
    candidate: str,
    level: float = 0.95,
    report: Callable[[Fault], None] = lambda fault: None,
) -> list[Comparison]:
    """Return the comparison of two models in each set, arm and lane that both have, and over all arms they share.

    Prompts are paired by question, arm and wording; a prompt without a judged answer of one side is left out, counted
    and noted. Lanes of people are left out: they are samples.

    Args:
        answers: As `read_answers` gives it.
        baseline: A label as results print it, a model string, or a shell pattern over either: several models that fit
            are seeds of one recipe.
        candidate: Likewise.
        level: Nominal coverage of the intervals.
        report: Is told of each set that both have and that cannot be compared, and why.

    Raises:
        OperatorError: A name fits no model or several, or candidate and baseline have a model in common.
        DataError: There is nothing that can be compared; what each of them has is named.
    """
    table = answers.assign(label=model_labels(answers))
    models = list(table[["label", "model"]].drop_duplicates().itertuples(index=False, name=None))
    sides = [
        _Side(name, given, tuple(labels), table[table["label"].isin(labels)])
        for name, given in zip(_NAMES, (candidate, baseline), strict=True)
        for labels in [find_models(f"--{name}", given, models)]
    ]
    if both := sorted(set(sides[0].labels) & set(sides[1].labels)):
        raise OperatorError(Fault("--candidate", candidate, f"models other than the baseline {', '.join(both)}"))
    found: list[Comparison] = []
    faults: list[Fault] = []
    for set_name in sorted(sides[0].values("set") & sides[1].values("set")):
        of_set = [side.only("set", set_name) for side in sides]
        if (fault := _fault(set_name, of_set)) is not None:
            faults.append(fault)
            continue
        for digest, lane in sorted(of_set[0].ways & of_set[1].ways):
            found += _in_lane([side.only("set_digest", digest).only("lane", lane) for side in of_set], level)
    if not found:
        raise DataError(faults or [_nothing_shared(sides)])
    for fault in faults:
        report(fault)
    return found


@dataclass(frozen=True)
class _Side:
    """A model, or several seeds, and the rows of the answers table that are theirs."""

    name: str
    given: str
    labels: tuple[str, ...]
    rows: pd.DataFrame

    def only(self, column: str, value: str) -> _Side:
        return _Side(self.name, self.given, self.labels, self.rows[self.rows[column] == value])

    def values(self, column: str) -> set[str]:
        return {str(each) for each in self.rows[column].unique()}

    @property
    def ways(self) -> set[tuple[str, str]]:
        """Version and lane of the judged answers; people's labels aside."""
        found = self.rows[["set_digest", "lane"]].drop_duplicates().itertuples(index=False, name=None)
        return {(str(digest), str(lane)) for digest, lane in found if lane and not is_of_people(str(lane))}

    @property
    def versions(self) -> str:
        found = self.rows[["set_version", "set_digest"]].drop_duplicates().itertuples(index=False, name=None)
        return " and ".join(sorted(f"{version}#{digest}" for version, digest in found))

    @property
    def lanes(self) -> str:
        return ", ".join(sorted(lane for lane in self.values("lane") if lane)) or "nobody"

    @property
    def asked(self) -> str:
        found = self.rows[["set", "arm"]].drop_duplicates().sort_values(["set", "arm"])
        return ", ".join(f"{name} ({' and '.join(arms)})" for name, arms in found.groupby("set")["arm"])

    def counts(self, cells: pd.Index) -> tuple[Floats, Floats]:
        """Return flagged and kept answers, (n_seeds, n_cells); NaN where a seed has no judged answer."""
        judged = self.rows[self.rows["outcome"].notna() & (self.rows["outcome"] != "unscored")]
        marked = judged.assign(is_flagged=judged["outcome"] == "flagged", is_kept=judged["outcome"].isin(KEPT))
        sums = marked.groupby([*_CELL, "label"])[["is_flagged", "is_kept"]].sum().astype(float)
        flagged, kept = (sums[name].unstack("label").reindex(index=cells, columns=self.seeds) for name in sums)
        return flagged.to_numpy(float).T, kept.to_numpy(float).T

    @property
    def seeds(self) -> list[str]:
        return sorted(self.values("label"))


def _fault(set_name: str, sides: Sequence[_Side]) -> Fault | None:
    """Return why a set that both have cannot be compared; None where it can."""
    one, two = sides
    if one.ways & two.ways:
        return None
    if not one.values("set_digest") & two.values("set_digest"):
        expected = f"the version {two.given} was asked, {two.versions}"
        return Fault(f"{set_name}, {one.given}", f"version {one.versions}", expected, "Ask one of them again.")
    expected = f"a judge of {two.given}, which was judged by {two.lanes}: rates by different judges do not compare"
    fix = "Run: em-bench rejudge LOGS --judge JUDGE --grader MODEL"
    return Fault(f"{set_name}, {one.given}", f"judged by {one.lanes}", expected, fix)


def _nothing_shared(sides: Sequence[_Side]) -> Fault:
    said = "; ".join(f"{side.given} was asked {side.asked}" for side in sides)
    return Fault(f"{sides[0].given} and {sides[1].given}", NOTHING, f"a set and an arm that both were asked: {said}")


def _in_lane(sides: Sequence[_Side], level: float) -> Iterator[Comparison]:
    """Yield the comparisons of one set and lane: each arm that both have, and where there are several all of them."""
    shared = sides[0].values("arm") & sides[1].values("arm")
    arms = sorted(shared, key=lambda arm: (arm != "plain", arm))
    for arm in [*arms, ALL_ARMS] if len(arms) > 1 else arms:
        yield _comparison([side if arm == ALL_ARMS else side.only("arm", arm) for side in sides], arm, level)


def _comparison(sides: Sequence[_Side], arm: str, level: float) -> Comparison:
    one, two = sides
    cells = pd.MultiIndex.from_frame(
        pd.concat([side.rows[_CELL] for side in sides]).drop_duplicates().sort_values(_CELL)
    )
    counts = [side.counts(cells) for side in sides]
    is_shared = np.all([(~np.isnan(kept)).any(axis=0) for _, kept in counts], axis=0)
    difference = _difference(sides, counts, list(cells.get_level_values("question")), level)
    outcomes = [
        Counts.from_outcomes(
            side.rows.loc[pd.MultiIndex.from_frame(side.rows[_CELL]).isin(cells[is_shared]), "outcome"]
        )
        for side in sides
    ]
    return Comparison(
        candidate=one.given,
        baseline=two.given,
        models=(tuple(one.seeds), tuple(two.seeds)),
        **describe_setting(one.rows, arm),
        simulated=any(
            bool((side.rows["model"].str.startswith(SIMULATED) & ~side.rows["recorded"].astype(bool)).any())
            for side in sides
        ),
        counts=(outcomes[0], outcomes[1]),
        difference=difference,
        notes=(*difference.notes, *_notes(sides)),
    )


def _difference(
    sides: Sequence[_Side], counts: Sequence[tuple[Floats, Floats]], questions: list[str], level: float
) -> ModelDifference:
    if any(side.rows["sampling_probability"].notna().any() for side in sides):
        why = "this judge works in two phases: no difference is computed, em-bench results gives each rate"
        return ModelDifference((0, 0), (0, 0), ((), ()), math.nan, None, None, level, 0, 0, 0, math.nan, (why,))
    one, two = counts
    if any(is_pattern(side.given) for side in sides):
        return difference_of_groups(one, two, questions, level)
    return difference_of_models((one[0][0], one[1][0]), (two[0][0], two[1][0]), questions, level)


def _notes(sides: Sequence[_Side]) -> Iterator[str]:
    for side in sides:
        if absent := [label for label in side.labels if label not in side.seeds]:
            yield f"{side.name}: no answers of {', '.join(absent)}"
        counts = Counts.from_outcomes(side.rows["outcome"])
        if counts.missing:
            yield f"{side.name}: {counts.missing} answers missing"
        if counts.unscored:
            yield f"{side.name}: {counts.unscored} of {counts.answers} answers unscored"
    texts = [side.rows[["arm", "arm_digest"]].drop_duplicates() for side in sides]
    for arm, digests in pd.concat(texts).drop_duplicates().groupby("arm")["arm_digest"]:
        if digests.nunique() > 1:
            yield f"arm {arm} was worded differently between runs"
