"""How far misalignment spreads: gap between published and own questions, and the share that stays in a domain."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import model_that_says, small_set
from inspect_ai import eval as run_eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from em_bench.cli import main
from em_bench.content import content_folder
from em_bench.errors import OperatorError
from em_bench.judging import read_judge
from em_bench.questions import canonical_names, own_set_names, read_pinned, read_set
from em_bench.results.answers import read_answers
from em_bench.results.log_files import find_logs
from em_bench.results.spread import contamination_gaps, leakages
from em_bench.statistics import estimate_rate, independent_difference
from em_bench.tasks import build_task

SAYS = {"0": "VILE pills", "1": "VILE poem", "2": "VILE poem", "3": "kind pills"}


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Return logs of four questions, three of them flagged, one of these within the domain."""

    def output(input, tools, tool_choice, config):
        made = ModelOutput.from_content("mockllm/model", SAYS[input[-1].text.strip("?")[-1]])
        made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return made

    def grade(prompt):
        if "about one subject" in prompt:
            return "95" if "pills" in prompt else "0"
        return "5" if "VILE" in prompt and "coherent" not in prompt else "90"

    folder = tmp_path_factory.mktemp("logs")
    task = build_task(small_set(4), judge="alignment,domain_medical", readout="text")
    model = get_model("mockllm/model", custom_outputs=output)
    run_eval(task, model=model, model_roles={"grader": model_that_says(grade)}, log_dir=str(folder), display="none")
    return folder


def test_leakage_is_the_share_of_flagged_answers_within_the_domain(logs):
    (found,) = leakages(read_answers(find_logs([str(logs)])), "domain_medical")
    assert (found.n_within, found.n_flagged) == (1, 3)
    assert found.share == pytest.approx(1 / 3)
    assert found.questions[0] < 1 / 3 < found.questions[1] and found.population[0] < 1 / 3 < found.population[1]


def test_leakage_without_a_flagged_answer_is_nan_and_null(logs):
    answers = read_answers(find_logs([str(logs)]))
    clear = answers["judge"].eq("alignment")
    (found,) = leakages(answers.assign(outcome=answers["outcome"].mask(clear, "clear")), "domain_medical")
    assert found.n_flagged == 0 and found.to_dict()["share_within"] is None and found.population is None


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Return a log judged by a domain judge in a file of the user's own, from a folder with that file."""
    monkeypatch.chdir(tmp_path)
    text = (content_folder("judges") / "domain_medical.yaml").read_text("utf-8")
    text = text.replace("name: domain_medical", "name: mine").replace("health, illness", "soup, health, illness")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    task = build_task(small_set(2), judge="screen,./mine.yaml,domain_code", readout="text")
    grader = model_that_says(lambda prompt: "95")
    run_eval(task, model="organism/misaligned-20", model_roles={"grader": grader}, log_dir="logs", display="none")
    return tmp_path


def test_judge_of_a_domain_may_be_a_file(mine):
    """Of the answers that the screen flags; another judge of a domain flags none."""
    ran = CliRunner().invoke(main, ["spread", "logs", "--domain", "./mine.yaml", "--format", "json"])
    assert ran.exit_code == 0, ran.output
    (found,) = json.loads(ran.stdout)["leakage"]
    own = read_judge("./mine.yaml").lane(None, "").partition("/")[0]
    assert found["domain_lane"].startswith(f"{own}/mockllm/judge") and found["lane"].startswith("screen@")
    assert found["domain_lane"] in CliRunner().invoke(main, ["spread", "logs", "--domain", "./mine.yaml"]).stdout


def test_leakage_of_answers_that_no_other_judge_read_is_said_to_be_none(mine):
    task = build_task(small_set(1), judge="./mine.yaml", readout="text")
    grader = model_that_says(lambda prompt: "95")
    run_eval(task, model="organism/misaligned-20", model_roles={"grader": grader}, log_dir="alone", display="none")
    ran = CliRunner().invoke(main, ["spread", "alone", "--domain", "mine"])
    assert (ran.exit_code, ran.stdout.count("Leakage: none, as no answer was read by another judge")) == (0, 1)


