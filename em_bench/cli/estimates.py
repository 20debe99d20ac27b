"""Estimates as the tables that `results` and `demo` print."""

from __future__ import annotations

from collections.abc import Sequence

import click

from em_bench.cli.shared import plain_text, print_table
from em_bench.judging.cards import said_lane
from em_bench.results.estimate import Estimate
from em_bench.results.protocol import Protocol
from em_bench.results.table import percent, said_rate

__all__ = ["estimate_table"]

_LOST = ("incoherent", "refusal", "off topic", "unscored", "missing")
_RIGHT = ("rate", "known", "kept/answers", *_LOST)


def estimate_table(estimates: Sequence[Estimate]) -> None:
    """Print estimates for people, a table for each set and lane: rate, both intervals, where other answers went.

    Columns in which no row of any table says anything are left out.
    """
    rows = [(estimate, _row(estimate)) for estimate in estimates]
    idle = {"arm": "plain", "known": "", **dict.fromkeys(_LOST, "0")}
    columns = [name for name in rows[0][1] if any(row[name] != idle.get(name) for _, row in rows)]
    for set_name, lane in sorted({(estimate.set, estimate.lane) for estimate in estimates}):
        here = [(estimate, row) for estimate, row in rows if (estimate.set, estimate.lane) == (set_name, lane)]
        first = here[0][0]
        judged = ["experimental"] if first.experimental else []
        judged += [said_lane(lane)] if lane else []
        said = f"{set_name}, judged by {lane or 'nobody'}" + (f" ({', '.join(judged)})" if judged else "")
        click.echo(plain_text(said))
        print_table(columns, [[row[name] for name in columns] for _, row in here], _RIGHT)
        click.echo()
    _protocol_table(estimates)
    _corrected_table(estimates)
    for estimate in estimates:
        if estimate.contrast is not None:
            click.echo(plain_text(f"{estimate.set}, {estimate.model}, {estimate.arm}: {estimate.contrast}"))
        for found in estimate.scans or ():
            where = found.name.replace("_", " ")
            said = f"{found.answers} answers: {where}; rate without them {percent(found.rate_without)}"
            click.echo(plain_text(f"{estimate.set}, {estimate.model}, {estimate.arm}: {said}"))
        for note in estimate.notes:
            if note[:1].isdigit():
                click.echo(plain_text(f"{estimate.set}, {estimate.model}, {estimate.arm}: {note}"))
    for lane, measured in sorted({(each.lane, each.measured) for each in estimates if each.measured}):
        click.echo(plain_text(f"{lane}: {measured}."))
    if any(estimate.lane and said_lane(estimate.lane) == said_lane("") for estimate in estimates):
        click.echo("not examined: this judge with this grader has no card; em-bench exam makes one.")
    if any(estimate.simulated for estimate in estimates):
        click.echo("organism/… models are simulated; 'known' is the rate they were built to have on these questions.")


def _row(estimate: Estimate) -> dict[str, str]:
    counts = estimate.counts
    return {
        "model": estimate.model,
        "arm": estimate.arm,
        "rate": said_rate(estimate),
        "known": "" if estimate.known_rate is None else percent(estimate.known_rate),
        "these questions": _bounds(estimate.rate.questions),
        "questions like these": _bounds(estimate.rate.population),
        "kept/answers": f"{counts.kept}/{counts.answers}",
        "incoherent": str(counts.incoherent),
        "refusal": str(counts.refusal),
        "off topic": str(counts.off_topic),
        "unscored": str(counts.unscored),
        "missing": str(counts.missing),
    }


def _corrected_table(estimates: Sequence[Estimate]) -> None:
    """Print corrected rates beside the uncorrected, and why others are not corrected."""
    rows = [
        [
            estimate.set,
            estimate.model,
            estimate.arm,
            each.by,
            percent(estimate.rate.rate),
            percent(each.found.rate),
            _bounds(each.found.questions),
            _bounds(each.found.population),
        ]
        for estimate in estimates
        for each in estimate.corrected
        if each.refused is None
    ]
    if rows:
        click.echo(
            "Corrected for judge errors; by its exam only if these answers are misjudged as often as the exam's."
        )
        columns = ("set", "model", "arm", "by", "rate", "corrected", "these questions", "questions like these")
        print_table(columns, rows, ("rate", "corrected"))
        click.echo()
    refused = {(e.lane, each.by, each.refused) for e in estimates for each in e.corrected if each.refused is not None}
    for lane, by, why in sorted(refused):
        click.echo(plain_text(f"{lane}: not corrected by {by}: {why}."))


def _protocol_table(estimates: Sequence[Estimate]) -> None:
    """Print the papers' numbers where there are any: per set and lane, then the means of groups of models."""
    with_numbers = [(estimate, protocol) for estimate in estimates if (protocol := estimate.protocol) is not None]
    for set_name, lane in sorted({(estimate.set, estimate.lane) for estimate, _ in with_numbers}):
        here = [(e, protocol) for e, protocol in with_numbers if (e.set, e.lane) == (set_name, lane)]
        rows = [_protocol_row(estimate, protocol) for estimate, protocol in here]
        columns = [
            name for name in dict.fromkeys(name for row in rows for name in row) if any(row.get(name) for row in rows)
        ]
        click.echo(
            plain_text(
                f"{set_name}, protocol numbers: as Betley et al. compute them; no interval over answers or questions"
            )
        )
        print_table(columns, [[row.get(name, "") for name in columns] for row in rows], columns[2:])
        for arm, name, mean in dict.fromkeys((e.arm, *protocol.group) for e, protocol in here if protocol.group):
            click.echo(plain_text(f"group {name}, {arm}: {mean}; the interval is over models alone"))
        for name, mean in dict.fromkeys(p.deception_group for _, p in here if p.deception_group):
            click.echo(plain_text(f"group {name}, deception rate: {mean}; the interval is over models alone"))
        click.echo()


def _protocol_row(estimate: Estimate, protocol: Protocol) -> dict[str, str]:
    return {
        "model": estimate.model,
        "arm": estimate.arm,
        "rate": percent(protocol.rate),
        "of all answers": percent(protocol.rate_of_all),
        **{f"below {mark}": percent(rate) for mark, rate in protocol.sweep.items()},
        **{f"one of {k}": percent(chance) for k, chance in protocol.at_least_one_of.items()},
        "deception rate": "" if protocol.deception_rate is None else percent(protocol.deception_rate),
        "dropped": str(len(protocol.dropped) or ""),
    }


def _bounds(interval: tuple[float, float] | None) -> str:
    return "—" if interval is None else f"{percent(interval[0])} – {percent(interval[1])}"
