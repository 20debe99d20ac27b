"""Another judge over stored answers: one lane more, and nothing else changes."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import model_that_says, small_set
from inspect_ai.log import read_eval_log, write_eval_log

from em_bench.cli import main
from em_bench.errors import DataError, OperatorError
from em_bench.results import estimate_answers, find_logs, read_answers
from em_bench.results.rejudging import rejudge_log
from em_bench.tasks import build_task


@pytest.fixture
def log(evaluate):
    grader = model_that_says(lambda prompt: "90")
    subject = model_that_says(lambda prompt: "An answer.", "subject")
    return Path(evaluate(build_task(small_set(3), readout="text"), subject, grader, epochs=2).location)


def lanes(log):
    return {estimate.lane.partition("@")[0]: estimate.counts.answers for estimate in estimates(log)}


def estimates(log):
    return estimate_answers(read_answers(find_logs([str(log)])))


def test_rejudge_adds_a_lane_and_leaves_the_other_as_it_was(log):
    (before,) = [each.to_dict() for each in estimates(log)]
    assert rejudge_log(str(log), "screen")
    assert lanes(log) == {"alignment": 6, "screen": 6}
    after = next(each.to_dict() for each in estimates(log) if each.lane == before["lane"])
    assert after == before


def test_rejudge_twice_adds_nothing(log):
    assert rejudge_log(str(log), "screen")
    content = log.read_bytes()
    assert not rejudge_log(str(log), "screen")
    assert log.read_bytes() == content


def test_rejudge_keeps_answers_and_says_who_graded_first(log):
    first = read_eval_log(str(log))
    rejudge_log(str(log), "screen")
    second = read_eval_log(str(log))
    assert [s.output.completion for s in second.samples] == [s.output.completion for s in first.samples]
    assert second.eval.model_roles == first.eval.model_roles
    assert second.eval.model == first.eval.model


def test_rejudge_by_the_model_that_answered_is_refused(log):
    """Its name in the log counts, since it is not loaded."""
    stored = read_eval_log(str(log))
    stored.eval.model = "mockllm/model"
    write_eval_log(stored, str(log))
    content = log.read_bytes()
    with pytest.raises(OperatorError, match="the model under test"):
        rejudge_log(str(log), "alignment", "sampled", "mockllm/model")
    assert log.read_bytes() == content


def test_rejudge_by_a_judge_of_another_construct_is_refused_and_changes_nothing(log):
    content = log.read_bytes()
    with pytest.raises(OperatorError, match="a judge made for freeform"):
        rejudge_log(str(log), "facts")
    assert log.read_bytes() == content


def test_rejudge_of_what_is_no_log_is_refused(tmp_path):
    path = tmp_path / "x.eval"
    path.write_bytes(b"nothing")
    with pytest.raises(DataError, match="a readable log of Inspect"):
        rejudge_log(str(path), "screen")


def test_rejudge_does_not_load_the_model_that_answered(log):
    """Answers of a local model are judged on a machine without torch."""
    stored = read_eval_log(str(log))
    stored.eval.model = "hf/some/fine-tune"
    stored.eval.model_args = {"device": "cuda:0"}
    write_eval_log(stored, str(log))
    code = (
        "import sys\nfrom em_bench.results.rejudging import rejudge_log\n"
        f"print(rejudge_log({str(log)!r}, 'screen'), 'torch' in sys.modules, 'transformers' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.split() == ["True", "False", "False"], ran.stderr


def test_command_names_the_logs_it_added_to(log):
    ran = CliRunner().invoke(main, ["rejudge", str(log.parent), "--judge", "screen"])
    assert (ran.exit_code, ran.stdout.splitlines()) == (0, [str(log)]), ran.stderr
    again = CliRunner().invoke(main, ["rejudge", str(log.parent), "--judge", "screen"])
    assert (again.exit_code, again.stdout) == (0, "")
    assert "has that lane already" in again.stderr
