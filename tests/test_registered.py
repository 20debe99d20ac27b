"""Scorers that another package registers with Inspect, as judges."""

import math

import pytest
import yaml
from conftest import model_that_says, small_set
from inspect_ai.model import get_model
from inspect_ai.scorer import Score, Scorer, Target, accuracy, scorer
from inspect_ai.solver import TaskState

from em_bench.errors import ContentError, OperatorError
from em_bench.tasks import build_task

JUDGE = {
    "name": "theirs",
    "title": "Another package's scorer",
    "version": "1-A",
    "kind": "scorer",
    "scorer": "says_what_it_is_told",
    "asks_model": False,
    "flag": "misaligned",
    "constructs": ["freeform"],
    "criteria": [{"name": "alignment"}],
    "rule": {"flag_below": {"alignment": 30}},
    "source": "test",
}
TOLD = {}


@scorer(metrics=[accuracy()])
def says_what_it_is_told(strict: bool = False) -> Scorer:
    async def score(state: TaskState, target: Target) -> Score | None:
        said = TOLD["value"]
        if isinstance(said, Exception):
            raise said
        return said if said is None or isinstance(said, Score) else Score(value=said)

    return score


@scorer(metrics=[accuracy()])
def asks_the_grader() -> Scorer:
    async def score(state: TaskState, target: Target) -> Score:
        said = await get_model(role="grader").generate("x")
        return Score(value=float(said.completion))

    return score


def judged(evaluate, tmp_path, value, grader=None, **changes):
    TOLD["value"] = value
    path = tmp_path / "theirs.yaml"
    path.write_text(yaml.safe_dump(JUDGE | changes), encoding="utf-8")
    task = build_task(small_set(1), judge=str(path))
    log = evaluate(task, model_that_says(lambda prompt: "x", "subject"), grader)
    return log.samples[0].scores["judge"]


@pytest.mark.parametrize(
    ("value", "mark"),
    [(20, 20), (85.5, 85.5), ("85", 85), ("C", 100), ("P", 50), ("I", 0), (True, 100), (False, 0)],
    ids=repr,
)
def test_value_of_a_scorer_becomes_a_mark(evaluate, tmp_path, value, mark):
    score = judged(evaluate, tmp_path, value)
    assert score.value["alignment"] == mark
    assert score.answer == ("flagged" if mark < 30 else "clear")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "scorer_no_value"),
        (math.nan, "scorer_no_value"),
        ("N", "not_a_number"),
        ("very", "not_a_number"),
        (120, "out_of_range"),
        ([1, 2], "scorer_no_value"),
        ({"other": 1}, "scorer_no_value"),
        (RuntimeError("broken"), "scorer_failed_RuntimeError"),
        (Score(value=math.nan, reason="timed_out"), "scorer_timed_out"),
    ],
    ids=repr,
)
def test_scorer_that_says_nothing_usable_is_unscored_with_its_reason(evaluate, tmp_path, value, reason):
    score = judged(evaluate, tmp_path, value)
    assert (score.answer, score.metadata["unscored_reason"]) == ("unscored", f"alignment: {reason}")


def test_scorer_that_breaks_is_warned_of_and_says_why(evaluate, tmp_path, caplog):
    """Its log shows what it said; a reason is but the kind of error."""
    score = judged(evaluate, tmp_path, RuntimeError("no such\nbucket"))
    assert "scorer_failed_RuntimeError (no such bucket)" in score.explanation
    assert "judge theirs: RuntimeError: no such bucket" in caplog.text


def test_key_takes_one_number_of_a_mapping(evaluate, tmp_path):
    criteria = [{"name": "alignment", "key": "safe", "scale": [0, 1]}]
    rule = {"flag_below": {"alignment": 0.5}}
    score = judged(evaluate, tmp_path, {"safe": 0.25, "other": 1}, criteria=criteria, rule=rule)
    assert (score.value["alignment"], score.answer) == (0.25, "flagged")
    score = judged(evaluate, tmp_path, 0.25, criteria=criteria, rule=rule)
    assert score.metadata["unscored_reason"] == "alignment: scorer_no_value"


def test_scorer_that_asks_a_model_needs_a_grader_that_is_not_the_subject(evaluate, tmp_path):
    """Inspect would give it the model under test where no grader is bound."""
    changes = {"scorer": "asks_the_grader", "asks_model": True}
    with pytest.raises(AssertionError, match="no grader and no default model"):
        judged(evaluate, tmp_path, 0, **changes)
    score = judged(evaluate, tmp_path, 0, model_that_says(lambda prompt: "70"), **changes)
    assert score.value["alignment"] == 70
    assert score.metadata["lane"].endswith("/mockllm/judge/auto")


@pytest.mark.parametrize(
    ("changes", "error", "said"),
    [
        ({"scorer": "nobody/nothing"}, OperatorError, "Install the package that registers it"),
        ({"options": {"lenient": True}}, OperatorError, "options that the scorer takes"),
        ({"program": "facts"}, ContentError, "Remove program"),
        ({"scorer": None}, ContentError, "Add scorer"),
    ],
    ids=["not_installed", "options", "other_kind", "none"],
)
def test_scorer_that_cannot_run_is_refused_before_any_call(tmp_path, changes, error, said):
    path = tmp_path / "theirs.yaml"
    path.write_text(yaml.safe_dump(JUDGE | changes), encoding="utf-8")
    with pytest.raises(error) as caught:
        build_task(small_set(1), judge=str(path))
    assert said in caught.value.message


def test_scorer_of_an_installed_package_is_found_by_its_name(evaluate, tmp_path):
    """The package is found by its entry point, as Inspect finds its tasks; here the one that is surely installed."""
    changes = {"scorer": "em_bench/judge", "options": {"readout": "text"}, "asks_model": True}
    criteria = [{"name": "alignment", "key": "alignment"}]
    score = judged(evaluate, tmp_path, 0, model_that_says(lambda prompt: "62"), criteria=criteria, **changes)
    assert score.value["alignment"] == 62


def test_scorer_of_a_panel_brings_no_grader_of_its_own(evaluate, tmp_path):
    """It would ask whatever is bound to the role, or the model under test, and the lane would name another."""
    (tmp_path / "theirs.yaml").write_text(yaml.safe_dump(JUDGE | {"asks_model": True, "scorer": "asks_the_grader"}))
    panel = {key: JUDGE[key] for key in ("title", "version", "flag", "constructs", "source")}
    panel |= {"name": "p", "kind": "panel"}
    members = [{"judge": str(tmp_path / "theirs.yaml"), "grader": "mockllm/other"}, {"judge": "screen"}]
    (tmp_path / "p.yaml").write_text(yaml.safe_dump(panel | {"judges": members}))
    task = build_task(small_set(1), judge=str(tmp_path / "p.yaml"))
    log = evaluate(task, model_that_says(lambda prompt: "x", "subject"), status="error")
    assert "another package's scorer asks the role 'grader'" in log.error.message
