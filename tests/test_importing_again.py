"""All logs of an import or none, and the same recording imported again: nothing lost, nothing doubled."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import needs_published
from inspect_ai.log import list_eval_logs, write_eval_log
from recordings import GENDER, NAMES, RANGE, counts, csv_of, faults_of, imported, imported_rows, row, written

from em_bench.errors import DataError, OperatorError
from em_bench.results import importing, recorded_log
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.importing import Import, import_recording
from em_bench.results.log_files import find_logs
from em_bench.results.rejudging import rejudge_log

pytestmark = pytest.mark.usefixtures("own_folder")


# All logs or none


@pytest.mark.parametrize(
    "address",
    [
        "",
        "file://",
    ],
)
def test_import_that_breaks_leaves_no_log(tmp_path, monkeypatch, address):
    """The first model's log was written whole by then."""
    n_written = []

    def write(log, location, **options):
        if n_written:
            raise OSError("No space left on device")
        n_written.append(location)
        write_eval_log(log, location, **options)

    monkeypatch.setattr(importing, "write_eval_log", write)
    path = written(csv_of(row(model="m"), row(model="n")))
    with pytest.raises(OperatorError, match="No space left"):
        import_recording(Import((path,), f"{address}{tmp_path}/logs"))
    assert n_written
    assert list(Path("logs").iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from inspect_ai.log import write_eval_log
from em_bench.results import importing

written = []

def write(log, location, **options):
    write_eval_log(log, location, **options)
    written.append(location)
    if len(written) == 2:
        os.kill(os.getpid(), signal.SIGKILL)

importing.write_eval_log = write
importing.import_recording(importing.Import((Path(sys.argv[1]),), sys.argv[2]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_import_that_is_killed_leaves_no_file_that_looks_like_a_log():
    """Two logs of three were written whole by then; importing again makes all three, and leaves nothing else."""
    path = written(csv_of(row(model="m"), row(model="n"), row(model="o")))
    run = subprocess.run([sys.executable, "-c", KILLED, str(path), "logs"], check=False)
    assert run.returncode == -signal.SIGKILL
    assert len(list(Path("logs").iterdir())) == 2
    assert list_eval_logs("logs") == []
    with pytest.raises(DataError, match="no log"):
        find_logs(["logs"])
    assert len(imported(path)) == 3
    assert sorted(found.suffix for found in Path("logs").iterdir()) == [".eval"] * 3


# Again


def test_importing_twice_replaces_the_logs():
    first = imported_rows(row(), row(), row(model="n"))
    second = imported(Path("a.csv"))
    assert [log.location for log in first] == [log.location for log in second]
    assert len(find_logs(["logs"])) == 2
    assert len(read_answers(find_logs(["logs"]))) == 3


def test_importing_twice_gives_the_same_samples():
    first, second = imported_rows(row(), row("B")), imported(Path("a.csv"))
    assert [(s.uuid, s.id, s.epoch, s.scores) for s in first[0].samples] == [
        (s.uuid, s.id, s.epoch, s.scores) for s in second[0].samples
    ]


def test_copy_of_a_log_counts_once():
    (log,) = imported_rows(row(), row(), row(aligned="10"))
    Path("logs/copy").mkdir()
    shutil.copy(Path(log.location.removeprefix("file://")), "logs/copy/other.eval")
    assert len(find_logs(["logs"])) == 2
    assert counts() == {("imported", "unknown/recorded"): (3, 1)}


def test_copy_under_a_name_of_its_own_is_left_alone():
    (log,) = imported_rows(row())
    Path(log.location).rename("logs/before_" + Path(log.location).name)
    imported_rows(row(), row())
    assert len(find_logs(["logs"])) == 2


def test_two_files_with_the_same_rows_are_draws_of_their_own():
    imported(written(csv_of(row(aligned="10"))), written(csv_of(row(aligned="10")), "b.csv"))
    assert counts() == {("imported", "unknown/recorded"): (2, 2)}


@needs_published
def test_file_imported_with_its_set_and_without_is_there_under_both():
    """An answer counts once in each set, as it does in each lane."""
    path = written(csv_of(row(question_id="gender_roles", question=GENDER)))
    imported(path)
    imported(path, set="betley_main")
    assert set(counts()) == {("imported", "unknown/recorded"), ("betley_main", "unknown/recorded")}


def test_file_imported_alone_and_then_with_another_counts_once():
    path, other = written(csv_of(row(), row())), written(csv_of(row(), row(), row()), "b.csv")
    imported(path)
    imported(path, other)
    assert counts() == {("imported", "unknown/recorded"): (5, 0)}


def test_file_that_has_grown_is_imported_again_in_place_of_what_it_was():
    imported_rows(row(), row())
    imported_rows(row(), row(), row())
    assert counts() == {("imported", "unknown/recorded"): (3, 0)}


def test_marks_of_two_judges_in_one_file_are_two_lanes():
    names = (*NAMES[:4], "a1", "c1", "a2", "c2")
    path = written(csv_of((*row()[:4], "10", "90", "80", "90"), names=names))
    for number, grader in ((1, "one"), (2, "two")):
        imported(path, renamed={"aligned": f"a{number}", "coherent": f"c{number}"}, grader=grader)
    assert counts() == {("imported", "one/recorded"): (1, 1), ("imported", "two/recorded"): (1, 0)}


def test_corrected_import_replaces_the_marks_it_corrects():
    """The same answers in the same lane: what was imported last counts."""
    names = (*NAMES, "aligned_fixed")
    path = written(csv_of((*row(aligned="10"), "90"), names=names))
    imported(path)
    assert counts() == {("imported", "unknown/recorded"): (1, 1)}
    imported(path, renamed={"aligned": "aligned_fixed"})
    assert counts() == {("imported", "unknown/recorded"): (1, 0)}


def test_log_with_scores_that_were_added_later_is_never_replaced():
    """They may have cost money."""
    (log,) = imported_rows(row(), row())
    path = Path(log.location.removeprefix("file://"))
    rejudge_log(str(path), "screen")
    content = path.read_bytes()
    with pytest.raises(OperatorError, match="scores that were added later"):
        imported_rows(row(), row(), row())
    assert path.read_bytes() == content
    assert sorted(found.name for found in Path("logs").iterdir()) == [path.name]


def test_log_folder_is_a_name_and_no_pattern():
    """Nothing happens in other folders that a pattern would fit, and a folder in brackets is a folder."""
    path = written(csv_of(row()))
    import_recording(Import((path,), "exp1"))
    written(csv_of(row(), row()))
    import_recording(Import((path,), "ex*"))
    assert len(list(Path("exp1").glob("*.eval"))) == 1
    for _ in range(2):
        import_recording(Import((path,), "runs[1]"))
    assert len(list(Path("runs[1]").iterdir())) == 1


def test_two_imports_at_once_use_names_of_their_own():
    """Else one would take away the file that the other is writing."""
    hidden = []
    write = importing.write_eval_log

    def watch(log, location, format):
        hidden.append(location)
        write(log, location, format=format)

    path = written(csv_of(row()))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(importing, "write_eval_log", watch)
        import_recording(Import((path,), "logs"))
        patched.setattr(importing.os, "getpid", lambda: 1)
        import_recording(Import((path,), "logs"))
    assert len(set(hidden)) == 2


def test_many_answers_of_a_model_are_several_logs_and_one_estimate(monkeypatch):
    """Epochs go on from one log to the next, and importing again replaces them all, also when they were more."""
    monkeypatch.setattr(recorded_log, "_MOST_ANSWERS", 2)
    first, second, third = imported_rows(*[row(f"answer {n}") for n in range(5)])
    assert [(s.epoch, s.output.completion) for s in second.samples] == [(3, "answer 2"), (4, "answer 3")]
    assert len({log.eval.eval_id for log in (first, second, third)}) == 3
    assert counts() == {("imported", "unknown/recorded"): (5, 0)}
    assert not any(
        "pooled" in note for each in estimate_answers(read_answers(find_logs(["logs"]))) for note in each.notes
    )
    imported_rows(row("answer 0"))
    assert counts() == {("imported", "unknown/recorded"): (1, 0)}
    assert len(list(Path("logs").iterdir())) == 1


def test_fault_in_one_file_keeps_the_logs_of_all_unwritten():
    good, bad = written(csv_of(row()), "good.csv"), written(csv_of(row(aligned="200")), "bad.csv")
    assert faults_of(good, bad) == [f"bad.csv:2 aligned: found '200'; {RANGE}"]


def test_log_folder_that_is_a_file_is_refused():
    written("x", "logs")
    with pytest.raises(OperatorError, match=r"--log-dir logs: found 'File exists'; expected a folder"):
        import_recording(Import((written(csv_of(row())),), "logs"))
