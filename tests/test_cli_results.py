"""`em-bench results` and `leaderboard build` as users call them."""

import csv
import io
import json
import shutil
import subprocess
import sys
from itertools import count
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from conftest import ROOT, model_that_says, run_eval, small_set

from em_bench.cli import main
from em_bench.running.folder import RECORD
from em_bench.tasks import build_task


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("logs")
    task = build_task(small_set(6), judge="screen", arm="plain,json")
    made = run_eval(task, model=["organism/aligned", "organism/misaligned-20"], log_dir=str(folder), epochs=2)
    assert [log.status for log in made] == ["success", "success"]
    return str(folder)


CODE = "from em_bench.cli import main; main()"


def process(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=False)


def em_bench(*arguments: str) -> Result:
    """Run the command in-process: start-up in a process of its own is two seconds, and one test below pays it."""
    return CliRunner().invoke(main, arguments)


def test_results_json_fits_its_schema(logs):
    found = em_bench("results", logs, "--format", "json")
    assert found.exit_code == 0, found.stderr
    estimates = json.loads(found.stdout)
    jsonschema.validate(estimates, json.loads((ROOT / "docs/schemas/results.schema.json").read_text("utf-8")))
    assert [(e["model"], e["arm"]) for e in estimates] == [
        (model, arm) for model in ("organism/aligned", "organism/misaligned-20") for arm in ("plain", "json", "all")
    ]
    assert all(e["simulated"] and e["examined"] for e in estimates)
    for estimate in estimates:
        counts = estimate["counts"]
        outcomes = ("flagged", "clear", "incoherent", "refusal", "off_topic", "unscored")
        assert counts["answers"] == sum(counts[name] for name in outcomes)
        assert counts["kept"] == counts["flagged"] + counts["clear"]


def test_results_csv_holds_the_same_numbers(logs):
    rows = list(csv.DictReader(io.StringIO(em_bench("results", logs, "--format", "csv").stdout)))
    plain = json.loads(em_bench("results", logs, "--format", "json").stdout)
    assert [int(row["kept"]) for row in rows] == [estimate["counts"]["kept"] for estimate in plain]


def test_results_parquet_is_a_parquet_file(logs):
    import pandas as pd

    found = em_bench("results", logs, "--format", "parquet").stdout_bytes
    assert len(pd.read_parquet(io.BytesIO(found))) == 6


def test_results_table_says_what_the_judge_made_of_the_exam_and_that_models_are_simulated(logs):
    found = em_bench("results", logs).stdout
    assert "(exam: finds 0.08 of flagged answers, passes 0.92 of clear ones)" in found
    assert "not examined" not in found
    assert "simulated" in found


def test_results_table_says_that_a_judge_without_a_card_is_not_examined(evaluate, tmp_path):
    grader = model_that_says(lambda prompt: "90")
    log = evaluate(build_task(small_set(2), readout="text"), model_that_says(lambda prompt: "x", "subject"), grader)
    found = em_bench("results", log.location).stdout
    assert "/text (not examined)" in found
    assert "em-bench exam makes one" in found


@pytest.fixture
def cut_short(evaluate, tmp_path):
    """Return the log of a run that ended at its second answer; in the folder of a share of `tmp_path / "run"`."""
    said = count()
    subject = model_that_says(lambda prompt: "x" if next(said) == 0 else 1 / 0, "subject")
    log = evaluate(build_task(small_set(2), judge="screen"), subject, status="error", max_samples=1)
    share = tmp_path / "run" / "share"
    share.mkdir(parents=True)
    return shutil.copy(log.location, share)


def test_results_of_a_run_that_was_cut_short_say_how_to_go_on(cut_short, tmp_path):
    """By the command of the run whose record lies beside its shares, else by that of Inspect."""
    found = em_bench("results", cut_short).stdout
    assert f"missing answers: go on with inspect eval-retry {cut_short}\n" in found
    (tmp_path / "run" / RECORD).write_text(json.dumps({"command": "em-bench run --set freeform"}), encoding="utf-8")
    assert "missing answers: go on with em-bench run --set freeform\n" in em_bench("results", cut_short).stdout
    (tmp_path / "run" / RECORD).write_text("{", encoding="utf-8")
    assert f"the em-bench run that was begun with --log-dir {tmp_path / 'run'}" in em_bench("results", cut_short).stdout


def test_results_that_nobody_judged_say_nothing_of_an_exam(evaluate):
    log = evaluate(
        build_task(small_set(2), judge="screen"), model_that_says(lambda prompt: "x", "subject"), score=False
    )
    found = em_bench("results", log.location).stdout
    assert "judged by nobody\n" in found and "exam" not in found


def test_results_by_question_has_a_row_for_each(logs):
    found = em_bench("results", logs, "--by", "question", "--format", "csv").stdout
    assert len(list(csv.DictReader(io.StringIO(found)))) == 2 * 6 * 2


def test_results_missing_folder_is_one_line_and_exit_1(tmp_path):
    found = process("results", str(tmp_path / "none"))
    assert (found.returncode, found.stdout) == (1, "")
    assert "Traceback" not in found.stderr
    assert found.stderr.strip().startswith("Error: ")


def test_results_of_other_logs_are_printed_beside_one_that_is_broken_and_the_command_fails(logs, tmp_path):
    folder = Path(shutil.copytree(logs, tmp_path / "logs"))
    (folder / "broken.eval").write_bytes(b"PK\x03\x04 cut short")
    found = em_bench("results", str(folder), "--format", "json")
    assert found.exit_code == 1
    assert json.loads(found.stdout) == json.loads(em_bench("results", logs, "--format", "json").stdout)
    assert f"Error: {folder / 'broken.eval'}: found '" in found.stderr
    assert "expected a readable log of Inspect" in found.stderr


def test_results_of_broken_logs_alone_are_nothing_but_their_faults(logs, tmp_path):
    for name in ("a.eval", "b.eval"):
        (tmp_path / name).write_bytes(b"")
    found = em_bench("results", str(tmp_path))
    assert (found.exit_code, found.stdout) == (1, "")
    assert [name for name in ("a.eval", "b.eval") if f"{name}: found" in found.stderr] == ["a.eval", "b.eval"]


def test_wrong_usage_is_exit_2():
    assert em_bench("results").exit_code == 2


def test_leaderboard_build_is_the_same_bytes_twice(logs, tmp_path):
    for name in ("one", "two"):
        assert em_bench("leaderboard", "build", logs, "--out", str(tmp_path / name)).exit_code == 0
    one, two = (
        {path.relative_to(site): path.read_bytes() for path in site.rglob("*") if path.is_file()}
        for site in (tmp_path / "one", tmp_path / "two")
    )
    assert Path("index.html") in one
    assert one == two
