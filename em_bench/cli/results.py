"""`em-bench results`: estimates from logs."""

from __future__ import annotations

import io
import sys

import click

from em_bench.errors import DataError, Fault, OperatorError

__all__ = ["command"]


@click.command("results")
@click.argument("logs", nargs=-1, required=True)
@click.option(
    "--format", "form", type=click.Choice(["table", "json", "csv", "parquet"]), default="table", help="Default: table."
)
@click.option("--by", type=click.Choice(["question"]), help="One row per question and arm (table, csv, parquet).")
@click.option(
    "--group",
    "groups",
    multiple=True,
    metavar="NAME=PATTERN",
    help="Models that are seeds of one recipe, for protocol means.",
)
@click.option("--level", type=click.FloatRange(0.5, 0.9999), default=0.95, help="Coverage of intervals. Default: 0.95.")
def command(logs: tuple[str, ...], form: str, by: str | None, groups: tuple[str, ...], level: float) -> None:
    """Print rates with intervals from LOGS (files or folders).

    Logs that cannot be read are left out and named at the end, and the command then fails.

    Example: em-bench results logs --format csv > results.csv
    """
    from em_bench.cli.estimates import estimate_table
    from em_bench.cli.going_on import commands_to_go_on
    from em_bench.cli.shared import pairs, plain_text, print_json, print_table, progress
    from em_bench.results.log_files import find_logs
    from em_bench.results.summary import summarise_logs
    from em_bench.results.table import csv_text, flat_table, percent

    paths = find_logs(logs)
    found = summarise_logs(paths, level, pairs("--group", groups) or None, report=progress)
    estimates = found.estimates
    if form == "json":
        print_json([estimate.to_dict() for estimate in estimates])
    elif form == "csv":
        click.echo(csv_text(flat_table(estimates, by == "question")), nl=False)
    elif form == "parquet":
        buffer = io.BytesIO()
        try:
            flat_table(estimates, by == "question").to_parquet(buffer, index=False)
        except ImportError as error:
            fix = "Run: pip install 'em-bench[data]'"
            raise OperatorError(Fault("--format parquet", "no pyarrow", "the extra 'data'", fix)) from error
        sys.stdout.buffer.write(buffer.getvalue())
    elif by:
        table = flat_table(estimates, by_question=True)
        shown = [
            "set",
            "model",
            "question",
            "arm",
            "flagged",
            "kept",
            "answers",
            "incoherent",
            "refusal",
            "unscored",
            "rate",
            "lane",
        ]
        table["rate"] = table["rate"].map(percent)
        print_table(shown, [[str(row[name]) for name in shown] for _, row in table.iterrows()], shown[4:-1])
    else:
        estimate_table(estimates)
        broken = {fault.place for fault in found.faults}
        if commands := commands_to_go_on(estimates, [log for log in paths if log not in broken]):
            more = f" (and {len(commands) - 1} more like it)" if len(commands) > 1 else ""
            click.echo(plain_text(f"missing answers: go on with {commands[0]}{more}"))
    if found.faults:
        raise DataError(found.faults)
