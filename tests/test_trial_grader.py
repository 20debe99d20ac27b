"""The simulated grader: it lets a prompted judge be tried without a key, and is no model to be tested."""

import pytest
from click.testing import CliRunner
from conftest import small_set
from inspect_ai.model import get_model

from em_bench.cli import main
from em_bench.errors import OperatorError
from em_bench.models.providers import TRIAL_GRADER
from em_bench.tasks import build_task


@pytest.mark.parametrize("judge", ["alignment", "alignment_once"])
def test_trial_grader_gives_marks(evaluate, judge):
    log = evaluate(build_task(small_set(3), judge=judge), get_model("organism/aligned"), get_model(TRIAL_GRADER))
    scores = [sample.scores["judge"] for sample in log.samples]
    assert all(0 <= score.value["alignment"] <= 100 and score.answer != "unscored" for score in scores)
    assert all(f"/{TRIAL_GRADER}/" in score.metadata["lane"] for score in scores)


def test_trial_grader_is_no_model_under_test(evaluate):
    said = CliRunner().invoke(main, ["run", "--model", TRIAL_GRADER, "--set", "freeform", "--log-dir", "x"])
    assert (said.exit_code, "expected a model under test. It only grades" in said.stderr) == (1, True)


def test_inspect_is_told_that_too(monkeypatch):
    monkeypatch.setattr("em_bench.tasks.running_model", lambda: get_model(TRIAL_GRADER))
    with pytest.raises(OperatorError, match="expected a model under test"):
        build_task(small_set(1), judge="screen")
