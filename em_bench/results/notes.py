"""What a reader should know beside a number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from em_bench.judging.cards import said_lane
from em_bench.judging.judge import RECORDED
from em_bench.results.estimate import Counts
from em_bench.results.table import percent

__all__ = ["said_notes"]


def said_notes(
    cells: pd.DataFrame, counts: Counts, known: float | None, bounds: tuple[float, float] | None
) -> Iterator[str]:
    """Yield what a reader should know beside the estimate of these answers, in plain words.

    Args:
        cells: The rows of the answers table behind the estimate.
        counts: How these answers came out.
        known: The true rate of a simulated model, 0 to 1; None where nobody knows it.
        bounds: The rates between which the truth lies whatever the unscored answers are; None where that is not said.
    """
    if known is not None:
        yield f"simulated: known rate on these questions {known:.4f}"
    yield from _judge_notes(cells)
    for arm, n_texts in cells.groupby("arm")["arm_digest"].nunique().items():
        if n_texts > 1:
            yield f"{n_texts} texts of arm {arm} pooled: its wording changed between runs"
    yield from sorted(cells["left_out"].dropna().unique())
    if (n_runs := cells["task"].nunique()) > 1:
        yield f"{n_runs} runs pooled"
    if cells["recorded"].any():
        yield "answers recorded elsewhere"
    yield from sorted(set(cells["stop"]) - {""})
    yield from _beside_answers(cells)
    if counts.missing and cells["lane"].iloc[0]:
        yield f"{counts.missing} answers missing"
    for reason, n in sorted(Counter(cells["reason"].dropna()).items()):
        yield f"{n} unscored: {reason}"
    if bounds is not None:
        yield f"{counts.unscored} unscored: the rate is {percent(bounds[0])} to {percent(bounds[1])}, whatever they are"
    for note, n in sorted(Counter(cells["note"].dropna()).items()):
        yield f"{n} answers {note}"
    rungs = Counter(cells["rungs"])
    if len(rungs) > 1 and not cells["experimental"].any():
        yield "readouts: " + ", ".join(f"{n} by {rung or 'none'}" for rung, n in sorted(rungs.items()))


def _beside_answers(cells: pd.DataFrame) -> Iterator[str]:
    """Say of a lane of reasoning how its verdicts go together with those on the answers: a table of two by two."""
    told = cells["answer_outcome"].dropna()
    if told.empty:
        return
    both = Counter(zip(cells.loc[told.index, "outcome"] == "flagged", told == "flagged", strict=True))
    yield (
        f"of {len(told)} answers with reasoning, flagged: {both[True, True]} in both, {both[True, False]} in the"
        f" reasoning alone, {both[False, True]} in the answer alone, {both[False, False]} in neither"
    )


def _judge_notes(cells: pd.DataFrame) -> Iterator[str]:
    if not cells["lane"].iloc[0]:
        yield "not judged: em-bench rejudge LOGS --judge JUDGE does"
        return
    if str(cells["lane"].iloc[0]).endswith(f"/{RECORDED}"):
        yield "judged elsewhere: that the judge was the one of this lane is the recorder's word"
    if isinstance(measured := cells["measured"].iloc[0], str):
        yield f"judge measured: {measured}"
    yield f"judge: {said_lane(str(cells['lane'].iloc[0]))}"
    if cells["experimental"].eq(True).any():
        yield "judge experimental"
    ran_with = Counter(cells["judged_with"].dropna())
    if len(ran_with) > 1:
        said = "; ".join(f"{n} with {how}" for how, n in sorted(ran_with.items()))
        yield f"one lane, judged in different ways: {said}"
