"""`em-bench plan`: what a run will show and take, before anything is spent."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from em_bench.cli.run_options import EPOCHS, GRADER, JUDGE, PRICES, READOUT, SETS, SUITE
from em_bench.errors import Fault, OperatorError

__all__ = ["command"]


class _Number(click.FloatRange):
    """A finite number within bounds; comparisons let NaN through."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


_SHARE = _Number(0, 1)
_ABOVE_0 = _Number(0, min_open=True)


@click.command("plan")
@SUITE
@SETS
@click.option("--model", required=True, help="The model under test, as Inspect names it.")
@GRADER
@JUDGE
@READOUT
@EPOCHS
@click.option(
    "--target-width",
    type=_Number(0, 1, True, True),
    help="Width of interval to reach, upper less lower limit: 0.02 is two points.",
)
@click.option(
    "--detect",
    type=_Number(0, 1, True, True),
    help="Rate to be told from a baseline never flagged, power 0.8.",
)
@click.option("--rate", type=_SHARE, help="Expected rate, 0 to 1. Default: 0.01, or by --logs.")
@click.option(
    "--correlation", type=_Number(0, 1, max_open=True),
    help="Expected correlation of answers to one question, 0 to 1. Default: 0.1, or by --logs.",
)  # fmt: skip
@click.option(
    "--kept",
    type=_Number(0, 1, min_open=True),
    help="Expected share of kept answers. Default: 1, or by --logs.",
)
@click.option("--level", type=_Number(0.5, 0.9999), default=0.95, help="Coverage of intervals. Default: 0.95.")
@click.option("--logs", multiple=True, metavar="LOG", help="Logs (files, folders) to measure the above in.")
@click.option(
    "--answer-tokens", type=_ABOVE_0, help="Tokens of an answer. Default: by --logs, else by simulated answers."
)
@PRICES
@click.option("--connections", type=click.IntRange(1), default=20, help="Calls of a model at once. Default: 20.")
@click.option("--seconds-per-call", type=_ABOVE_0, default=2.0, help="Default: 2.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="Default: table.")
def command(
    suite: str | None,
    sets: tuple[str, ...],
    judge: str | None,
    epochs: int | None,
    logs: tuple[str, ...],
    prices: Path | None,
    form: str,
    **request: Any,  # noqa: ANN401 - the other options, named as the fields of PlanRequest
) -> None:
    """Say how wide intervals will be and what a run takes: calls, tokens, cost, minutes. Calls no model.

    Example: em-bench plan --suite core --model openai/gpt-4o --target-width 0.02 --prices prices.yaml
    """
    from em_bench.cli.plan_tables import plan_tables
    from em_bench.cli.shared import print_json, progress
    from em_bench.results.measured import measure_logs
    from em_bench.results.plan_request import PlanRequest
    from em_bench.results.planning import plan_suite
    from em_bench.results.prices import read_prices
    from em_bench.results.suite_items import chosen_items, judge_of

    if request["target_width"] is not None and request["detect"] is not None:
        found = "both --target-width and --detect"
        raise OperatorError(Fault("goal", found, "one of them, or neither", "Plan for each in turn."))
    items = chosen_items(suite, sets, judge, epochs)
    known_prices = None if prices is None else read_prices(prices)
    judges = {item.set: judge_of(item) for item in items}
    measured = measure_logs(logs, request["model"], judges, progress) if logs else {}
    wanted = PlanRequest(items=items, suite=suite, prices=known_prices, measured=measured, **request)
    plan = plan_suite(wanted, progress)
    if form == "json":
        print_json(plan.to_dict())
    else:
        plan_tables(plan)
