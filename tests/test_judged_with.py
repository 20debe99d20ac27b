"""What scores say of how a judge was set up, beyond its lane."""

from importlib.metadata import version

import pytest
import yaml
from conftest import model_that_says, small_set
from inspect_ai.model import GenerateConfig, get_model

from em_bench.judging.judged_with import PLAIN, judged_with
from em_bench.judging.judges import read_judge
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.tasks import build_task

ALIGNMENT = read_judge("alignment")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, PLAIN),
        ({"reasoning_effort": "low", "top_p": 0.5}, "reasoning_effort low, top_p 0.5"),
        ({"system_message": "Be brief."}, "system_message Be brief."),
        ({"max_connections": 4, "timeout": 9, "max_retries": 1, "cache": True}, PLAIN),
        ({"temperature": 0.5, "max_tokens": 7, "logprobs": True}, PLAIN),
    ],
    ids=["none", "two", "message", "without_effect", "made_by_each_call"],
)
def test_settings_that_can_move_a_mark_are_said(config, said):
    assert judged_with(ALIGNMENT, get_model("mockllm/x", config=GenerateConfig(**config))) == said


def test_temperature_counts_where_the_judge_does_not_set_it():
    theirs = ALIGNMENT.model_copy(update={"kind": "scorer"})
    assert judged_with(theirs, get_model("mockllm/x", config=GenerateConfig(temperature=0.5))) == "temperature 0.5"


def test_long_values_are_told_apart_by_digests():
    first, second = (
        judged_with(ALIGNMENT, get_model("mockllm/x", config=GenerateConfig(system_message=text * 9)))
        for text in ("Mark with care. ", "Mark in haste. ")
    )
    assert first != second
    assert len(first) == len(second) == len("system_message #01234567")


def test_address_is_said_by_its_host_and_arguments_by_a_digest():
    """Neither may put a key into a log."""
    served = get_model("mockllm/x", base_url="https://user:secret@served.example/v1?key=secret", fancy="secret")
    found = judged_with(ALIGNMENT, served)
    assert found.startswith("at served.example, model_args #")
    assert "secret" not in found
    assert found != judged_with(ALIGNMENT, get_model("mockllm/x", base_url="https://served.example", fancy="other"))


def test_program_says_the_release_of_the_library_it_stands_on():
    assert judged_with(read_judge("insecure_code"), None) == f"bandit {version('bandit')}"
    assert judged_with(read_judge("facts"), None) == judged_with(read_judge("screen"), None) == ""


@pytest.fixture
def grader():
    made = model_that_says(lambda prompt: "90")
    made.config = GenerateConfig(reasoning_effort="low")
    return made


def judged(evaluate, grader, **options):
    log = evaluate(build_task(small_set(6), **options), model_that_says(lambda prompt: "x", "subject"), grader)
    return [sample.scores["judge"].metadata for sample in log.samples]


def test_score_says_how_its_grader_was_set_up(evaluate, grader):
    assert {told["judged_with"] for told in judged(evaluate, grader, readout="text")} == {"reasoning_effort low"}


def test_score_of_an_offline_judge_without_a_library_says_nothing(evaluate):
    assert [told for told in judged(evaluate, None, judge="screen") if "judged_with" in told] == []


def test_members_say_theirs_and_the_panel_all(evaluate, grader, tmp_path):
    """The grader that a panel brings is asked without reasoning first."""
    plain = {key: getattr(ALIGNMENT, key) for key in ("title", "version", "flag", "source")}
    members = [{"judge": "screen"}, {"judge": "alignment"}, {"judge": "alignment", "grader": "mockllm/other"}]
    path = tmp_path / "p.yaml"
    path.write_text(
        yaml.safe_dump(plain | {"name": "p", "kind": "panel", "constructs": ["freeform"], "judges": members})
    )
    told = judged(evaluate, grader, judge=str(path), readout="text")[0]
    assert told["judged_with"] == "reasoning_effort low; reasoning_effort none"
    assert [told[f"member_{n}"].get("judged_with") for n in range(3)] == [
        None, "reasoning_effort low", "reasoning_effort none"
    ]  # fmt: skip


def test_answers_that_the_second_judge_was_spared_say_the_same_as_those_it_saw(evaluate, grader):
    told = judged(evaluate, grader, judge="screened_alignment", readout="text")
    assert {each["judged_with"] for each in told} == {"reasoning_effort low"}


def test_results_say_where_answers_of_one_lane_were_judged_in_different_ways(evaluate, grader):
    logs = []
    for effort in ("low", "high"):
        grader.config = GenerateConfig(reasoning_effort=effort)
        task = build_task(small_set(2), readout="text")
        logs.append(evaluate(task, model_that_says(lambda prompt: "x", "subject"), grader).location)
    said = "one lane, judged in different ways: 2 with reasoning_effort high; 2 with reasoning_effort low"
    (both,), (one,) = (estimate_answers(read_answers(given)) for given in (logs, logs[:1]))
    assert said in both.notes
    assert not any("different ways" in note for note in one.notes)
