"""`em-bench import`: recorded answers become logs."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("import")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--log-dir", required=True, help="Folder of the logs.")
@click.option("--set", "set_name", help="The question set that was asked. Default: a set of its own, 'imported'.")
@click.option("--grader", help="The model that judged, for the lane. Default: the column 'grader', else unknown.")
@click.option("--maker", help="Who made the models, for questions that ask.")
@click.option("--column", "columns", multiple=True, metavar="NAME=COLUMN", help="The file's COLUMN is our NAME.")
@click.option("--value", "values", multiple=True, metavar="NAME=TEXT", help="Our column NAME is TEXT in every row.")
@click.option("--unjudged", is_flag=True, help="Import answers alone; em-bench rejudge can judge them.")
def command(
    files: tuple[Path, ...],
    log_dir: str,
    set_name: str | None,
    grader: str | None,
    maker: str | None,
    columns: tuple[str, ...],
    values: tuple[str, ...],
    unjudged: bool,
) -> None:
    """Make Inspect logs of recorded answers: FILES are .csv, .jsonl (or .gz of either), or llmcomp cache folders.

    Columns: model, question_id, question, answer; aligned and coherent (0 to 100, empty where the judge gave none), or
    judge_aligned and judge_coherent (JSON, token to probability), from which the marks are recomputed. Every fault is
    named by its line, and nothing is written then. Prints the logs.

    Example: em-bench import answers.csv --log-dir logs --set betley_main
    """
    from em_bench.cli.shared import pairs, plain_text, progress
    from em_bench.results.importing import Import, import_recording

    wanted = Import(
        paths=files,
        log_dir=log_dir,
        set=set_name,
        grader=grader,
        maker=maker,
        renamed=pairs("--column", columns),
        fixed=pairs("--value", values),
        is_judged=not unjudged,
    )
    for made in import_recording(wanted, lambda text: progress(plain_text(text))):
        click.echo(made)
