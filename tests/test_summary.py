"""From logs to estimates model by model: the same numbers, whatever is kept, on any number of processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from conftest import model_that_says, small_set
from inspect_ai import Task
from inspect_ai.dataset import Sample
from inspect_ai.scorer import exact

from em_bench.errors import DataError
from em_bench.results import cache
from em_bench.results.answers import read_answers
from em_bench.results.chosen import choose_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.importing import Import, import_recording
from em_bench.results.log_files import find_logs
from em_bench.results.summary import summarise_logs
from em_bench.tasks import build_task

HEADER = "model,question_id,question,answer,aligned,coherent\n"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Return an empty folder to work in, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EM_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def logs(place, evaluate):
    """Return logs of three models: recorded ones that share a name with none, and one asked under two arms."""
    Path("two.csv").write_text(f"{HEADER}m,q,Q?,A,10,90\nm,q,Q?,B,90,90\nn,q,Q?,A,,90\n", encoding="utf-8")
    Path("more.csv").write_text(f"{HEADER}m,q,Q?,C,10,90\n", encoding="utf-8")
    for name in ("two", "more"):
        import_recording(Import((Path(f"{name}.csv"),), "logs"))
    evaluate(build_task(small_set(3), judge="screen", arm="plain,json"), "organism/misaligned-20", epochs=2)
    return find_logs(["logs"])


def plain(estimates):
    """Return estimates as text, in which NaN is like NaN."""
    return [repr(each) for each in estimates]


def test_summary_is_that_of_all_answers_read_at_once(logs):
    expected = plain(estimate_answers(read_answers(logs)))
    assert len(expected) == 5
    for _ in range(2):  # made anew, then as kept
        assert plain(summarise_logs(logs).estimates) == expected


def test_summary_does_not_open_logs_that_did_not_change(logs, place):
    """Neither the logs, nor the tables kept of them."""
    first = plain(summarise_logs(logs).estimates)
    for log in map(Path, logs):
        before = log.stat()
        with log.open("r+b") as file:
            file.write(b"\0" * before.st_size)
        os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
    for table in (place / "cache" / "answers").iterdir():
        head, _, _ = table.read_text("utf-8").partition("\n")
        table.write_text(head, encoding="utf-8")
    assert plain(summarise_logs(logs).estimates) == first


def test_summary_of_a_model_is_made_anew_when_one_of_its_logs_changes_or_goes(logs):
    before = {each.model: each.counts.answers for each in summarise_logs(logs).estimates}
    assert before["m"] == 3
    smaller = [log for log in logs if "more" not in log and read_answers([log])["model"].iloc[0] != "m"]
    of_m = [log for log in logs if log not in smaller]
    after = {each.model: each.counts.answers for each in summarise_logs([*smaller, of_m[0]]).estimates}
    assert after["m"] < 3 and {**after, "m": 3} == before


def test_summary_is_made_anew_when_a_judge_card_of_ones_own_comes(logs, place, monkeypatch):
    """Whether a judge is examined is part of an estimate."""
    summarise_logs(logs)
    lane = next(each.lane for each in summarise_logs(logs).estimates if each.model == "m")
    share = {"share": 1.0, "of": 9, "interval": [0.7, 1.0]}
    counts = dict.fromkeys(("flagged", "clear", "incoherent", "refusal", "off_topic", "unscored"), 1)
    card = {"lane": lane, "sensitivity": share, "specificity": share, "confusion": {"flagged": counts, "clear": counts}}
    (place / "cards").mkdir()
    (place / "cards" / "one.json").write_text(json.dumps(card), encoding="utf-8")
    monkeypatch.setenv("EM_BENCH_CARDS", str(place / "cards"))
    assert all(each.examined for each in summarise_logs(logs).estimates if each.lane == lane)


@pytest.mark.parametrize("spoiled", ["", "{", "null", '{"estimates": [{}], "left_out": []}'])
def test_kept_summary_that_is_broken_is_made_anew(logs, place, spoiled):
    first = plain(summarise_logs(logs).estimates)
    kept = list((place / "cache" / "models").iterdir())
    assert len(kept) == 3
    for file in kept:
        file.write_text(spoiled, encoding="utf-8")
    assert plain(summarise_logs(logs).estimates) == first


def test_every_log_that_cannot_be_read_is_named_beside_what_the_others_say(logs):
    for log in logs[:2]:
        Path(log).write_bytes(b"PK")
    found = summarise_logs(logs)
    assert [fault.place for fault in found.faults] == logs[:2]
    assert plain(found.estimates) == plain(summarise_logs(logs[2:]).estimates)
    for log in logs[2:]:
        Path(log).write_bytes(b"PK")
    with pytest.raises(DataError) as raised:
        summarise_logs(logs)
    assert sorted(fault.place for fault in raised.value.faults) == logs


def test_foreign_logs_are_left_out_each_time_and_alone_are_an_error(logs, evaluate):
    task = Task(dataset=[Sample(input="x", target="x")], scorer=exact())
    other = evaluate(task, model_that_says(lambda prompt: "x")).location
    for _ in range(2):
        told = []
        summarise_logs([*logs, other], report=told.append)
        assert [line.partition(": ")[0] for line in told] == ["left out"]
    with pytest.raises(DataError, match="no sample in any of them"):
        summarise_logs([other])


def test_logs_far_away_are_read_and_kept_until_they_change(logs, monkeypatch):
    """A folder on a file system that only fsspec reaches."""
    memory = fsspec.filesystem("memory")
    for log in logs:
        memory.pipe(f"/board/{Path(log).name}", Path(log).read_bytes())
    far = find_logs(["memory://board"])
    assert len(far) == len(logs)
    expected = plain(summarise_logs(logs).estimates)
    assert plain(summarise_logs(far).estimates) == expected
    with monkeypatch.context() as patched:
        patched.setattr("em_bench.results.summary.read_answers", None)
        assert plain(summarise_logs(far).estimates) == expected
    assert all(cache.log_state(log) for log in far)
    memory.rm("/board", recursive=True)


@pytest.mark.slow
def test_several_processes_and_two_at_once_give_the_same(logs, place):
    """Twenty models, read by two workers, while another process does the same with the same cache."""
    rows = "".join(f"m{n},q{m},Q?,A,{n},90\n" for n in range(20) for m in range(4))
    Path("many.csv").write_text(HEADER + rows, encoding="utf-8")
    import_recording(Import((Path("many.csv"),), "many"))
    many = find_logs(["many"])
    assert len(many) == 20
    expected = plain(estimate_answers(read_answers(many)))
    Path("cache").rename("elsewhere")
    script = (
        "from em_bench.results.log_files import find_logs\n"
        "from em_bench.results.summary import summarise_logs\n"
        "if __name__ == '__main__':\n"
        "    found = summarise_logs(find_logs(['many']), n_processes=2)\n"
        "    print([repr(each) for each in found.estimates])\n"
    )
    Path("summarise.py").write_text(script, encoding="utf-8")
    runs = [
        subprocess.Popen([sys.executable, "summarise.py"], stdout=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(2)
    ]
    assert [run.communicate()[0].strip() for run in runs] == [str(expected)] * 2


def test_summary_chooses_the_answers_that_all_read_at_once_would_choose(logs):
    expected = choose_answers(read_answers(logs), logs, 2, 2)
    assert len(expected) > 4
    for _ in range(2):
        assert sorted(map(repr, summarise_logs(logs, n_shown=2).chosen)) == sorted(map(repr, expected))
    assert summarise_logs(logs).chosen == []


def test_summary_holds_no_answer_twice(logs):
    """A copy of a log counts once, as it does when all are read at once."""
    copy = Path(logs[0]).with_name("copy.eval")
    copy.write_bytes(Path(logs[0]).read_bytes())
    n = sum(each.counts.answers for each in summarise_logs(logs).estimates)
    assert sum(each.counts.answers for each in summarise_logs([*logs, str(copy)]).estimates) == n
    assert isinstance(read_answers(logs), pd.DataFrame)
