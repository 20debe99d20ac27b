"""`em-bench run` with a grader on a service of its own: one that works, and one that gives no verdict."""

import pytest
from runs import run
from servers import Said, Server

FREEFORM = ("--model", "organism/misaligned-20", "--set", "freeform", "--arm", "plain", "--epochs", "1")


def graded(reply, folder, code=0):
    """Run two answers with a grader that is named with its address and key, as Inspect takes a role."""
    with Server(reply) as server:
        service = f"{{base_url: '{server.url}/v1', api_key: sk-none}}"
        role = f"grader={{model: openai-api/local/judge, model_args: {service}}}"
        words = (*FREEFORM, "--model-role", role, "--readout", "text", "--log-dir", str(folder), "--", "--limit", "2")
        return *run(*words, code=code), (folder / "em-bench-run.json").read_text()


@pytest.mark.slow
def test_grader_with_a_key_of_its_own_grades_and_its_key_is_not_shown(tmp_path):
    out, err, record = graded(lambda request: Said("90"), tmp_path / "logs")
    assert out.splitlines()[1].split()[-4:] == ["2", "of", "2", "complete"]
    assert "unscored" not in out
    assert "api_key: ***" in err and "sk-none" not in err + record


@pytest.mark.slow
def test_answers_that_nobody_judged_are_no_success(tmp_path):
    """The grader's key was wrong, say: every answer is there and none has a verdict."""
    out, err, _ = graded(lambda request: Said("no such key", status=400), tmp_path / "logs", code=1)
    assert "2 unscored" in out
    assert "no such key" in err
    assert "2 answers have no verdict, and count in no rate. To judge again:" in err
    assert (
        f"em-bench rejudge {tmp_path / 'logs'} --judge alignment --grader openai-api/local/judge --readout text --again"
        in err
    )
