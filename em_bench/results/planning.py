"""Plans: what a run of a suite will show and take, before anything is spent."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from em_bench.judging.grader import check_grader
from em_bench.judging.judge import Judge
from em_bench.judging.scorer import check_judge
from em_bench.models.organism import Organism
from em_bench.models.providers import SIMULATED
from em_bench.questions import QuestionSet, SuiteItem, present, read_set
from em_bench.results.model_calls import (
    REAL_LENGTH,
    ModelCalls,
    grader_calls,
    subject_calls,
    typical_answers,
)
from em_bench.results.plan_request import PlanRequest
from em_bench.results.prices import Prices
from em_bench.results.set_plan import SetPlan, SuitePlan
from em_bench.results.suite_items import judge_of
from em_bench.statistics.needed import MOST_REPEATS, POWER, needed_design
from em_bench.statistics.plan import N_RUNS, Design, detection_power, expected_precision, upper_limits_at_none

__all__ = ["plan_suite", "suite_cost_usd"]


def plan_suite(request: PlanRequest, report: Callable[[str], None] = lambda text: None) -> SuitePlan:
    """Return the plan of a run.

    Raises:
        OperatorError: A model, judge, set or price is missing, a judge was not made for its set, or the grader is the
            model under test.
    """
    if request.model.startswith(SIMULATED):
        Organism(request.model.removeprefix(SIMULATED))
    drafts = [_draft(item, request) for item in request.items]
    if request.prices is not None:
        asked = {each.model for draft in drafts for each in draft.calls if not each.model.startswith(SIMULATED)}
        request.prices.of(sorted(asked))
    plans = []
    for draft in drafts:
        report(f"Simulating {draft.questions.name}: {draft.design} …")
        plans.append(_set_plan(draft, request))
    goal = {"target_width": request.target_width, "detect": request.detect}
    return SuitePlan(
        suite=request.suite,
        model=request.model,
        goal={name: value for name, value in goal.items() if value is not None} or None,
        sets=tuple(plans),
        connections=request.connections,
        seconds_per_call=request.seconds_per_call,
        assumptions=tuple(_assumptions(request, plans)),
    )


def suite_cost_usd(request: PlanRequest) -> float:
    """Return what the calls of a run cost, in US dollars; NaN where a model is paid for and no prices are given.

    Raises:
        OperatorError: As `plan_suite`.
    """
    return sum(_cost(_draft(item, request).calls, request.prices) for item in request.items)


@dataclass(frozen=True)
class _Draft:
    """A set before anything is simulated."""

    questions: QuestionSet
    judge: Judge
    arms: tuple[str, ...]
    design: Design
    calls: tuple[ModelCalls, ...]
    answer_tokens: float


def _draft(item: SuiteItem, request: PlanRequest) -> _Draft:
    questions = read_set(item.set)
    judge = check_judge(judge_of(item), questions.construct, f"set {item.set}")
    for part, own in judge.parts:
        if not part.is_offline:
            check_grader(part, request.model, own or request.grader)
    presented = present(questions, item.arm, item.only)
    repeats = item.samples or questions.sampling.samples
    known = request.measured.get(item.set)
    tokens = request.answer_tokens or (known.answer_tokens if known else None)
    tokens = None if tokens is None or math.isnan(tokens) else tokens
    answers = typical_answers(questions, presented, request.model, tokens)
    of_subject = subject_calls(presented, answers, request.model, repeats)
    of_graders = grader_calls(judge, presented, answers, request.grader, request.readout, repeats)
    prompts = tuple(Counter(asked.question.id for asked in presented).values())
    arms = tuple(dict.fromkeys(asked.arm.name for asked in presented))
    mean = sum(answer.tokens for answer in answers) / len(answers)
    return _Draft(questions, judge, arms, Design(prompts, repeats), (of_subject, *of_graders), mean)


def _set_plan(draft: _Draft, request: PlanRequest) -> SetPlan:
    assumed, measured = request.assumed(draft.questions.name)
    design = draft.design
    goal = request.target_width is not None or request.detect is not None
    at_detect = replace(assumed, rate=request.detect or 0.0)
    return SetPlan(
        set=draft.questions.name,
        judge=draft.judge.name,
        arms=draft.arms,
        design=design,
        assumed=assumed,
        measured=measured,
        expected=expected_precision(design, assumed),
        at_none=upper_limits_at_none(design, assumed),
        doubled_questions=expected_precision(design.with_questions(2 * design.n_questions), assumed),
        doubled_repeats=expected_precision(replace(design, repeats=2 * design.repeats), assumed),
        power=detection_power(design, at_detect) if request.detect is not None else None,
        needed=needed_design(design, assumed, request.target_width, request.detect) if goal else None,
        calls=draft.calls,
        minutes=_minutes(draft.calls, request),
        cost_usd=_cost(draft.calls, request.prices),
        answer_tokens=draft.answer_tokens,
        most_answer_tokens=draft.questions.sampling.max_tokens,
        notes=tuple(_notes(draft, request)),
    )


def _minutes(calls: Sequence[ModelCalls], request: PlanRequest) -> float:
    """Return the longer of two waits: for the busiest model, and for each answer's calls in turn, so many at once.

    Simulated models answer at once.
    """
    slow = [each for each in calls if not each.model.startswith(SIMULATED)]
    n_answers = calls[0].calls
    in_turn = n_answers * (
        sum(each.rounds for each in slow if each.role == "subject")
        + max((each.rounds for each in slow if each.role == "grader"), default=0)
    )
    busiest = max((each.calls for each in slow), default=0)
    return max(in_turn, busiest) * request.seconds_per_call / request.connections / 60


def _cost(calls: Sequence[ModelCalls], prices: Prices | None) -> float:
    paid = [each for each in calls if not each.model.startswith(SIMULATED)]
    if prices is None:
        return math.nan if paid else 0.0
    found = prices.of([each.model for each in paid])
    return sum(found[each.model].cost_usd(each.tokens_in, each.tokens_out) for each in paid)


def _notes(draft: _Draft, request: PlanRequest) -> list[str]:
    notes = []
    judge = draft.judge
    if judge.kind == "two_phase":
        notes.append(f"{judge.name} grades {judge.share:.0%} of answers: intervals are wider than planned here")
    if any(part.kind == "scorer" and not part.is_offline for part in (judge, *judge.members)):
        notes.append(f"{judge.name} is another package's: taken to make one call for each answer")
    if len(draft.arms) > 1:
        notes.append(f"{len(draft.arms)} arms, planned together; under one arm alone intervals are wider")
    known = request.measured.get(draft.questions.name)
    if request.measured and known is None:
        notes.append("not in the logs given: planned by the defaults")
    elif known is not None:
        what = ", ".join(request.assumed(draft.questions.name)[1]).replace("_", " ") or "nothing"
        by = known.lane or "no judge"
        notes.append(f"{what} measured on {known.n_answers} answers of {', '.join(known.models)} by {by}")
    return notes


def _assumptions(request: PlanRequest, plans: Sequence[SetPlan]) -> list[str]:
    """Return what the plan rests on, in sentences."""
    rates = sorted({f"{plan.assumed.rate:.2%}" for plan in plans})
    likeness = sorted({f"{plan.assumed.correlation:.2f}" for plan in plans})
    kept = sorted({f"{plan.assumed.kept:.0%}" for plan in plans})
    found = [
        f"Answers: rate {', '.join(rates)}; correlation within a question {', '.join(likeness)};"
        f" kept {', '.join(kept)}.",
        f"Widths: upper less lower limit of the {100 * request.level:.4g} % interval of `results`, mean over {N_RUNS}"
        " simulated beta-binomial data sets.",
    ]
    if request.detect is not None:
        found.append(
            f"Detect: with chance {POWER:.0%} `compare` shows a model flagged in {request.detect:.2%} of answers to be"
            " worse than a baseline asked the same and never flagged: over these questions the interval of the"
            f" difference lies above 0, over questions like these p is at most {1 - request.level:.4g}."
        )
    if request.detect is not None or request.target_width is not None:
        found.append(f"Searched: up to {MOST_REPEATS} repeats, in steps of 5 %, so within about a tenth.")
    lengths = sorted({f"{plan.answer_tokens:.0f}" for plan in plans}, key=float)
    if request.model.startswith(SIMULATED):
        source = "as this organism answers; tokens of organisms are words"
    elif request.answer_tokens is not None:
        source = "as given"
    elif any("answer_tokens" in plan.measured for plan in plans):
        source = "as measured in the logs, elsewhere by default"
    else:
        source = f"{REAL_LENGTH} times those of organism/aligned; say --answer-tokens or --logs if you know better"
    found.append(f"Tokens: counted by a rule, not a tokenizer; an answer {', '.join(lengths)} ({source}).")
    found.append("Not counted: thinking, retries, failed calls, cached input at its own price.")
    found.append(
        f"Minutes: {request.connections} calls of a model at once, {request.seconds_per_call:g} s each, set after set."
    )
    return found
