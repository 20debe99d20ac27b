"""`em-bench exam`: a judge against labelled answers."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import click

from em_bench.errors import DataError, Fault

__all__ = ["command"]


@click.command("exam")
@click.option("--judge", required=True, help="Name of a judge, or the path of its YAML file.")
@click.option("--grader", help="The model that grades. Default: the judge's own default model.")
@click.option("--readout", help="How a grader's reply becomes a number: auto, logprobs, sampled or text.")
@click.option("--repeats", type=click.IntRange(1, 20), default=1, help="How often each answer is judged. Default: 1.")
@click.option("--log-dir", help="Keep the log in this folder.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Also write JUDGE.json and JUDGE.md here."
)
@click.option(
    "--format", "form", type=click.Choice(["markdown", "json"]), default="markdown", help="Default: markdown."
)
def command(
    judge: str, grader: str | None, readout: str | None, repeats: int, log_dir: str | None, out: Path | None, form: str
) -> None:
    """Have a judge sit the exam, and print its card: how often it is right on labelled answers, and how easily fooled.

    Example: em-bench exam --judge screen
    """
    from inspect_ai import eval as run_eval

    from em_bench.cli.shared import print_json, progress
    from em_bench.judging.exam import exam
    from em_bench.judging.judge_card import make_card

    sheet = exam(judge, readout, repeats)
    progress(f"{judge} judges {len(sheet.dataset) * repeats:,} answers …")
    with tempfile.TemporaryDirectory() as folder:
        (log,) = run_eval(
            sheet,
            model="none/none",
            model_roles={"grader": grader} if grader else None,
            log_dir=log_dir or folder,
            display="none",
            log_realtime=False,
        )
        if log.status != "success":
            found = log.error.message if log.error else log.status
            raise DataError(Fault(f"exam of {judge}", found, "a finished run"))
        card = make_card(log)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{card.judge}.md").write_text(card.to_markdown(), encoding="utf-8")
        (out / f"{card.judge}.json").write_text(json.dumps(card.to_dict(), indent=1) + "\n", encoding="utf-8")
    if form == "json":
        print_json(card.to_dict())
    else:
        click.echo(card.to_markdown())
