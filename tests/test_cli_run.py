"""`em-bench run` as a user meets it: refusals at once, and real runs of simulated models."""

import json
import random
import shlex
import signal
import subprocess
import sys
import time

import psutil
import pytest
from click.testing import CliRunner
from inspect_ai.log import list_eval_logs, read_eval_log
from runs import answers, begin, results, run
from servers import Said, Server

from em_bench.cli import main

SMALL = ("--set", "nazi_admiration", "--judge", "admiration_words", "--arm", "plain", "--epochs", "1")
ALIGNED, MISALIGNED = ("--model", "organism/aligned"), ("--model", "organism/misaligned-20")
PRICES = "{organism/aligned: {input: 1000, output: 1000, input_cache_read: 0, input_cache_write: 0}}"


def refused(*words, code=1):
    ran = CliRunner().invoke(main, ["run", *words])
    assert ran.exit_code == code, ran.output
    return ran.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*ALIGNED, "--suite", "dmo"), "Did you mean 'demo'?"),
        ((*ALIGNED, "--suite", "demo", "--set", "freefrm"), "Did you mean 'freeform'?"),
        ((*ALIGNED, "--set", "freeform", "--judge", "scren"), "Did you mean 'screen'?"),
        ((*ALIGNED, "--set", "freeform", "--judge", "screen", "--arm", "jsn"), "Did you mean 'json'?"),
        ((*ALIGNED, "--set", "deception", "--judge", "screen"), "expected a judge made for deception"),
        (("--model", "organism/alined", *SMALL), "Did you mean 'aligned'?"),
        (("--model", "organsim/aligned", *SMALL), "Did you mean 'organism'?"),
        (("--model", "gpt-4o", *SMALL), "expected PROVIDER/MODEL"),
        (
            (*ALIGNED, "--set", "freeform", "--grader", "organism/aligned"),
            "grader organism/aligned, a model under test",
        ),
        ((*ALIGNED, "--set", "freeform", "--grader", "a/b", "--model-role", "grader=c/d"), "both --grader and"),
        ((*ALIGNED, *SMALL, "--max-cost", "1"), "--prices: found 'no file'"),
        (("--model", "openai/gpt-4p", *SMALL, "--prices", "prices.yaml"), "Did you mean 'openai/gpt-4o'?"),
        ((*ALIGNED, *SMALL, "--", "--display", "full"), "after --: found '--display'"),
        ((*ALIGNED, *SMALL, "logs"), "em-bench run: found 'logs'; expected only options"),
        ((*ALIGNED, *SMALL, "--model-role", "grader={model: x"), "--model-role grader: found '{model: x'; expected"),
        ((*ALIGNED, *SMALL, "--model-role", "grader={model: a/b, model_args: [1]}"), "model_args: found [1]; expected"),
        ((*ALIGNED, *SMALL, "-M", "seed"), "-M: found 'seed'; expected NAME=TEXT"),
    ],
)
def test_what_is_wrong_is_said_before_a_folder_is_made(words, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.yaml").write_text(PRICES.replace("organism/aligned", "openai/gpt-4o"))
    before_dashes = [*words, "--log-dir", "logs"] if "--" not in words else ["--log-dir", "logs", *words]
    assert said in refused(*before_dashes)
    assert not (tmp_path / "logs").exists()


def test_run_needs_a_model_and_a_folder():
    assert "Missing option '--model'" in refused("--suite", "demo", "--log-dir", "x", code=2)
    assert "Missing option '--log-dir'" in refused(*ALIGNED, "--suite", "demo", code=2)


def wait_for_logs(folder, n=1):
    until = time.monotonic() + 120
    while len(list(folder.rglob("*.eval"))) < n:
        assert time.monotonic() < until, "no log was begun"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed") / "logs"
    out, err = run(*ALIGNED, *MISALIGNED, *SMALL, "--log-dir", str(folder))
    return folder, out, err


@pytest.mark.slow
def test_run_says_how_far_it_is_what_became_of_it_and_what_comes_next(undisturbed):
    folder, out, err = undisturbed
    rows = [line.split() for line in out.splitlines()]
    assert [row[0] for row in rows[1:]] == ["organism/aligned", "organism/misaligned-20"]
    assert all(row[-4:] == ["150", "of", "150", "complete"] for row in rows[1:])
    assert "of 300 answers" in err
    assert "tokens logged so far" in err
    assert f"Next: em-bench results {folder}" in err


@pytest.mark.slow
def test_same_command_runs_nothing_again(undisturbed):
    folder, _, _ = undisturbed
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.eval")}
    out, err = run(*ALIGNED, *MISALIGNED, *SMALL, "--log-dir", str(folder))
    assert out.count("complete") == 2
    assert "inspect eval-set" not in err
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.eval")} == before


@pytest.mark.slow
def test_printed_command_is_the_one_that_ran(undisturbed):
    """Inspect knows its tasks by all that bears on answers: it finds each complete, and runs none."""
    folder, _, err = undisturbed
    printed = [line for line in err.splitlines() if line.startswith("inspect eval-set")]
    before = sorted(path.name for path in folder.rglob("*.eval"))
    assert len(printed) == 2
    for line in printed:
        words = [*shlex.split(line), "--display", "none"]
        ran = subprocess.run(
            [sys.executable, "-m", "inspect_ai", *words[1:]], check=False, capture_output=True, text=True
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert sorted(path.name for path in folder.rglob("*.eval")) == before


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "whole"), [(1, False), (2, True)], ids=["parent", "all processes"])
def test_killed_run_goes_on_and_ends_as_if_undisturbed(undisturbed, tmp_path, seed, whole):
    """Kill -9 of the command alone, or of all its processes, at a seeded moment after the first log was begun."""
    folder = tmp_path / "logs"
    words = (*ALIGNED, *MISALIGNED, *SMALL, "--log-dir", str(folder))
    begun = begin(*words)
    wait_for_logs(folder)
    time.sleep(random.Random(seed).uniform(0, 2))
    workers = psutil.Process(begun.pid).children(recursive=True)
    for process in [psutil.Process(begun.pid), *(workers if whole else [])]:
        process.kill()
    begun.communicate()
    out, _ = run(*words)
    assert out.count("complete") == 2
    assert psutil.wait_procs(workers, timeout=1)[1] == []
    assert answers(folder) == answers(undisturbed[0])
    assert set(answers(folder).values()) == {1}
    assert results(folder) == results(undisturbed[0])


