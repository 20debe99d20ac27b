"""`em-bench rejudge`: the same answers, another judge."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command("rejudge")
@click.argument("logs", nargs=-1, required=True)
@click.option("--judge", required=True, help="Name of a judge, or the path of its YAML file.")
@click.option("--grader", help="The model that grades. Default: the judge's own default model.")
@click.option("--readout", help="How a grader's reply becomes a number: auto, logprobs, sampled or text.")
@click.option("--again", is_flag=True, help="Judge anew even where a log has that lane: its scores are replaced.")
def command(logs: tuple[str, ...], judge: str, grader: str | None, readout: str | None, again: bool) -> None:
    """Judge the answers of LOGS (files or folders) anew: each log gets one more lane, beside those it has.

    The model that answered is not loaded. Prints the logs to which something was added.

    Example: em-bench rejudge logs --judge screen
    """
    from em_bench.cli.shared import check_loads, progress
    from em_bench.judging import read_judge
    from em_bench.results.log_files import find_logs
    from em_bench.results.rejudging import is_fit, rejudge_log

    found, loaded = find_logs(logs), read_judge(judge)
    check_loads(loaded, grader)
    fit = [log for log in found if is_fit(log, loaded)] or found
    for number, log in enumerate(found, start=1):
        progress(f"{number}/{len(found)} {log}")
        if log not in fit:
            progress(f"  left out: judge {judge} was not made for its set")
        elif rejudge_log(log, judge, readout, grader, again, lambda said: progress(f"  {said}")):
            click.echo(log)
