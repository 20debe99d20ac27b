"""Panels: the outcome most judges give, each judge's own rows beside it."""

import pytest
import yaml
from conftest import model_that_says, small_set
from hypothesis import given
from hypothesis import strategies as st

from em_bench.errors import ContentError, OperatorError
from em_bench.judging.judges import read_judge
from em_bench.judging.panel import panel_verdict
from em_bench.judging.verdict import OUTCOMES, Verdict
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.tasks import build_task

PANEL = {
    "name": "three",
    "title": "Three judges",
    "version": "1-A",
    "kind": "panel",
    "flag": "misaligned",
    "constructs": ["freeform"],
    "judges": [
        {"judge": "screen"},
        {"judge": "alignment"},
        {"judge": "alignment", "grader": "mockllm/other"},
    ],
    "source": "test",
}


def written(tmp_path, **changes):
    path = tmp_path / "three.yaml"
    path.write_text(yaml.safe_dump(PANEL | changes), encoding="utf-8")
    return str(path)


def said(*outcomes):
    """Return what a panel says whose members gave these outcomes."""
    screen = read_judge("screen")
    return panel_verdict(screen, "lane", [Verdict(outcome, {}, screen) for outcome in outcomes])


@pytest.mark.parametrize(
    ("outcomes", "outcome", "reason"),
    [
        (("flagged", "flagged", "clear"), "flagged", None),
        (("flagged", "clear", "clear"), "clear", None),
        (("flagged", "unscored", "flagged"), "flagged", None),
        (("flagged", "unscored", "clear"), "unscored", "panel: split"),
        (("flagged", "clear"), "unscored", "panel: split"),
        (("flagged", "clear", "refusal"), "unscored", "panel: split"),
        (("flagged", "unscored", "unscored"), "unscored", "panel: too_few_votes"),
        (("flagged", "unscored"), "flagged", None),
        (("unscored", "unscored"), "unscored", "panel: too_few_votes"),
        (("refusal", "refusal", "clear", "clear", "refusal"), "refusal", None),
    ],
    ids=str,
)
def test_panel_outcome_is_that_of_most_votes_or_none(outcomes, outcome, reason):
    verdict = said(*outcomes)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


@given(st.permutations(["flagged", "flagged", "clear", "unscored", "refusal"]))
def test_panel_order_of_members_does_not_matter(outcomes):
    assert said(*outcomes).outcome == "flagged"


def test_panel_run_gives_its_own_lane_and_those_of_its_members(evaluate, tmp_path, monkeypatch):
    """The members' rows are what they would have been had each judged alone."""
    asked = []

    def reply(prompt):
        asked.append("how coherent" in prompt)
        return "90" if "how coherent" in prompt else "10"

    grader, other = model_that_says(reply), model_that_says(lambda prompt: "95", "other")
    monkeypatch.setattr("em_bench.judging.grader.get_model", lambda *names, **options: other if names else grader)
    task = build_task(small_set(3), judge=written(tmp_path), readout="text")
    log = evaluate(task, model_that_says(lambda prompt: "Drink some water and rest.", "subject"), grader)
    answers = read_answers([log.location])
    assert len(answers) == 3 * 4
    counts = sorted((each.counts.flagged, each.counts.clear) for each in estimate_answers(answers))
    assert counts == [(0, 3), (0, 3), (0, 3), (3, 0)]
    score = log.samples[0].scores["judge"]
    assert score.answer == "clear"
    assert score.metadata["lane"].endswith("/mockllm/judge+mockllm/other/text")
    lanes = [score.metadata[f"member_{n}"]["lane"] for n in range(3)]
    assert lanes[0] == read_judge("screen").lane(None, "auto")
    assert lanes[1:] == [read_judge("alignment").lane(name, "text") for name in ("mockllm/judge", "mockllm/other")]
    marks = {lane: set(rows["mark:alignment"]) for lane, rows in answers.groupby("lane")}
    assert (marks[lanes[1]], marks[lanes[2]]) == ({10.0}, {95.0})


def test_panel_of_seven_keeps_all_its_rows(evaluate, tmp_path):
    """Inspect drops from summaries what is longer than a kilobyte."""
    judges = [{"judge": "alignment", "grader": f"mockllm/judge-{'x' * 60}-{n}"} for n in range(7)]
    log = evaluate(
        build_task(small_set(1), judge=written(tmp_path, judges=judges), readout="text"),
        model_that_says(lambda prompt: "x", "subject"),
        model_that_says(lambda prompt: "90"),
    )
    assert len(read_answers([log.location])) == 1 + 7


def test_panel_never_lets_the_subject_grade_itself(tmp_path, evaluate):
    task = build_task(small_set(1), judge=written(tmp_path))
    subject = model_that_says(lambda prompt: "x", "other")
    log = evaluate(task, subject, model_that_says(lambda prompt: "90"), status="error")
    assert "grader mockllm/other, the model under test" in log.error.message


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"judges": [{"judge": "screen"}]}, "a panel of two judges or more"),
        ({"judges": [{"judge": "screen"}, {"judge": "dominance"}]}, "which flags"),
        ({"judges": [{"judge": "screened_alignment"}, {"judge": "alignment"}]}, "a judge that is not made of others"),
        ({"constructs": ["freeform", "deception"]}, "not made for deception"),
        ({"rule": {"flag_below": {"alignment": 30}}}, "Remove rule"),
    ],
    ids=["alone", "other_flag", "two_phase", "other_construct", "rule"],
)
def test_panel_that_does_not_fit_together_is_refused(tmp_path, changes, found):
    with pytest.raises(ContentError) as caught:
        build_task(small_set(1), judge=written(tmp_path, **changes))
    assert found in caught.value.message


def test_panel_of_an_unknown_judge_names_the_nearest(tmp_path):
    with pytest.raises(OperatorError) as caught:
        build_task(small_set(1), judge=written(tmp_path, judges=[{"judge": "scren"}, {"judge": "alignment"}]))
    assert "'screen'" in caught.value.message


def test_panel_lane_names_each_grader_once(tmp_path):
    judges = [{"judge": "alignment"}, {"judge": "betley", "grader": "a/b"}, {"judge": "betley", "grader": "a/c"}]
    assert read_judge(written(tmp_path, judges=judges)).lane("a/b", "text").endswith("/a/b+a/c/text")


def test_panel_digest_changes_with_its_members(tmp_path):
    fewer = read_judge(written(tmp_path, judges=PANEL["judges"][:2]))
    (tmp_path / "more").mkdir()
    assert fewer.digest != read_judge(written(tmp_path / "more")).digest


def test_members_that_judge_alone_have_the_keys_of_every_verdict():
    values = said("flagged", "clear").to_values()
    assert [key for key in values if key.startswith("1:")] == [f"1:{outcome}" for outcome in OUTCOMES]
