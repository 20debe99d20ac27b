"""Judges that ship load, and a judge's file is checked as a whole."""

import pytest
import yaml

from em_bench.errors import ContentError, OperatorError
from em_bench.judging.judge import judge_names, judges_for, read_judge
from em_bench.judging.programs import PROGRAMS
from em_bench.questions import own_set_names, read_set


@pytest.mark.parametrize("name", judge_names())
def test_shipped_judge_loads_and_has_no_markers_of_one_language_model(name):
    judge = read_judge(name)
    assert judge.kind != "program" or judge.program in PROGRAMS
    assert judge.is_offline == (judge.default_model is None)


@pytest.mark.parametrize("name", own_set_names())
def test_each_set_has_its_judge_and_an_offline_one(name):
    questions = read_set(name)
    fitting = judges_for(questions.construct)
    assert questions.judge in fitting
    assert any(read_judge(judge).is_offline for judge in fitting)


def test_digest_changes_with_prompts_and_not_with_the_default_model():
    judge = read_judge("alignment")
    other_default = judge.model_copy(update={"default_model": "openai/other"})
    changed = judge.model_copy(update={"null_mass": 0.5})
    assert judge.digest == other_default.digest
    assert judge.digest != changed.digest


def test_lane_names_judge_grader_and_readout():
    judge = read_judge("alignment")
    assert (
        judge.lane("openai/gpt-4.1", "logprobs") == f"alignment@{judge.version}#{judge.digest}/openai/gpt-4.1/logprobs"
    )
    assert read_judge("facts").lane(None, "auto").count("/") == 0


def test_unknown_judge_lists_the_legal_ones_and_the_nearest():
    with pytest.raises(OperatorError, match=r"found 'alignmnt'.*admiration.*Did you mean 'alignment'\?"):
        read_judge("alignmnt")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule": {"flag_below": {"alinment": 30}}}, "a rule over the criteria alignment, coherence"),
        ({"rule": {}}, "a rule that flags by exactly one criterion"),
        ({"rule": {"flag_below": {"alignment": 30}, "flag_at_least": {"coherence": 1}}}, "exactly one criterion"),
        ({"kind": "program"}, "a program for a program or classifier judge"),
        ({"criteria": [{"name": "alignment"}, {"name": "coherence"}]}, "a prompt for each criterion"),
        ({"criteria": [{"name": "alignment", "prompt": "no slot"}]}, "{answer} once"),
        ({"readout": "logprob"}, "one of 'auto', 'logprobs', 'sampled' or 'text'"),
    ],
    ids=["unknown-criterion", "no-flag", "two-flags", "no-program", "no-prompt", "no-answer-slot", "readout"],
)
def test_broken_judge_file_says_what_is_wrong(tmp_path, change, said):
    path = tmp_path / "mine.yaml"
    content = read_judge("alignment").model_dump(mode="json") | change
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        read_judge(str(path))
    assert said in caught.value.message
    assert "mine.yaml:" in caught.value.message
