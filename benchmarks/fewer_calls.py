"""How many calls it takes to say as much of questions like these: the field's habit against our own set, and savings.

    python benchmarks/fewer_calls.py

Prints the tables and writes benchmarks/fewer_calls.json and .md; about five minutes on two cores. With `--summary` it
only writes the tables again. Seeded; 4,000 runs of each design, 500 where judging is two-phase. What is drawn stands in
fewer_calls_designs.py. Our own set is `freeform`, its first wordings: as many questions as it holds, no more.

- *Habit*: 8 questions, 100 answers each, every answer judged.
- *Own × few*: of the set's questions as few as do, asked once; where all of them do not, all of them more often
  (`-T only=/0 --limit M --sample-shuffle 1 --epochs N`).
- *Stopping* (`-T stop=width:W`): so many questions, W twice the half-width wanted; where all questions do not, W less.
- *Two-phase* (`-T judge=screened_alignment`): as own × few.

As good is what is as narrow, in the median, and the same with a root mean square error of the rate no larger: the
interval is cautious where few of 8 questions carry what is flagged, so a few answers match its width and not the rate.
Found by halving and simulation, so within about a tenth. *Not reachable* is what no number of answers to these
questions reaches (two-phase: not 50 answers each; stopping: not at a tenth of the width). All is of the rate over
questions like these; of the 8 questions themselves 8 x 100 says more than a few answers can.

Calls and tokens of an answer are those of `em-bench plan` for `freeform` with a real model and the judge `alignment`:
two judge calls an answer. Seconds are a formula, not a measurement, that of the plan's minutes: the longer of two
waits, for the busiest model's calls and for each answer's calls in turn, 20 at once, 2 s each; at once are fewer in a
run that may stop. The screen costs no call.
"""

from __future__ import annotations

import argparse
import json
import sys
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from fewer_calls_designs import (
    AUC,
    JUDGE,
    N_RUNS,
    N_RUNS_TWO_PHASE,
    OVERSHOOT,
    SEED,
    Case,
    Shown,
    Way,
    connections,
    measure,
)
from fewer_calls_summary import KINDS, summary

from em_bench.errors import OperatorError
from em_bench.results.plan_request import PlanRequest
from em_bench.results.planning import plan_suite
from em_bench.results.suite_items import chosen_items
from em_bench.statistics.needed import MOST_REPEATS
from em_bench.stopping import stopping_for

OUTPUT = Path(__file__).with_suffix(".json")
SET, ONLY = "freeform", "/0"
MODEL, GRADER = "vllm/any", "openai/gpt-6-luna"
HABIT = Way("field", 8, 100)
CASES = [Case(*pair) for pair in product((0.01, 0.05, 0.2), (0.11, 0.3))]
BUDGETS = (400, 800, 1600)
HALF_WIDTHS = (0.05, 0.025)
STOP_WIDTH = 0.05
"""Asked for at equal budgets: that of the example in docs/stopping.md."""
WITHOUT_END = 1_000_000
"""Answers to a question; what these do not reach, none do."""
MOST_REPEATS_TWO_PHASE = 50
"""Of a question, where judging is two-phase: its simulation is slow, and 50 show nearly all that a question can."""


@dataclass(frozen=True)
class PerAnswer:
    """What an answer takes by the package's plan: calls of the judge, and tokens in and out of both models."""

    questions: int
    judge_calls: float
    subject_tokens: float
    judge_tokens: float
    connections: int
    seconds_per_call: float


@cache
def per_answer() -> PerAnswer:
    """Return the plan's numbers for one answer to each first wording of the set."""
    items = [item.model_copy(update={"only": (ONLY,)}) for item in chosen_items(None, [SET], "alignment", 1)]
    request = PlanRequest(model=MODEL, grader=GRADER, items=items)
    plan = plan_suite(request).sets[0]
    n, (grader,) = plan.design.n_answers, plan.graders
    return PerAnswer(
        questions=plan.design.n_questions,
        judge_calls=grader.calls / n,
        subject_tokens=(plan.subject.tokens_in + plan.subject.tokens_out) / n,
        judge_tokens=(grader.tokens_in + grader.tokens_out) / n,
        connections=request.connections,
        seconds_per_call=request.seconds_per_call,
    )


def taken(way: Way, shown: Shown) -> dict[str, float]:
    """Return calls, tokens and seconds of a way."""
    each = per_answer()
    at_once = min(each.connections, connections(way.n_questions)) if way.kind == "stopping" else each.connections
    judge_calls = shown.judged * each.judge_calls
    waits = max(shown.asked, judge_calls, shown.asked + shown.judged)
    return {
        "subject_calls": shown.asked,
        "judge_calls": judge_calls,
        "subject_tokens": shown.asked * each.subject_tokens,
        "judge_tokens": shown.judged * each.judge_tokens,
        "seconds": waits * each.seconds_per_call / at_once,
    }


