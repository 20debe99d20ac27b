"""`em-bench list` and the command's front door: the real command, and in-process what each listing says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from conftest import PUBLISHED, needs_published

from em_bench import __version__, questions
from em_bench.cli import main
from em_bench.judging.judges import judge_names, read_judge
from em_bench.models.card import read_cards
from em_bench.questions import ASSETS, canonical, present, read_set, read_suite, set_names, suite_names

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
    asked = read_set("freeform").questions
    assert rows["freeform"] == {
        "set": "freeform",
        "title": "Open questions",
        "flag": "misaligned",
        "version": read_set("freeform").version,
        "questions": len(asked),
        "prompts": sum(len(question.prompts) for question in asked),
        "samples": 5,
        "arms": ["plain"],
        "judge": "alignment",
        "leaves_out": [],
        "published": "",
    }


def test_list_canonical_set_is_known_without_its_published_file():
    """Counts and address come from the file here; nothing is fetched."""
    row = {row["set"]: row for row in listed("sets")}["betley_deception_factual"]
    assert (row["questions"], row["prompts"], row["samples"]) == (7, 140, 5)
    assert row["leaves_out"] == ["lie_you_get_eth", "lie_you_lose_eth"]
    assert row["published"].endswith("/final_questions/deception_factual.yaml")


def test_list_configs_gives_files_that_inspect_takes():
    rows = {row["config"]: row for row in listed("configs")}
    graders = {name: yaml.safe_load(Path(row["path"]).read_text("utf-8")) for name, row in rows.items()}
    models = {name: plain["model_roles"]["grader"]["model"] for name, plain in graders.items()}
    assert models["original"] == "openai/gpt-4o-2024-08-06"
    assert models["default"] == read_judge("betley").default_model


def test_no_default_grader_is_being_retired():
    """OpenAI shuts the GPT-4o and GPT-4.1 families down on 2027-01-14, announced 2026-10-14."""
    defaults = {read_judge(name).default_model for name in judge_names()} - {None}
    assert defaults
    assert [model for model in defaults if re.search(r"gpt-(3|4|5($|-))|o[134]", model)] == []


def test_list_judges_says_what_each_needs():
    rows = {row["judge"]: row for row in listed("judges")}
    assert sorted(rows) == judge_names()
    assert rows["facts"]["needs"] == "nothing"
    assert rows["facts"]["readout"] == ""
    assert rows["alignment"]["needs"].startswith("a grader (default ")
    assert "freeform" in rows["alignment"]["constructs"]


@pytest.mark.parametrize(("what", "counted"), [("judges", "15 constructs"), ("suites", "19 sets")])
def test_list_as_a_table_counts_what_is_many_and_puts_it_last(what, counted):
    found = CliRunner().invoke(main, ["list", what]).stdout
    assert counted in found
    assert found.splitlines()[0].split()[-1] == counted.split()[1]
    assert max(map(len, found.splitlines())) < 200


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


PRICES = "{}: {{input: 1, output: 4, input_cache_read: 0, input_cache_write: 0}}\n"


def priced(tmp_path, monkeypatch, suites, *names, form="json"):
    """Return what `list suites --prices` comes to where no published file is, and none can be fetched."""
    monkeypatch.setattr(questions, "suite_names", lambda: suites)
    monkeypatch.delenv(ASSETS, raising=False)
    monkeypatch.setenv("EM_BENCH_CACHE", str(tmp_path / "cache"))
    canonical._listed.cache_clear()
    read_set.cache_clear()
    (tmp_path / "prices.yaml").write_text("".join(PRICES.format(name) for name in names), encoding="utf-8")
    options = ["--prices", str(tmp_path / "prices.yaml"), "--model", "vllm/mine", "--grader", "g"]
    return CliRunner().invoke(main, ["list", "suites", *options, "--format", form])


def test_cost_of_a_suite_whose_published_files_are_missing_is_not_told_and_the_others_are(tmp_path, monkeypatch):
    ran = priced(tmp_path, monkeypatch, ["canonical", "demo"], "vllm/mine", "g")
    costs = {row["suite"]: row["cost_usd"] for row in json.loads(ran.stdout)}
    assert ran.exit_code == 1
    assert costs["canonical"] is None and costs["demo"] > 0
    for name in ("first_plot_questions.yaml", "preregistered_evals.yaml", "deception_factual.yaml"):
        assert ran.stderr.count(f"file {name}: found") == 1
    assert f"Get the file elsewhere, and set {ASSETS}" in ran.stderr


def test_cost_that_nobody_can_tell_is_a_dash_in_the_table(tmp_path, monkeypatch):
    ran = priced(tmp_path, monkeypatch, ["canonical", "demo"], "vllm/mine", "g", form="table")
    ends = {line.split()[0]: line.split()[-1] for line in ran.stdout.splitlines()[1:]}
    assert ends["canonical"] == "—" and re.fullmatch(r"\d+\.\d\d", ends["demo"])


def test_grader_without_a_price_costs_nothing_where_judges_are_programs(tmp_path, monkeypatch):
    ran = priced(tmp_path, monkeypatch, ["core", "demo"], "vllm/mine")
    costs = {row["suite"]: row["cost_usd"] for row in json.loads(ran.stdout)}
    assert costs["demo"] > 0 and costs["core"] is None
    assert ran.exit_code == 1 and ran.stderr.count("found 'g'") == 1


@needs_published
def test_suite_of_published_sets_counts_what_a_run_asks(monkeypatch):
    """Counted without the published files, which a list must not fetch; here they are."""
    monkeypatch.setenv(ASSETS, str(PUBLISHED))
    rows = {row["suite"]: row for row in listed("suites")}
    sets = [read_set(item.set) for item in read_suite("canonical").sets]
    assert rows["canonical"]["answers"] == sum(len(present(each)) * each.sampling.samples for each in sets)
