"""All that a decision needs of logs is read, and what cannot be read is named and raises nothing."""

import os
from pathlib import Path

from conftest import model_that_says
from inspect_ai import Task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import exact

from em_bench.results.logs import read_logs


def foreign_log(evaluate):
    """Return the log of a task of somebody else's."""
    task = Task(dataset=[Sample(input="x", target="x")], scorer=exact())
    return evaluate(task, model_that_says(lambda prompt: "x")).location


def test_log_that_is_left_out_is_said_once_however_many_cannot_be_read(logs, evaluate):
    foreign_log(evaluate)
    for name in ("a.eval", "b.eval"):
        (logs / name).write_bytes(b"no log")
    said = []
    found = read_logs([str(logs)], said.append)
    assert [line.partition(": ")[0] for line in said] == ["left out"]
    assert (len(found.faults), len(found.runs)) == (2, 2)


def test_log_whose_answers_are_kept_but_that_cannot_be_read_any_more_is_named(logs):
    """What was kept of it would still be there: nobody can tell what it holds now, or how it was asked."""
    assert len(read_logs([str(logs)]).answers) == 24
    log = min(logs.glob("*.eval"))
    before = log.stat()
    with log.open("r+b") as file:
        file.write(b"\0" * before.st_size)
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
    found = read_logs([str(logs)])
    assert (len(found.answers), len(found.runs)) == (12, 1)
    (fault,) = found.faults
    assert log.name in fault and "expected a readable log of Inspect" in fault


def test_logs_of_which_none_can_be_read_hold_nothing(tmp_path):
    Path(tmp_path / "a.eval").write_bytes(b"no log")
    found = read_logs([str(tmp_path)])
    assert (found.answers.empty, found.runs, len(found.faults)) == (True, [], 1)


def test_remote_folder_that_cannot_be_listed_is_named_beside_what_can(logs):
    found = read_logs([str(logs), "nobody://logs"])
    assert (len(found.answers), len(found.faults)) == (24, 1)
    assert found.faults[0].startswith("nobody://logs: found 'ValueError")
