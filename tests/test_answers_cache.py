"""What was read from a log is kept until the log changes, and never stands in the way."""

import json
import os
import shutil
import time
from pathlib import Path

import pandas as pd
import pytest
from conftest import model_that_says, small_set
from inspect_ai import Task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import exact

from em_bench.errors import DataError
from em_bench.results import answers, cache
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.importing import Import, import_recording
from em_bench.results.log_files import find_logs
from em_bench.tasks import build_task

HEADER = "model,question_id,question,answer,aligned,coherent\n"


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """Return the folder in which tables are kept."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EM_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "answers"


@pytest.fixture
def log(kept):
    """Return a log of three answers: flagged, clear, unscored."""
    return made("m,q,Q?,A,10,90\nm,q,Q?,B,90,90\nm,r,R?,A,,90\n")


def made(rows, name="answers.csv"):
    Path(name).write_text(HEADER + rows, encoding="utf-8")
    (one,) = import_recording(Import((Path(name),), "logs"))
    return Path(one)


def table(*logs):
    return read_answers([str(log) for log in logs])


def spoil(log):
    """Make a log unreadable, so that its file looks the same from outside."""
    before = log.stat()
    with log.open("r+b") as file:
        file.write(b"\0" * before.st_size)
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_second_read_does_not_open_the_log(log):
    first = table(log)
    spoil(log)
    pd.testing.assert_frame_equal(table(log), first)


def test_log_that_nothing_is_kept_of_is_opened(log, kept):
    table(log)
    spoil(log)
    shutil.rmtree(kept)
    with pytest.raises(DataError, match="expected a readable log of Inspect"):
        table(log)


def test_tables_and_estimates_are_the_same_cold_and_warm(kept, evaluate):
    """Over what columns can hold: NaN, None, missing answers, several judges and arms, and one row alone."""
    made("m,q,Q?,A,10,90\nm,q,Q?,,90,\n")
    made("n,q,Q?,A,10,90\n", "one.csv")
    task = build_task(small_set(3), judge="screen,alignment", arm="plain,json", readout="logprobs")
    grader = model_that_says(lambda prompt: {"10": 1.0} if "Question 1" in prompt else {"CODE": 1.0})
    evaluate(task, "organism/misaligned-20", grader, epochs=2, limit=4)
    logs = find_logs(["logs"])
    cold = read_answers(logs)
    assert len(list(kept.iterdir())) == 3
    warm = read_answers(logs)
    pd.testing.assert_frame_equal(warm, cold)
    said = [json.dumps([each.to_dict() for each in estimate_answers(one)]) for one in (cold, warm)]
    assert said[0] == said[1]


def test_log_that_changed_is_read_anew(log):
    """The same path, with another mark in it."""
    assert table(log)["outcome"].tolist() == ["flagged", "clear", "unscored"]
    other = made("m,q,Q?,A,90,90\nm,q,Q?,B,90,90\nm,r,R?,A,,90\n", "other.csv")
    shutil.copy(other, log)
    assert table(log)["outcome"].tolist() == ["clear", "clear", "unscored"]


@pytest.mark.parametrize("way", ["content", "time", "file"])
def test_any_change_of_the_file_is_a_change_of_the_log(log, way):
    table(log)
    before = log.stat()
    if way == "content":
        log.write_bytes(log.read_bytes()[:-1])
        os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif way == "time":
        spoil(log)
        os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    else:
        shutil.copy2(log, "copy")
        spoil(Path("copy"))
        Path("copy").replace(log)
    assert cache.load(str(log)) is None


def test_log_that_changes_while_it_is_read_is_read_anew(log, monkeypatch):
    """As when a run ends while `em-bench results` is looking at its log."""
    other = made("m,q,Q?,A,90,90\nm,q,Q?,B,90,90\nm,r,R?,A,,90\n", "other.csv")
    read = answers._columns

    def read_and_change(rows):
        columns = read(rows)
        shutil.copy(other, log)
        return columns

    with monkeypatch.context() as patched:
        patched.setattr(answers, "_columns", read_and_change)
        table(log)
    assert table(log)["outcome"].tolist() == ["clear", "clear", "unscored"]


def test_two_logs_have_two_tables_whatever_their_names(kept):
    for folder in ("one", "two"):
        log = made("m,q,Q?,A,10,90\n" if folder == "one" else "m,q,Q?,A,90,90\n", f"{folder}.csv")
        Path(folder).mkdir()
        log.replace(f"{folder}/same.eval")
    for _ in range(2):
        assert table("one/same.eval")["outcome"].tolist() == ["flagged"]
        assert table("two/same.eval")["outcome"].tolist() == ["clear"]
    assert len(list(kept.iterdir())) == 2


def test_relative_path_and_address_of_a_file_mean_the_same_log(log, kept):
    table(log)
    spoil(log)
    for name in (str(log), str(log.absolute()), f"file://{log.absolute()}"):
        assert len(read_answers([name])) == 3
    assert len(list(kept.iterdir())) == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut_short"),
        pytest.param(b"\xff\xfe", id="no_text"),
        pytest.param(b"null", id="nothing"),
        pytest.param(b"[]", id="list"),
        pytest.param(b"{}", id="no_keys"),
        pytest.param(b'{"of": [], "n_rows": 3, "columns": {}}', id="of_another_log"),
    ],
)
def test_kept_table_that_is_broken_is_passed_over_and_mended(log, kept, content):
    first = table(log)
    (file,) = kept.iterdir()
    whole = file.read_bytes()
    file.write_bytes(content)
    pd.testing.assert_frame_equal(table(log), first)
    assert file.read_bytes() == whole


@pytest.mark.parametrize("columns", [[], {"log": ["a", "b"], "task": ["c", "d", "e"]}], ids=["list", "ragged"])
def test_kept_table_of_another_form_is_passed_over(log, kept, columns):
    first = table(log)
    (file,) = kept.iterdir()
    head, _, _ = file.read_text("utf-8").partition("\n")
    file.write_text(f"{head}\n{json.dumps(columns)}", encoding="utf-8")
    pd.testing.assert_frame_equal(table(log), first)


@pytest.mark.parametrize("where", ["", "below/it"], ids=["file", "below_a_file"])
def test_cache_that_cannot_be_written_is_no_error(log, monkeypatch, where):
    Path("taken").write_text("a file", encoding="utf-8")
    monkeypatch.setenv("EM_BENCH_CACHE", str(Path("taken", where)))
    first = table(log)
    pd.testing.assert_frame_equal(table(log), first)
    assert Path("taken").read_text(encoding="utf-8") == "a file"


def test_full_disk_is_no_error_and_leaves_nothing(log, kept, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(cache.Path, "replace", full)
        assert len(table(log)) == 3
    assert list(kept.iterdir()) == []


def test_log_that_is_none_of_ours_is_left_out_each_time(log, evaluate):
    task = Task(dataset=[Sample(input="x", target="x")], scorer=exact())
    other = evaluate(task, model_that_says(lambda prompt: "x"))
    for _ in range(2):
        told = []
        assert len(read_answers([str(log), other.location], told.append)) == 3
        assert [line.partition(": ")[0] for line in told] == ["left out"]


def test_oldest_tables_are_removed_where_there_are_too_many(log, kept, monkeypatch):
    monkeypatch.setattr(cache, "_MOST_FILES", 10)
    monkeypatch.setattr(cache, "_EVERY", 1)
    kept.mkdir(parents=True)
    for number in range(10):
        old = kept / f"{number}.json"
        old.write_text("{}", encoding="utf-8")
        os.utime(old, (number, number))
    assert time.time() > 10
    table(log)
    assert sorted(path.name for path in kept.iterdir() if len(path.stem) == 1) == [f"{n}.json" for n in range(1, 10)]
