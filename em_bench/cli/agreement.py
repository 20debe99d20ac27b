"""`em-bench agreement`: judges against each other, on the same answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from em_bench.results.lane_pair import Disagreement, LanePair, SetAgreement

__all__ = ["command"]

_SHOWN_CHARS = 110
_FEW_QUESTIONS = 12
"""Below this, 95 % intervals of coefficients held the truth in as few as 85 % of simulated experiments."""


@click.command("agreement")
@click.argument("logs", nargs=-1, required=True)
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="Default: table.")
@click.option("--by", type=click.Choice(["model"]), help="Each model by itself. Default: all models of a set together.")
@click.option(
    "--worst",
    type=click.IntRange(0, 1000),
    default=10,
    metavar="N",
    help="Answers to list on which two judges disagree most. Default: 10.",
)
@click.option("--level", type=click.FloatRange(0.5, 0.9999), default=0.95, help="Coverage of intervals. Default: 0.95.")
def command(logs: tuple[str, ...], form: str, by: str | None, worst: int, level: float) -> None:
    """Say how far the judges of LOGS (files or folders) agree on the same answers, and where they do not.

    For each set and pair of judges: Krippendorff's alpha, Cohen's kappa and Gwet's AC1, the rate by each judge and the
    difference, and the answers they disagree on most. em-bench rejudge adds a judge to logs.

    Example: em-bench agreement logs --worst 5
    """
    from em_bench.cli.shared import print_json, progress
    from em_bench.results.agreement import compare_lanes, with_texts
    from em_bench.results.answers import read_answers
    from em_bench.results.log_files import find_logs

    found = find_logs(logs)
    agreements = compare_lanes(read_answers(found, progress), by == "model", level, worst)
    agreements = with_texts(agreements, found)
    if form == "json":
        print_json([agreement.to_dict() for agreement in agreements])
    else:
        _print_agreements(agreements)


def _print_agreements(agreements: Sequence[SetAgreement]) -> None:
    from em_bench.cli.shared import plain_text
    from em_bench.results.agreement import ALL_MODELS
    from em_bench.statistics import COEFFICIENT_METHOD, DIFFERENCE_METHOD

    pairs = [pair for agreement in agreements for pair in agreement.pairs]
    logs = {log: str(n) for n, log in enumerate(sorted({each.log for pair in pairs for each in pair.worst}), start=1)}
    for agreement in agreements:
        whose = "all models" if agreement.model == ALL_MODELS else agreement.model
        if len(agreement.lanes) > 2:
            said = ", ".join(f"{_said(name, agreement)} {alpha}" for name, alpha in agreement.alpha.items())
            click.echo(plain_text(f"{agreement.set}, {whose}: {len(agreement.lanes)} judges at once, α: {said}"))
            for note in agreement.notes:
                click.echo(plain_text(note))
            click.echo()
        for pair in agreement.pairs:
            click.echo(plain_text(f"{agreement.set}, {whose}: {pair.n_answers:,} answers that both judged"))
            _print_pair(pair, agreement)
            _print_worst(pair.worst, logs)
    for log, number in logs.items():
        click.echo(plain_text(f"log {number}: {log}"))
    click.echo(f"Intervals, {100 * agreements[0].level:.4g} %, are over questions like these.")
    click.echo(f"Coefficients: {COEFFICIENT_METHOD}.")
    click.echo(f"Rates: {DIFFERENCE_METHOD}.")
    if min(pair.outcome.n_questions for pair in pairs) < _FEW_QUESTIONS:
        click.echo(f"Fewer than {_FEW_QUESTIONS} questions: coefficients are less sure than their intervals say.")
    if not all(all(agreement.examined) for agreement in agreements):
        click.echo("not examined: this judge with this grader has no card; em-bench exam makes one.")


def _said(name: str, agreement: SetAgreement) -> str:
    return agreement.flag if name == "verdict" else name


def _print_pair(pair: LanePair, agreement: SetAgreement) -> None:
    """Print the rates of two judges, and below how far they agree."""
    from em_bench.cli.shared import plain_text, print_table
    from em_bench.judging.cards import said_lane
    from em_bench.results.table import percent

    rates = [
        [
            place,
            f"{lane} ({said_lane(lane)})",
            percent(rate),
            f"{n_flagged}/{n_kept}",
            str(n_unscored),
        ]
        for place, lane, rate, n_flagged, n_kept, n_unscored in zip(
            ("first", "second"),
            (pair.first, pair.second),
            pair.rates.rates,
            pair.rates.n_flagged,
            pair.rates.n_kept,
            pair.n_unscored,
            strict=True,
        )
    ]
    columns = ["", "judge", agreement.flag, "flagged/kept", "unscored"]
    print_table(columns, rates, columns[2:])
    click.echo(f"second - first: {pair.rates}")
    click.echo()
    rows = [
        [name, str(found.n_answers), percent(found.share.value), str(found.alpha), str(found.kappa), str(found.ac1)]
        for name, found in ((f"{agreement.flag} or not", pair.verdict), ("outcome", pair.outcome))
    ]
    rows += [
        [name, str(found.n_answers), f"{found.mean_gap:.1f} apart", str(found.alpha), "", ""]
        for name, found in pair.marks.items()
    ]
    print_table(["", "answers", "the same", "Krippendorff's α", "Cohen's κ", "Gwet's AC1"], rows, ["answers"])
    for note in _notes(pair, agreement):
        click.echo(plain_text(note))
    click.echo()


def _notes(pair: LanePair, agreement: SetAgreement) -> Iterator[str]:
    yield from pair.notes
    for note in pair.rates.notes:
        yield f"second - first: {note}"
    for name, notes in (
        (f"{agreement.flag} or not", pair.verdict.notes),
        ("outcome", pair.outcome.notes),
        *((name, found.alpha.notes) for name, found in pair.marks.items()),
    ):
        for note in notes:
            yield f"{name}: {note}"


def _print_worst(worst: Sequence[Disagreement], logs: dict[str, str]) -> None:
    """Print the answers that two judges disagree on most: where they are, what was said of them, how they begin."""
    from em_bench.cli.shared import plain_text

    if not worst:
        return
    click.echo("Furthest apart, first → second:")
    for number, each in enumerate(worst, start=1):
        marks = ", ".join(f"{name} {one:.0f} → {two:.0f}" for name, (one, two) in each.marks.items())
        click.echo(plain_text(f"{number:>3}. {each.id} epoch {each.epoch}, log {logs[each.log]}, {each.model}"))
        click.echo(plain_text(f"     {' → '.join(each.outcomes)}" + (f"; {marks}" if marks else "")))
        text = " ".join((each.text if each.text is not None else "(text not found)").split())
        cut = text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"
        click.echo(plain_text(f"     {cut or '(empty)'}"))
    click.echo()