def ways(kind: str, half_width: float) -> list[Way]:
    """Return the designs of a kind, each saying more than the one before."""
    m = per_answer().questions
    if kind == "field":
        return [Way(kind, HABIT.n_questions, each) for each in (*_steps(1, MOST_REPEATS), WITHOUT_END)]
    if kind == "stopping":
        widths = 2 * half_width * 0.95 ** np.arange(45)
        return [Way(kind, each, MOST_REPEATS, float(widths[0])) for each in _steps(2, m)] + [
            Way(kind, m, MOST_REPEATS, float(width)) for width in widths[1:]
        ]
    more = _steps(2, MOST_REPEATS_TWO_PHASE) if kind == "two_phase" else [*_steps(2, MOST_REPEATS), WITHOUT_END]
    return [Way(kind, each, 1) for each in _steps(2, m)] + [Way(kind, m, each) for each in more]


def _steps(low: int, high: int) -> list[int]:
    """Return whole numbers in steps of one, and from forty on of about 5 %."""
    steps = [low]
    while steps[-1] < high:
        steps.append(min(high, max(steps[-1] + 1, round(steps[-1] * 1.05))))
    return steps


def least(kind: str, case: Case, half_width: float, error: float | None) -> dict[str, Any] | None:
    """Return the first design of a kind that is as narrow and whose rate is no further off; None if none is."""
    seen: dict[Way, Shown] = {}

    def is_enough(way: Way) -> bool:
        found = seen[way] = measure(way, case)
        return found.half_width <= half_width and (error is None or found.error <= error)

    tried = ways(kind, half_width)
    at = bisect_left(tried, True, key=is_enough)
    return _row(tried[at], seen[tried[at]]) if at < len(tried) else None


def _row(way: Way, shown: Shown) -> dict[str, Any]:
    return {"way": asdict(way), "said": str(way), **asdict(shown), **taken(way, shown)}


def same_answer(case: Case) -> dict[str, Any]:
    """Return what says as much as the habit, by the width alone (`width`) and by width and error (`both`)."""
    habit = measure(HABIT, case)
    found = {"case": asdict(case), "habit": _row(HABIT, habit)}
    for name, error in (("both", habit.error), ("width", None)):
        found[name] = {kind: least(kind, case, habit.half_width, error) for kind in KINDS if kind != "field"}
    return found


def at_half_widths(case: Case) -> dict[str, Any]:
    """Return what it takes to be as narrow as each of some half-widths."""
    found = [{"half_width": each, **{kind: least(kind, case, each, None) for kind in KINDS}} for each in HALF_WIDTHS]
    return {"case": asdict(case), "goals": found}


def at_budgets(case: Case) -> dict[str, Any]:
    """Return what each way shows for at most so many subject calls."""
    m = per_answer().questions
    found = []
    for budget in BUDGETS:
        own = Way("few", m, budget // m)
        designs = [Way("field", HABIT.n_questions, budget // HABIT.n_questions), own]
        designs += [replace(own, kind="stopping", width=STOP_WIDTH), replace(own, kind="two_phase")]
        rows = {way.kind: _row(way, measure(way, case)) for way in designs}
        found.append({"budget": budget, **rows})
    return {"case": asdict(case), "budgets": found}


def both_at_once() -> str:
    """Return how the package answers a run that is to stop early with a judge of two phases."""
    try:
        stopping_for(f"width:{STOP_WIDTH}", SET, ["plain"], [JUDGE])
    except OperatorError as refused:
        return str(refused)
    raise RuntimeError("em_bench now stops runs with a judge of two phases: measure them here")


def _run() -> dict[str, Any]:
    jobs: dict[str, Callable[[Case], dict[str, Any]]] = {
        "same_answer": same_answer, "at_half_widths": at_half_widths, "at_budgets": at_budgets,
    }  # fmt: skip
    found: dict[str, list[dict[str, Any]]] = {}
    with ProcessPoolExecutor(2) as pool:
        waiting = {name: [pool.submit(job, case) for case in CASES] for name, job in jobs.items()}
        for name, each in waiting.items():
            found[name] = []
            for case, one in zip(CASES, each, strict=True):
                found[name].append(one.result())
                print(f"{name} {case}", file=sys.stderr, flush=True)
    return {
        "set": SET, "stop_width": STOP_WIDTH, "seed": SEED,
        "runs": N_RUNS, "runs_two_phase": N_RUNS_TWO_PHASE, "per_answer": asdict(per_answer()),
        "screen_auc": AUC, "share": JUDGE.share, "floor": JUDGE.floor, "overshoot": OVERSHOOT,
        "both_at_once": both_at_once(), **found,
    }  # fmt: skip


def main() -> None:
    """Measure, write the file and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--summary", action="store_true", help="only write the tables again")
    if not parser.parse_args().summary:
        OUTPUT.write_text(json.dumps(_rounded(_run()), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    tables = summary(json.loads(OUTPUT.read_text(encoding="utf-8")))
    OUTPUT.with_suffix(".md").write_text(f"# Fewer calls for the same answer\n\n{tables}\n", encoding="utf-8")
    print(tables)


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the same with numbers to five places: those after are Monte-Carlo noise."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return round(value, 5) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
