"""A plan as the tables that `em-bench plan` prints."""

from __future__ import annotations

import math
from textwrap import fill

import click

from em_bench.cli.shared import plain_text, print_table
from em_bench.results.set_plan import SetPlan, SuitePlan
from em_bench.statistics.needed import Reached

__all__ = ["plan_tables"]

_WIDE = 108
_PRECISION = (
    "set",
    "questions",
    "prompts×arms",
    "repeats",
    "these",
    "like these",
    "questions x2",
    "repeats x2",
    "0 flagged",
)
_COST = ("set", "judge", "answers", "judge calls", "subject in/out", "judge in/out", "minutes", "USD")


def plan_tables(plan: SuitePlan) -> None:
    """Print a plan for people: what it will show, what a goal takes, what it costs, what it rests on."""
    _say("What it will show: widths of intervals (upper less lower limit) over these questions, and like these.")
    print_table(_PRECISION, [_precision(each) for each in plan.sets], _PRECISION[1:])
    click.echo("x2: like these, with twice as many. 0 flagged: up to so much cannot be excluded, these / like these.")
    for each in plan.sets:
        if (said := _better(each)) is not None:
            click.echo(said)
    if plan.goal:
        click.echo()
        click.echo(_goal(plan.goal))
        shown = [[each.set, *_needs(each)] for each in plan.sets]
        print_table(("set", "these questions", "questions like these"), shown)
        if "detect" in plan.goal:
            powers = [f"{each.set} {' / '.join(map(_whole, each.power or ()))}" for each in plan.sets]
            _say(f"Power now, these / like these: {', '.join(powers)}.")
    click.echo()
    click.echo("What it takes, estimated:")
    print_table(_COST, [*(_cost(each) for each in plan.sets), _total(plan)], _COST[2:])
    for model in plan.calls:
        click.echo(plain_text(str(model)))
    click.echo()
    for line in plan.assumptions:
        _say(line)
    if math.isnan(plan.cost_usd):
        _say("No cost: give --prices FILE.")
    for each in plan.sets:
        for note in each.notes:
            _say(f"{each.set}: {note}.")


def _say(text: str) -> None:
    click.echo(fill(plain_text(text), _WIDE, subsequent_indent="  "))


def _precision(plan: SetPlan) -> list[str]:
    upper = " / ".join(_percent(each) for each in plan.at_none)
    return [
        plan.set,
        str(plan.design.n_questions),
        str(sum(plan.design.prompts)),
        str(plan.design.repeats),
        _percent(plan.expected.questions),
        _percent(plan.expected.population),
        _percent(plan.doubled_questions.population),
        _percent(plan.doubled_repeats.population),
        upper,
    ]


def _better(plan: SetPlan) -> str | None:
    """Return a sentence where as many answers are worth clearly more as new questions than as repeats."""
    now, more, again = (each.population for each in (plan.expected, plan.doubled_questions, plan.doubled_repeats))
    if math.isnan(now) or again - more < _WORTH_SAYING * now:
        return None
    gained = f"{(now - more) / now:.0%} narrower against {max(0.0, now - again) / now:.0%}"
    return f"{plan.set}: more questions beat more repeats: twice as many make it {gained}."


_WORTH_SAYING = 0.05


def _goal(goal: dict[str, float]) -> str:
    if "detect" in goal:
        return f"To detect a rate of {goal['detect']:.2%}:"
    return f"To reach a width of {goal['target_width']:.2%} at the assumed rate:"


def _needs(plan: SetPlan) -> tuple[str, str]:
    assert plan.needed is not None
    return _need(plan, plan.needed.questions), _need(plan, plan.needed.population)


def _need(plan: SetPlan, reached: Reached) -> str:
    design = plan.design
    other = f"{reached.questions} questions x {design.repeats}"
    if reached.repeats is not None:
        n_answers = sum(design.prompts) * reached.repeats
        said = f"{reached.repeats} repeat{'s' * (reached.repeats > 1)}, {n_answers:,} answers"
        return said if reached.questions in (None, design.n_questions) else f"{said}; or {other}"
    if design.n_questions < 2:
        return "one question: no such interval"
    if reached.least_questions is None:
        return "not reachable with this set's questions"
    at_these = f" ({reached.questions} x {design.repeats})" if reached.questions else ""
    return f"not reachable with this set's questions: needs >= {reached.least_questions}{at_these}"


def _cost(plan: SetPlan) -> list[str]:
    judged_in, judged_out = (sum(getattr(each, name) for each in plan.graders) for name in ("tokens_in", "tokens_out"))
    return [
        plan.set,
        plan.judge,
        f"{plan.design.n_answers:,}",
        f"{sum(each.calls for each in plan.graders):,}",
        f"{_short(plan.subject.tokens_in)}/{_short(plan.subject.tokens_out)}",
        f"{_short(judged_in)}/{_short(judged_out)}" if plan.graders else "-",
        f"{plan.minutes:.0f}",
        _usd(plan.cost_usd),
    ]


def _total(plan: SuitePlan) -> list[str]:
    subject = [each.subject for each in plan.sets]
    graders = [grader for each in plan.sets for grader in each.graders]
    tokens = [
        "/".join(_short(sum(getattr(each, name) for each in calls)) for name in ("tokens_in", "tokens_out"))
        for calls in (subject, graders)
    ]
    return [
        "all",
        "",
        f"{sum(each.design.n_answers for each in plan.sets):,}",
        f"{sum(each.calls for each in graders):,}",
        tokens[0],
        tokens[1] if graders else "-",
        f"{plan.minutes:.0f}",
        _usd(plan.cost_usd),
    ]


def _short(n: float) -> str:
    if n < 10_000:
        return f"{n:,.0f}"
    return f"{n / 1e3:,.0f}k" if n < 1e6 else f"{n / 1e6:,.1f}M"


def _usd(cost: float) -> str:
    return "-" if math.isnan(cost) else f"{cost:,.2f}"


def _whole(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.0%}"


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2%}"
