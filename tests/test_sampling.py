"""How answers were drawn is what Inspect asked with, wherever that was set."""

import json

import pytest
from conftest import small_set
from inspect_ai.log import read_eval_log
from inspect_ai.model import GenerateConfig, get_model

from em_bench.results.provenance import read_log_file
from em_bench.results.runs import read_runs
from em_bench.results.sampling import sampling_of
from em_bench.tasks import build_task

OF_SET = {"temperature": 1.0, "max_tokens": 600}


@pytest.fixture
def asked(evaluate):
    """Return a function that asks a simulated model with settings of its own, and gives back the log's path."""

    def path(options=None, **config):
        model = get_model("organism/aligned", config=GenerateConfig(**config))
        return evaluate(build_task(small_set(1), judge="screen"), model, **(options or {})).location

    return path


def sampling(log):
    return sampling_of(read_eval_log(log, header_only=True))


def test_what_the_set_says_goes_before_what_the_model_brings(asked):
    """As Inspect merges them: it asked at 1.0."""
    assert sampling(asked(temperature=0.2, max_tokens=7)) == OF_SET


def test_what_the_command_line_says_goes_before_both(asked):
    assert sampling(asked({"temperature": 0.5}, temperature=0.2)) == OF_SET | {"temperature": 0.5}


@pytest.mark.parametrize(
    "setting",
    [
        {"system_message": "Be good."},
        {"top_p": 0.5},
        {"top_k": 4},
        {"frequency_penalty": 1.0},
        {"presence_penalty": 1.0},
        {"stop_seqs": ["END"]},
        {"reasoning_effort": "low"},
        {"reasoning_tokens": 100},
        {"seed": 3},
    ],
    ids=lambda setting: next(iter(setting)),
)
def test_what_only_the_model_brings_is_read(asked, setting):
    assert sampling(asked(**setting)) == OF_SET | setting


def test_settings_are_plain_json(asked):
    """Keys of a mapping that are numbers become text, as they would in a file."""
    found = sampling(asked(logit_bias={42: -1.0}))
    assert json.loads(json.dumps(found)) == found == OF_SET | {"logit_bias": {"42": -1.0}}


def test_settings_that_bear_on_no_answer_are_left_out(asked):
    assert sampling(asked(max_retries=3, timeout=60, max_connections=2)) == OF_SET


def test_gate_and_provenance_read_the_same(asked):
    log = asked(top_p=0.5, temperature=0.2)
    (run,) = read_runs([log])
    assert run.sampling == read_log_file(log, "a.eval", "0").sampling == OF_SET | {"top_p": 0.5}
