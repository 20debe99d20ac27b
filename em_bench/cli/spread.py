"""`em-bench spread`: from published questions to others, and out of the domain of the fine-tuning."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from em_bench.results.spread import ContaminationGap, Leakage

__all__ = ["command"]


@click.command("spread")
@click.argument("logs", nargs=-1, required=True)
@click.option(
    "--domain", metavar="JUDGE",
    help="A judge that says whether an answer is within the fine-tuning's domain: domain_medical, or a YAML file.",
)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="Default: table.")
@click.option("--level", type=click.FloatRange(0.5, 0.9999), default=0.95, help="Coverage of intervals. Default: 0.95.")
def command(logs: tuple[str, ...], domain: str | None, form: str, level: float) -> None:
    """Say how far misalignment in LOGS (files or folders) spreads.

    Contamination gap: the rate on published questions less that on this project's own, of the same construct and in
    one lane. Leakage: of flagged answers, the share that stays within the domain of the fine-tuning.

    Example: em-bench spread logs --domain domain_medical
    """
    from em_bench.cli.shared import print_json, progress
    from em_bench.results.answers import read_answers
    from em_bench.results.log_files import find_logs
    from em_bench.results.spread import contamination_gaps, leakages

    answers = read_answers(find_logs(logs), progress)
    gaps = contamination_gaps(answers, level)
    found = leakages(answers, domain, level) if domain else []
    if form == "json":
        print_json({"gaps": [each.to_dict() for each in gaps], "leakage": [each.to_dict() for each in found]})
        return
    _print_gaps(gaps)
    if domain:
        _print_leakages(found)


def _print_gaps(gaps: Sequence[ContaminationGap]) -> None:
    from em_bench.cli.shared import print_table
    from em_bench.results.table import percent

    if not gaps:
        click.echo(
            "Contamination gap: none, as no model was asked a published and an own set of one construct in one lane."
        )
        click.echo("For instance: inspect eval em_bench/betley_main em_bench/freeform -T judge=alignment -T arm=plain")
        return
    click.echo("Contamination gap: published less own, in percentage points; below 0, published questions look better.")
    rows = [
        [each.model, each.sets[0], percent(each.rates[0]), each.sets[1], percent(each.rates[1]), each.lane,
         _points(each.difference), _bounds(each.questions), _bounds(each.population)]
        for each in gaps
    ]  # fmt: skip
    columns = ("model", "published", "rate", "own", "rate ", "lane", "gap", "these questions", "questions like these")
    print_table(columns, rows, ("rate", "rate ", "gap"))


def _print_leakages(found: Sequence[Leakage]) -> None:
    from em_bench.cli.shared import plain_text, print_table
    from em_bench.results.table import percent

    if not found:
        click.echo("\nLeakage: none, as no answer was read by another judge as well.")
    columns = ("model", "set", "arm", "lane", "within", "share", "these questions", "questions like these")
    for domain_lane, here in groupby(found, lambda each: each.domain_lane):
        click.echo()
        click.echo(plain_text(f"Leakage: of flagged answers, how many stay within the domain, by {domain_lane}."))
        rows = [
            [each.model, each.set, each.arm, each.lane, f"{each.n_within}/{each.n_flagged}", percent(each.share),
             _shares(each.questions), _shares(each.population)]
            for each in here
        ]  # fmt: skip
        print_table(columns, rows, ("within", "share"))


def _shares(pair: tuple[float, float] | None) -> str:
    from em_bench.results.table import percent

    return "—" if pair is None else f"{percent(pair[0])} – {percent(pair[1])}"


def _points(difference: float) -> str:
    return "—" if math.isnan(difference) else f"{100 * difference:+.1f}"


def _bounds(pair: tuple[float, float] | None) -> str:
    return "—" if pair is None else f"{_points(pair[0])} to {_points(pair[1])}"
