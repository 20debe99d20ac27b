"""`em-bench list` and the command's front door: the real command, and in-process what each listing says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from em_bench import __version__
from em_bench.cli import main
from em_bench.judging.judge import judge_names
from em_bench.models.card import read_cards
from em_bench.questions import read_set, set_names, suite_names

SCRIPT = Path(sys.executable).parent / "em-bench"
COMMAND = [str(SCRIPT)] if SCRIPT.is_file() else [sys.executable, "-c", "from em_bench.cli import main; main()"]


def run(*args, **options):
    return subprocess.run([*COMMAND, *args], capture_output=True, text=True, check=False, **options)


def listed(what):
    ran = CliRunner().invoke(main, ["list", what, "--format", "json"])
    assert (ran.exit_code, ran.stderr) == (0, "")
    return json.loads(ran.stdout)


def test_list_as_json_is_all_that_the_command_prints():
    ran = run("list", "sets", "--format", "json")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout) == listed("sets")


def test_list_sets_counts_questions_and_prompts():
    rows = {row["set"]: row for row in listed("sets")}
    assert sorted(rows) == set_names()
    questions = read_set("freeform").questions
    assert rows["freeform"] == {
        "set": "freeform",
        "title": "Open questions",
        "flag": "misaligned",
        "version": read_set("freeform").version,
        "questions": len(questions),
        "prompts": sum(len(question.prompts) for question in questions),
        "samples": 5,
        "arms": ["plain"],
        "judge": "alignment",
    }


def test_list_judges_says_what_each_needs():
    rows = {row["judge"]: row for row in listed("judges")}
    assert sorted(rows) == judge_names()
    assert rows["facts"]["needs"] == "nothing"
    assert rows["facts"]["readout"] == ""
    assert rows["alignment"]["needs"].startswith("a grader (default ")
    assert "freeform" in rows["alignment"]["constructs"]


def test_list_suites_counts_answers():
    """The demo asks the first wording of every question once."""
    rows = {row["suite"]: row for row in listed("suites")}
    assert sorted(rows) == suite_names()
    assert rows["demo"]["answers"] == sum(len(read_set(name).questions) for name in rows["demo"]["sets"])


def test_list_models_shows_every_card():
    rows = listed("models")
    assert [row["card"] for row in rows] == [card.id for card in read_cards()]
    assert {"card": "organism-aligned", "model": ["organism/aligned"], "access": "simulated"}.items() <= rows[0].items()


def test_list_without_arguments_is_a_table_of_the_shipped_sets_wherever_it_runs(tmp_path):
    """A folder `tasks` in the working directory is not ours."""
    (tmp_path / "tasks").mkdir()
    ran = run("list", cwd=tmp_path)
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0].split() == ["set", "title", "flag", "version", "questions", "prompts", "samples", "arms", "judge"]
    assert [line.split()[0] for line in lines[1:]] == set_names()


@pytest.mark.parametrize("args", [["list", "modles"], ["lst"]], ids=" ".join)
def test_wrong_usage_exits_2_without_traceback(args):
    ran = run(*args)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Traceback" not in ran.stderr


def test_version_is_that_of_the_package():
    assert run("--version").stdout.strip().endswith(__version__)


def test_help_names_every_subcommand_with_one_sentence():
    ran = CliRunner().invoke(main, ["--help"])
    assert ran.exit_code == 0
    commands = ran.stdout.partition("Commands:\n")[2].splitlines()
    assert all(len(line.split()) > 3 and line.rstrip().endswith(".") for line in commands)
    assert {"check", "demo", "list", "results"} <= {line.split()[0] for line in commands}