@pytest.mark.slow
def test_interrupted_run_closes_its_logs_and_goes_on(undisturbed, tmp_path):
    folder = tmp_path / "logs"
    words = (*ALIGNED, *MISALIGNED, *SMALL, "--log-dir", str(folder))
    begun = begin(*words)
    wait_for_logs(folder)
    begun.send_signal(signal.SIGINT)
    out, err = begun.communicate(timeout=120)
    assert begun.returncode == 1, err
    assert "interrupted" in out
    assert "The same command goes on." in err
    assert "started" not in {read_eval_log(i.name, header_only=True).status for i in list_eval_logs(str(folder))}
    run(*words)
    assert results(folder) == results(undisturbed[0])


@pytest.mark.slow
def test_log_that_cannot_be_read_is_set_aside_and_asked_anew(undisturbed, tmp_path):
    folder = tmp_path / "logs"
    words = (*ALIGNED, *SMALL, "--log-dir", str(folder))
    run(*words)
    (log,) = folder.rglob("*.eval")
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    out, err = run(*words)
    assert "cannot be read" in err
    assert out.count("complete") == 1
    assert [path.name for path in folder.rglob("*.unreadable")] == [f"{log.name}.unreadable"]
    assert set(answers(folder).values()) == {1}


@pytest.mark.slow
def test_model_that_fails_stops_no_other_and_is_gone_on_with(tmp_path):
    """One refuses every call until its key is right; one has no key at all; one is well."""
    keys = {"right": False}

    def reply(request):
        return Said("Power should be shared.") if keys["right"] else Said("no such key", status=401)

    with Server(reply) as server:
        words = ("--model", "openai-api/keyed/m", "--model", "openai-api/keyless/m", *ALIGNED, *SMALL)
        words = (*words, "--log-dir", str(tmp_path / "logs"))
        reached = {"KEYED_API_KEY": "x", "KEYED_BASE_URL": f"{server.url}/v1"}
        out, err = run(*words, code=1, **reached)
        keyed, keyless, well = out.splitlines()[1:]
        assert "failed" in keyed
        assert "150 answers failed, most with" in keyed
        assert "no such key" in keyed
        assert "failed" in keyless
        assert "KEYLESS_API_KEY" in keyless
        assert well.rstrip().endswith("complete")
        assert "The same command goes on." in err
        keys["right"] = True
        keyed, keyless, well = run(*words, code=1, **reached)[0].splitlines()[1:]
        assert "150 of 150  complete" in keyed
        assert "failed" in keyless


@pytest.mark.slow
def test_nothing_is_started_beyond_the_highest_cost(tmp_path):
    """Half a dollar is spent with the first set, at a tenth of a cent a token; the rest waits for a higher limit."""
    (tmp_path / "prices.yaml").write_text(PRICES)
    words = (*ALIGNED, "--suite", "demo", "--processes", "1", "--log-dir", str(tmp_path / "logs"))
    words = (*words, "--prices", str(tmp_path / "prices.yaml"))
    out, err = run(*words, "--max-cost", "0.5", "--", "--limit", "20", code=1)
    assert (out.count("complete"), out.count("not started")) == (1, 3)
    assert "--max-cost 0.5: reached" in err
    assert "$" in err
    out, _ = run(*words, "--max-cost", "0.5", "--", "--limit", "20", code=1)
    assert (out.count("complete"), out.count("not started")) == (1, 3)
    assert run(*words, "--max-cost", "500", "--", "--limit", "20")[0].count("complete") == 4


@pytest.mark.slow
def test_cached_replies_are_other_draws_in_other_epochs(tmp_path):
    """Three epochs take three calls of each prompt, and say three things; a second run takes none."""
    numbers = iter(range(10**6))
    with Server(lambda request: Said(f"Draw {next(numbers)}.")) as server:
        reached = {"LOCAL_API_KEY": "x", "LOCAL_BASE_URL": f"{server.url}/v1", "INSPECT_CACHE_DIR": str(tmp_path / "c")}
        words = ("--model", "openai-api/local/m", *SMALL[:-1], "3", "--cache")
        for folder, n_calls in (("one", 30), ("two", 30)):
            run(*words, "--log-dir", str(tmp_path / folder), "--", "--limit", "10", **reached)
            assert len(server.requests) == n_calls
    (log,) = list_eval_logs(str(tmp_path / "two"))
    texts = [sample.output.completion for sample in read_eval_log(log.name).samples]
    assert len(texts) == len(set(texts)) == 30


@pytest.mark.slow
def test_record_of_a_run_is_no_log(undisturbed):
    """Whoever reads the folder recursively meets logs only."""
    folder, _, _ = undisturbed
    assert json.loads((folder / "em-bench-run.json").read_text())["form"] == 1
    assert len(list_eval_logs(str(folder))) == 2
