"""Another judge over stored answers: one lane more, and nothing else changes."""

import shutil
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import model_that_says, run_task, small_set
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.model import get_model

from em_bench.cli import main
from em_bench.errors import DataError, OperatorError
from em_bench.judging import read_judge
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.log_files import find_logs
from em_bench.results.rejudging import rejudge_log
from em_bench.tasks import build_task


def judged_by(grader, folder):
    """Return the log of three questions asked twice, which a grader judged."""
    subject = model_that_says(lambda prompt: "An answer.", "subject")
    task = build_task(small_set(3), readout="text")
    return Path(run_task(task, subject, model_that_says(grader), log_dir=folder, epochs=2).location)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    return judged_by(lambda prompt: "90", tmp_path_factory.mktemp("judged"))


@pytest.fixture
def log(judged, tmp_path):
    """A log whose six answers a grader found clear, for a test to do with as it likes."""
    return Path(shutil.copy(judged, tmp_path))


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


def test_rejudge_does_not_load_the_model_that_answered(log, monkeypatch):
    """Answers of a local model are judged on a machine without torch."""
    stored = read_eval_log(str(log))
    stored.eval.model = "hf/some/fine-tune"
    stored.eval.model_args = {"device": "cuda:0"}
    write_eval_log(stored, str(log))
    for library in ("torch", "transformers"):
        monkeypatch.setitem(sys.modules, library, None)  # importing it fails
    assert rejudge_log(str(log), "screen")
    with pytest.raises(Exception, match="transformers"):
        get_model("hf/some/fine-tune", device="cuda:0", memoize=False)


def rejudge(log, *arguments):
    return CliRunner().invoke(main, ["rejudge", str(log), *arguments])


def fails(prompt):
    raise TimeoutError("busy")


@pytest.fixture(scope="module")
def unjudged(tmp_path_factory):
    path = judged_by(fails, tmp_path_factory.mktemp("failed"))
    rejudge_log(str(path), "screen")
    return path


@pytest.fixture
def failed(unjudged, tmp_path):
    """A log with a lane of failed calls alone, in the lane of mockllm/judge."""
    return Path(shutil.copy(unjudged, tmp_path))


def judge_again(log):
    return rejudge_log(str(log), "alignment", "text", model_that_says(lambda prompt: "90"), again=True)


def test_lane_of_failed_calls_is_there_and_the_command_says_how_to_judge_it_again(failed):
    content = failed.read_bytes()
    ran = rejudge(failed, "--judge", "alignment", "--grader", "mockllm/judge", "--readout", "text")
    said = "has that lane already; the grader could not be called for 6 of 6 answers: --again judges anew"
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert said in ran.stderr
    assert failed.read_bytes() == content


def test_again_puts_new_verdicts_in_place_of_failed_calls_and_leaves_the_other_lane(failed):
    before = {each.lane: each for each in estimates(failed)}
    assert judge_again(failed)
    after = {each.lane: each for each in estimates(failed)}
    assert set(after) == set(before)
    (lane,) = [lane for lane in after if lane.startswith("alignment@")]
    assert (before[lane].counts.unscored, after[lane].counts.unscored) == (6, 0)
    assert (before[lane].counts.clear, after[lane].counts.clear) == (0, 6)
    (other,) = set(after) - {lane}
    assert after[other].to_dict() == before[other].to_dict()


def test_again_leaves_no_score_of_the_old_lane_in_the_log(failed):
    names = set(read_eval_log(str(failed)).samples[0].scores)
    assert judge_again(failed)
    log = read_eval_log(str(failed))
    assert {name for sample in log.samples for name in sample.scores} == names
    assert sorted(each.name for each in log.results.scores) == sorted(names)
    assert [each.metrics["unscored"].value for each in log.results.scores] == [0, 0]
    assert len(log.eval.scorers) == len(names)
    assert [path.name for path in failed.parent.iterdir()] == [failed.name]


def test_command_judges_again_where_it_is_told_to(log):
    for _ in range(2):
        ran = rejudge(log, "--judge", "screen", "--again")
        assert (ran.exit_code, ran.stdout.splitlines()) == (0, [str(log)]), ran.stderr
    assert lanes(log) == {"alignment": 6, "screen": 6}


def test_again_adds_a_lane_that_is_not_there(log):
    assert rejudge_log(str(log), "screen", again=True)
    assert lanes(log) == {"alignment": 6, "screen": 6}


def test_lane_without_failed_calls_needs_no_second_time(log):
    rejudge_log(str(log), "screen")
    said = []
    assert not rejudge_log(str(log), "screen", report=said.append)
    assert said == ["has that lane already"]


@pytest.mark.parametrize("again", [False, True])
def test_log_of_a_run_that_goes_on_is_refused(log, again):
    """Inspect still writes to it."""
    stored = read_eval_log(str(log))
    stored.status = "started"
    write_eval_log(stored, str(log))
    content = log.read_bytes()
    with pytest.raises(DataError, match="a run that is not finished.*expected a finished one"):
        rejudge_log(str(log), "screen", again=again)
    assert log.read_bytes() == content


@pytest.mark.parametrize("status", ["error", "cancelled"])
def test_finished_log_of_any_status_is_judged(log, status):
    stored = read_eval_log(str(log))
    stored.status = status
    write_eval_log(stored, str(log))
    assert rejudge_log(str(log), "screen")
    assert lanes(log) == {"alignment": 6, "screen": 6}


def test_recorded_is_no_readout_of_a_judge_that_judges_anew(log):
    content = log.read_bytes()
    ran = rejudge(log, "--judge", "alignment", "--grader", "mockllm/judge", "--readout", "recorded")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "--readout: found 'recorded'; expected one that judges anew: auto, logprobs, sampled, text." in ran.stderr
    assert log.read_bytes() == content


@pytest.mark.parametrize(("grader", "found"), [("foo/bar", "not recognized"), ("mockllm", "format of <api_name>")])
def test_grader_that_cannot_be_loaded_is_refused(log, grader, found):
    content = log.read_bytes()
    ran = rejudge(log, "--judge", "alignment", "--grader", grader)
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert f"judge alignment, grader {grader}: found " in ran.stderr
    assert found in ran.stderr
    assert "expected a grader that can be loaded. Set its key, name another with --grader" in ran.stderr
    assert log.read_bytes() == content


def test_default_grader_without_its_key_is_refused(log, monkeypatch):
    for key in ("OPENAI_API_KEY", "AZUREAI_OPENAI_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    ran = rejudge(log, "--judge", "alignment")
    assert ran.exit_code == 1
    assert f"judge alignment, grader {read_judge('alignment').default_model}: found " in ran.stderr
    assert "No OPENAI_API_KEY" in ran.stderr


def test_command_names_the_logs_it_added_to(log):
    ran = CliRunner().invoke(main, ["rejudge", str(log.parent), "--judge", "screen"])
    assert (ran.exit_code, ran.stdout.splitlines()) == (0, [str(log)]), ran.stderr
    again = CliRunner().invoke(main, ["rejudge", str(log.parent), "--judge", "screen"])
    assert (again.exit_code, again.stdout) == (0, "")
    assert "has that lane already" in again.stderr
