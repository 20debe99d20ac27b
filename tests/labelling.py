"""What raters do, for tests of several files: their tables, filled in, and the lanes that come of them."""

import csv
import io
from pathlib import Path

from em_bench.results.annotating import export_answers
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.label_import import import_labels
from em_bench.results.log_files import find_logs
from em_bench.results.rater_file import COLUMNS


def table(path, separator=","):
    text = Path(path).read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def fill(source, target, label, separator=",", encoding="utf-8-sig"):
    """Write a rater's table as a spreadsheet would, with `label(row number, row)` as labels."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    for number, row in enumerate(sorted(table(source), key=lambda row: row["row"])):
        writer.writerow({**row, "label": label(number, row)})
    Path(target).write_bytes(out.getvalue().encode(encoding))
    return Path(target)


def export(logs, out, **options):
    return export_answers(find_logs([str(logs)]), out, **options)


def lanes(logs):
    estimates = estimate_answers(read_answers(find_logs([str(logs)])))
    return {(each.model, each.lane): each.counts for each in estimates if each.arm in ("all", "plain")}


def state(logs):
    return {path.name: path.read_bytes() for path in logs.iterdir()}


def import_all(made, logs, label=lambda number, row: "clear", raters=("alice", "bob")):
    files = [fill(path, path.with_suffix(".filled.csv"), label) for path in made.rater_files]
    return import_labels(files, made.key_file, find_logs([str(logs)]), raters)


def faults_of(raised):
    return {(fault.place.rpartition("/")[2], str(fault.found)) for fault in raised.value.faults}