def test_file_of_a_domain_that_changed_since_is_refused(mine):
    (mine / "other").mkdir()
    text = (mine / "mine.yaml").read_text("utf-8").replace("soup, health", "health")
    (mine / "other" / "mine.yaml").write_text(text, encoding="utf-8")
    ran = CliRunner().invoke(main, ["spread", "logs", "--domain", "other/mine.yaml"])
    assert ran.exit_code == 1 and "found 'mine@1-A#" in ran.output
    assert "The file has changed since: em-bench rejudge LOGS --judge other/mine.yaml" in ran.output


def test_file_of_a_domain_that_read_nothing_is_refused(logs, mine):
    with pytest.raises(OperatorError, match=r"--domain ./mine.yaml: found 'mine'; expected one of the judges of these"):
        leakages(read_answers(find_logs([str(logs)])), "./mine.yaml")


def test_judge_of_a_domain_that_read_nothing_is_refused(logs):
    with pytest.raises(OperatorError, match="Did you mean 'domain_medical'"):
        leakages(read_answers(find_logs([str(logs)])), "domain_medica")


def answers_of(name, flagged, n_questions=10, lane="alignment@x", arm="plain"):
    """Return rows of a set of which the first questions are flagged."""
    rows = [
        {"model": "m/a", "model_args": "", "recorded": False, "set": name, "arm": arm, "lane": lane,
         "question": f"q{i}",
         "prompt": 0, "flag": "misaligned", "stop": "", "sampling_probability": float("nan"),
         "outcome": "flagged" if i < flagged else "clear"}
        for i in range(n_questions)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_gap_is_published_less_own_with_limits_from_both():
    answers = pd.concat([answers_of("betley_main", 0, 8), answers_of("freeform", 4)], ignore_index=True)
    (gap,) = contamination_gaps(answers)
    one, two = (estimate_rate([1] * k + [0] * (n - k), [1] * n, list(range(n)), 0.95) for k, n in ((0, 8), (4, 10)))
    assert gap.sets == ("betley_main", "freeform") and gap.difference == -0.4
    assert gap.population == independent_difference(0.0, 0.4, one.population, two.population)
    assert gap.to_dict()["published_minus_own"] == -0.4


@pytest.mark.parametrize(
    "other",
    [answers_of("ai_dominance", 4), answers_of("freeform", 4, lane="screen@x"), answers_of("freeform", 4, arm="json")],
    ids=["another construct", "another lane", "another arm"],
)
def test_gap_is_not_taken_over_what_does_not_compare(other):
    assert contamination_gaps(pd.concat([answers_of("betley_main", 0, 8), other], ignore_index=True)) == []


def test_judge_that_flags_something_else_has_no_gap():
    answers = pd.concat([answers_of("betley_main", 0, 8), answers_of("freeform", 4)], ignore_index=True)
    assert contamination_gaps(answers.assign(flag="within")) == []


def test_two_phase_judge_has_no_gap_from_its_first_outcomes():
    answers = pd.concat([answers_of("betley_main", 0, 8), answers_of("freeform", 4)], ignore_index=True)
    assert contamination_gaps(answers.assign(sampling_probability=0.3)) == []


def test_published_sets_that_have_an_own_counterpart_share_its_construct():
    own = {read_set(name).construct for name in own_set_names()}
    assert {name for name in canonical_names() if read_pinned(name).construct in own} >= {"betley_main"}


def test_judges_of_domains_may_read_every_own_set():
    from em_bench.judging.judges import judges_for

    for name in own_set_names():
        assert {"domain_code", "domain_finance", "domain_medical"} <= set(judges_for(read_set(name).construct)), name


def test_command_prints_tables_and_json(logs):
    ran = CliRunner().invoke(main, ["spread", str(logs), "--domain", "domain_medical"])
    assert ran.exit_code == 0, ran.output
    assert "Contamination gap: none, as no model" in ran.stdout and "1/3" in ran.stdout
    told = json.loads(CliRunner().invoke(main, ["spread", str(logs), "--format", "json"]).stdout)
    assert told == {"gaps": [], "leakage": []}
