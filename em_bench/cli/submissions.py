"""`em-bench leaderboard submit`, `verify` and `export`: published rows, and whether they are what logs say."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from em_bench.board.published import Row

__all__ = ["export", "submit", "verify"]

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("submit")
@click.argument("logs", nargs=-1, required=True)
@click.option("--id", "id_", required=True, help="Name of the submission: lower case, digits, '.', '-', '_'.")
@click.option("--out", type=_FOLDER, default=Path("leaderboard/results"), help="Default: leaderboard/results.")
@click.option("--title", required=True, help="What was measured, in a line.")
@click.option("--by", "submitted_by", required=True, help="Who submits it: a name, an account, or a group.")
@click.option("--contact", help="How to reach them.")
@click.option("--logs", "place", help="Where the logs will lie: an address (https, s3, gs, hf), or a folder beside it.")
@click.option("--reproduces", help="Id of the submission that this one ran again.")
@click.option("--notes", help="What a reader should know, in a line.")
def submit(
    logs: tuple[str, ...], id_: str, out: Path, title: str, submitted_by: str, contact: str | None, place: str | None,
    reproduces: str | None, notes: str | None,
) -> None:  # fmt: skip
    """Write a submission of LOGS (files or folders of this machine), after verifying it as `verify` will.

    Example: em-bench leaderboard submit logs --id my-model --title "My model" --by me --logs https://example.org/logs
    """
    from em_bench.board.submission import ID_FORM, SUBMISSION
    from em_bench.board.submitting import name_logs, write_submission
    from em_bench.board.verification import verify_submission
    from em_bench.cli.shared import progress
    from em_bench.cli.submission_report import print_verification
    from em_bench.errors import Fault, OperatorError

    if not re.fullmatch(ID_FORM, id_):
        raise OperatorError(Fault("--id", id_, f"text of the form {ID_FORM}"))
    target = out / id_
    if target.exists() and not (target / SUBMISSION).is_file():
        raise OperatorError(Fault("--id", str(target), "a new folder, or that of a former submission", "Name another."))
    named = name_logs(logs, progress)
    about = {
        "title": title,
        "submitted_by": submitted_by,
        "contact": contact,
        "logs": place,
        "reproduces": reproduces,
        "notes": notes,
    }
    with tempfile.TemporaryDirectory() as scratch:
        draft, copies = Path(scratch) / "draft" / id_, Path(scratch) / "logs"
        write_submission(draft, named, about)
        for name, path in named.paths.items():
            copy = copies / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        found = verify_submission(draft, str(copies), out, progress)
        faults = [replace(fault, place=fault.place.replace(str(draft), str(target))) for fault in found.faults]
        print_verification(replace(found, faults=tuple(faults)))
        if found.badge is None:
            raise SystemExit(1)
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(draft.iterdir()):
            shutil.copyfile(path, target / path.name)
    click.echo(f"written: {target}")
    if place is None:
        click.echo("Its logs are published nowhere yet, so it counts as self-reported: name their place with --logs.")
    elif "://" not in place:
        click.echo(f"Copy the logs to {target / place}: without them it counts as self-reported.")


@click.command("verify")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--logs", help="Folder or address of the logs of one DIR. Default: where the submission says.")
@click.option("--before", type=_FOLDER, help="The DIR as it was, or nothing there: also print what changes.")
@click.option("--allow-self-reported", is_flag=True, help="Exit 0 also where the logs could not be had.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "markdown"]), default="text", help="Default: text."
)
def verify(
    folders: tuple[Path, ...], logs: str | None, before: Path | None, allow_self_reported: bool, form: str
) -> None:
    """Recompute every figure of submissions from their logs, and say accepted, or every reason why not.

    Exits 0 if all are accepted, else 1; a submission whose logs cannot be had is self-reported, and not accepted unless
    --allow-self-reported.

    Example: em-bench leaderboard verify leaderboard/results/my-model --logs my-logs
    """
    from em_bench.board.change import row_changes
    from em_bench.board.published import read_rows
    from em_bench.board.reproduction import verify_all
    from em_bench.board.submission import ROWS
    from em_bench.cli.shared import print_json, progress
    from em_bench.cli.submission_report import markdown_report, print_changes, print_verification
    from em_bench.errors import Fault, OperatorError

    if len(folders) > 1 and (logs or before):
        raise OperatorError(Fault("--logs" if logs else "--before", f"{len(folders)} submissions", "one DIR with it"))
    told = []
    is_accepted = True
    for found in verify_all(folders, logs, progress):
        accepted = found.badge is not None and (allow_self_reported or found.badge != "self-reported")
        is_accepted &= accepted
        changes = None
        if before is not None:
            old = read_rows(before / ROWS).rows if (before / ROWS).is_file() else ()
            changes = row_changes(old, found.rows)
        if form == "json":
            told.append({**found.to_dict(), "accepted": accepted})
            if changes is not None:
                told[-1]["changes"] = [each.to_dict() for each in changes]
        elif form == "markdown":
            click.echo(markdown_report(found, accepted, changes))
        else:
            print_verification(found, accepted)
            print_changes(changes or [])
    if form == "json":
        print_json(told)
    if not is_accepted:
        raise SystemExit(1)


@click.command("export")
@click.argument("places", nargs=-1, required=True, metavar="LOGS|DIR...")
@click.option(
    "--format",
    "form",
    type=click.Choice(["json", "csv", "every-eval-ever", "hf-eval-results"]),
    default="json",
    help="Default: json, as a submission's rows.json.",
)
@click.option("--out", type=_FOLDER, help="Folder for files of every-eval-ever. Default: print them as a list.")
@click.option("--organization", default="unknown", help="Who provides the numbers (every-eval-ever).")
@click.option(
    "--relationship",
    type=click.Choice(["first_party", "third_party", "collaborative", "other"]),
    default="other",
    help="Of the evaluator to the model (every-eval-ever). Default: other.",
)
@click.option("--dataset", help="Id of the benchmark's data set on the Hub (hf-eval-results).")
@click.option("--model", help="Label of the model whose repository it is for (hf-eval-results). Default: the only one.")
@click.option("--source", help="Address of the logs (hf-eval-results). Default: that of the submission.")
def export(
    places: tuple[str, ...], form: str, out: Path | None, organization: str, relationship: str, dataset: str | None,
    model: str | None, source: str | None,
) -> None:  # fmt: skip
    """Print rows of LOGS (files or folders) or of one submission's DIR in the forms that others read.

    Rows of a submission are taken as published: verify it first.

    Example: em-bench leaderboard export logs --format csv > rows.csv
    """
    import pandas as pd

    from em_bench.board.export import eee_path, eee_records, flat_rows
    from em_bench.cli.shared import print_json, progress
    from em_bench.errors import Fault, OperatorError
    from em_bench.models.card import read_cards
    from em_bench.results.table import csv_text

    if out is not None and form != "every-eval-ever":
        raise OperatorError(Fault("--out", f"with --format {form}", "--format every-eval-ever", "Redirect the output."))
    rows, published_at = _rows(places, progress)
    if form == "json":
        print_json(list(rows))
    elif form == "csv":
        click.echo(csv_text(pd.DataFrame(flat_rows(rows))), nl=False)
    elif form == "hf-eval-results":
        _print_hub_results(rows, dataset, model, source or published_at)
    else:
        records = eee_records(rows, read_cards(), organization, relationship)
        if n_empty := sum(row["rate"] is None for row in rows):
            progress(f"left out: {n_empty} rows without a rate")
        if out is None:
            print_json(records)
            return
        for record in records:
            path = out / eee_path(record)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
            click.echo(str(path))


def _rows(places: tuple[str, ...], report: Callable[[str], None]) -> tuple[Sequence[Row], str | None]:
    """Return the rows of logs or of a submission, and the address of its logs where it has one."""
    from em_bench.board.published import read_rows
    from em_bench.board.submission import ROWS, SUBMISSION, read_submission
    from em_bench.board.submitting import name_logs
    from em_bench.board.verification import recompute_rows
    from em_bench.errors import Fault, OperatorError
    from em_bench.models.card import read_cards

    submissions = [Path(place) for place in places if (Path(place) / SUBMISSION).is_file()]
    if not submissions:
        named = name_logs(places, report)
        return recompute_rows(named.paths, named.files, read_cards()).rows, None
    if len(places) > 1:
        raise OperatorError(Fault(str(submissions[0]), "a submission among others", "one submission, or logs alone"))
    place = read_submission(submissions[0]).logs
    return read_rows(submissions[0] / ROWS).rows, place if place and "://" in place else None


def _print_hub_results(rows: Sequence[Row], dataset: str | None, model: str | None, source: str | None) -> None:
    import yaml

    from em_bench.board.export import hub_results
    from em_bench.errors import NOTHING, Fault, OperatorError, unknown_name

    if dataset is None:
        raise OperatorError(Fault("--dataset", NOTHING, "the id of a data set on the Hub, as org/name"))
    real = sorted({row["model"] for row in rows if not row["simulated"]})
    if model is None and len(real) == 1:
        model = real[0]
    if model not in real:
        fault = unknown_name("--model", model or "", real, "models that are not simulated")
        raise OperatorError(fault if model else Fault("--model", NOTHING, fault.expected))
    own = hub_results([row for row in rows if row["model"] == model], dataset, source)
    click.echo(yaml.safe_dump(own, sort_keys=False, allow_unicode=True, width=120), nl=False)
