"""`em-bench annotate`: labels from people."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]

_PATH = click.Path(dir_okay=False, path_type=Path)


@click.group("annotate")
def command() -> None:
    """Have people label answers: export tables for raters, import what they say as lanes beside those of judges."""


@command.command("export")
@click.argument("logs", nargs=-1, required=True)
@click.option(
    "--out", type=_PATH, required=True, help="FILE.csv: gives FILE.rater1.csv, FILE.rater2.csv, FILE.key.json …"
)
@click.option("--n", type=click.IntRange(1), default=200, help="How many answers each rater is given. Default: 200.")
@click.option("--seed", type=int, default=0, help="Of the draw and of every order. Default: 0.")
@click.option("--set", "sets", multiple=True, help="Draw from this question set; may be repeated. Default: all.")
@click.option("--raters", type=click.IntRange(1, 9), default=2, help="How many people label. Default: 2.")
@click.option(
    "--separator",
    type=click.Choice(["comma", "semicolon"]),
    default="comma",
    help="Semicolon for spreadsheets set to a decimal comma. Default: comma.",
)
def export(
    logs: tuple[str, ...], out: Path, n: int, seed: int, sets: tuple[str, ...], raters: int, separator: str
) -> None:
    """Draw answers at random from LOGS (files or folders; also of the exam) and write a blind table for each rater.

    Send each rater one table and the instructions. The key says which answer each row is: it stays with you. Prints
    the files.

    Example: em-bench annotate export logs --out labels.csv --n 200
    """
    from em_bench.cli.shared import plain_text, progress
    from em_bench.results.annotating import export_answers
    from em_bench.results.log_files import find_logs

    made = export_answers(find_logs(logs), out, n, seed, sets, raters, "," if separator == "comma" else ";", _said)
    progress(plain_text(str(made)))
    if len(made.key.strata) > 1:
        for model, stratum in sorted(made.key.strata.items()):
            progress(plain_text(f"  {model}: {stratum.n:,} of {stratum.N:,}"))
    progress(f"For raters: a table each, and {made.instructions}. Keep {made.key_file} to yourself.")
    for path in (*made.rater_files, made.instructions, made.key_file):
        click.echo(str(path))


@command.command("import")
@click.argument("places", nargs=-1, required=True, metavar="FILES LOGS")
@click.option("--key", "key_path", type=_PATH, required=True, help="FILE.key.json of the export.")
@click.option(
    "--rater", "raters", multiple=True, help="Who labelled, one for each file, in order. Default: rater1, rater2 …"
)
def import_(places: tuple[str, ...], key_path: Path, raters: tuple[str, ...]) -> None:
    """Add the labels in FILES (the .csv tables that raters gave back) to LOGS (files or folders), as lanes.

    Every fault of every file is named by its line, and no log is changed then. Importing again replaces a rater's
    labels. Prints the logs that were changed.

    Example: em-bench annotate import labels.rater1.csv labels.rater2.csv --key labels.key.json logs --rater alice
    --rater bob
    """
    from em_bench.cli.shared import plain_text, progress
    from em_bench.errors import Fault, OperatorError
    from em_bench.results.label_import import import_labels
    from em_bench.results.log_files import find_logs

    files = [Path(place) for place in places if place.lower().endswith(".csv")]
    logs = [place for place in places if not place.lower().endswith(".csv")]
    if not files or not logs:
        raise OperatorError(
            Fault("FILES LOGS", list(places), "the raters' .csv files and the logs or their folder", "Name both.")
        )
    found = find_logs(logs)
    for labelled in import_labels(files, key_path, found, raters):
        progress(plain_text(f"labels in {labelled.log}: {labelled}"))
        click.echo(labelled.log)
    progress("Next: em-bench results LOGS, em-bench agreement LOGS")


def _said(text: str) -> None:
    from em_bench.cli.shared import plain_text, progress

    progress(plain_text(text))
