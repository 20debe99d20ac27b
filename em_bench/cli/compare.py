"""`em-bench compare`: is this model worse than that one?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from em_bench.errors import Fault
    from em_bench.results.comparison import Comparison
    from em_bench.statistics import Estimand

__all__ = ["command"]

_RIGHT = ("rate", "baseline rate", "difference")
_OVER = {"questions": "these questions", "population": "questions like these"}


@click.command("compare")
@click.argument("logs", nargs=-1, required=True)
@click.option("--baseline", required=True, metavar="MODEL", help="The model that others are held against.")
@click.option(
    "--candidate",
    "candidates",
    required=True,
    multiple=True,
    metavar="MODEL",
    help="A model as em-bench results prints it, any number of times; 'org/ft-seed*' is one group of seeds.",
)
@click.option(
    "--estimand",
    type=click.Choice(["questions", "population"]),
    default="population",
    help="Over what p is: these questions, or questions like these. Default: population.",
)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="Default: table.")
@click.option("--level", type=click.FloatRange(0.5, 0.9999), default=0.95, help="Coverage of intervals. Default: 0.95.")
def command(
    logs: tuple[str, ...], baseline: str, candidates: tuple[str, ...], estimand: Estimand, form: str, level: float
) -> None:
    """Print how much more often models are flagged than a baseline, from LOGS (files or folders).

    Each set, arm and judge that both have is compared, prompt by prompt; rates by different judges never are. All that
    is printed is one family of tests: p is adjusted for their number (Holm).

    Example: em-bench compare logs --baseline org/base --candidate org/finetune
    """
    from em_bench.cli.shared import print_json, progress
    from em_bench.errors import DataError, EmBenchError
    from em_bench.results.answers import read_answers
    from em_bench.results.comparing import compare_models
    from em_bench.results.comparison import with_holm
    from em_bench.results.log_files import find_logs

    answers = read_answers(find_logs(logs), progress)
    found: list[Comparison] = []
    faults: list[Fault] = []
    kinds: list[type[EmBenchError]] = []
    for candidate in dict.fromkeys(candidates):
        try:
            found += compare_models(answers, baseline, candidate, level, faults.append)
        except EmBenchError as error:
            faults += error.faults
            kinds.append(type(error))
    if faults:
        raise (kinds or [DataError])[0](list(dict.fromkeys(faults)))
    found = with_holm(found, estimand)
    if form == "json":
        print_json([each.to_dict() for each in found])
    else:
        _print_comparisons(found, estimand, level)


def _print_comparisons(comparisons: Sequence[Comparison], estimand: Estimand, level: float) -> None:
    """Print a table for each set and lane, then what a reader should know."""
    from em_bench.cli.shared import plain_text, print_table
    from em_bench.judging.cards import said_lane

    keys = sorted({(each.set, each.set_version, each.set_digest, each.lane) for each in comparisons})
    several = len({key[0] for key in keys}) < len({key[:3] for key in keys})
    for key in keys:
        set_name, version, digest, lane = key
        here = [each for each in comparisons if (each.set, each.set_version, each.set_digest, each.lane) == key]
        name = f"{set_name} {version}#{digest}" if several else set_name
        click.echo(plain_text(f"{name}, judged by {lane} ({said_lane(lane)}), against {here[0].baseline}"))
        rows = [_row(each) for each in here]
        columns = [column for column in rows[0] if column != "arm" or any(row["arm"] != "plain" for row in rows)]
        print_table(columns, [[row[column] for column in columns] for row in rows], _RIGHT)
        click.echo()
    for each in comparisons:
        for note in each.notes:
            click.echo(plain_text(f"{each.set}, {each.candidate}, {each.arm}: {note}"))
    n = comparisons[0].n_family
    worse = "" if any(each.two_sided for each in comparisons) else ", above 0 is worse"
    click.echo(f"Difference: candidate - baseline in points{worse}; intervals {100 * level:.4g} %.")
    click.echo(f"p: no difference over {_OVER[estimand]}, two-sided, adjusted for {n} tests (Holm).")
    if estimand == "population" and any(_is_small_p_at_zero(each, 1 - level) for each in comparisons):
        click.echo("An interval over questions like these may hold 0 where p is small: p asks whether the models are")
        click.echo("alike, the interval allows for questions not drawn on which only the other one is flagged.")
    if any(len(models) > 1 for each in comparisons for models in each.models):
        click.echo("Several seeds: intervals are over seeds like these too.")
    if any(not each.examined for each in comparisons):
        click.echo("not examined: this judge with this grader has no card; em-bench exam makes one.")
    if any(each.simulated for each in comparisons):
        click.echo("organism/… models are simulated.")


def _is_small_p_at_zero(each: Comparison, alpha: float) -> bool:
    interval = each.difference.population
    return interval is not None and each.p_adjusted < alpha and interval[0] <= 0 <= interval[1]


def _row(each: Comparison) -> dict[str, str]:
    found = each.difference
    (k1, k0), (n1, n0) = found.n_flagged, found.n_kept
    return {
        "candidate": each.candidate if len(each.models[0]) == 1 else f"{each.candidate} ({len(each.models[0])} seeds)",
        "arm": each.arm,
        "rate": _rate(k1, n1),
        "baseline rate": _rate(k0, n0),
        "difference": _points(found.difference),
        "these questions": _bounds(found.questions),
        "questions like these": _bounds(found.population),
        "p": _said_p(each.p_adjusted),
    }


def _rate(flagged: int, kept: int) -> str:
    from em_bench.results.table import percent

    return f"{percent(flagged / kept)} of {kept}" if kept else "nothing kept"


def _points(value: float) -> str:
    return "—" if math.isnan(value) else f"{100 * value:+.1f}"


def _bounds(interval: tuple[float, float] | None) -> str:
    return "—" if interval is None else f"{_points(interval[0])} to {_points(interval[1])}"


def _said_p(p: float) -> str:
    return "—" if math.isnan(p) else "< 0.001" if p < 0.001 else f"{p:.3f}"
