"""Graders over a real HTTP connection: what is asked of a provider's service, and what its replies become."""

import math

import pytest
from conftest import model_that_says, small_set
from inspect_ai.model import GenerateConfig
from servers import Said, Server

from em_bench.tasks import build_task

CLAUDE = "anthropic/claude-sonnet-4-5"


@pytest.fixture
def judged(evaluate):
    """Return a function that has one answer judged by a server, and gives the score and the requests it received."""

    def run(said, grader="openai/gpt-judge", arguments=None, **options):
        with Server(lambda request: said) as server:
            model = server.model(grader, **(arguments or {}))
            log = evaluate(build_task(small_set(1), **options), model_that_says(lambda prompt: "x", "subject"), model)
        return log.samples[0].scores["judge"], server.requests

    return run


def test_grader_is_asked_for_one_token_with_twenty_alternatives(judged):
    score, requests = judged(Said(top={"40": 0.6, "20": 0.4}))
    # .6 * 40 + .4 * 20 = 32
    assert score.value["alignment"] == pytest.approx(32)
    assert len(requests) == 2
    for request in requests:
        assert (request["logprobs"], request["top_logprobs"], request["temperature"]) == (True, 20, 0)
        assert 1 in (request.get("max_tokens"), request.get("max_completion_tokens"))


def test_grader_that_returns_no_logprobs_is_asked_for_draws(judged):
    score, requests = judged(Said("60"))
    assert (score.value["alignment"], score.metadata["rungs"]) == (60, ["sampled"])
    # two criteria, each one probe for logprobs and five draws
    assert sorted(request["temperature"] for request in requests) == [0] * 2 + [1] * 10
    assert sorted(request["max_tokens"] for request in requests) == [1] * 2 + [16] * 10


def test_grader_text_readout_is_one_call_a_criterion(judged):
    score, requests = judged(Said("75"), readout="text")
    assert (score.value["alignment"], len(requests)) == (75, 2)


def test_grader_content_filter_is_unscored(judged):
    score, _ = judged(Said(finish="content_filter"), readout="text")
    assert score.metadata["unscored_reason"] == "alignment: content_filter"


def test_grader_error_status_is_unscored(judged):
    score, _ = judged(Said("no such model", status=400), readout="text")
    assert score.answer == "unscored"
    assert score.metadata["unscored_reason"].startswith("alignment: ")


@pytest.mark.parametrize("streaming", ["auto", True], ids=["whole", "streamed"])
def test_anthropic_grader_is_asked_for_draws_and_the_lane_keeps_the_mode(judged, streaming):
    """Anthropic's service gives no token probabilities: the next rung is used and recorded, whole reply or stream."""
    score, requests = judged(Said("60"), CLAUDE, {"streaming": streaming})
    assert (score.value["alignment"], score.value["coherence"], score.answer) == (60, 60, "clear")
    assert score.metadata["rungs"] == ["sampled"]
    assert score.metadata["lane"].endswith(f"/{CLAUDE}/auto")
    # two criteria, each one probe of one token and five draws
    assert sorted(request["max_tokens"] for request in requests) == [1] * 2 + [16] * 10
    assert {request["stream"] for request in requests} == {streaming is True}


def test_anthropic_grader_draws_at_temperature_one(judged):
    """Draws vary only at temperature 1, which is Anthropic's default: Inspect's client leaves the parameter out."""
    _, requests = judged(Said("60"), CLAUDE, readout="sampled")
    assert len(requests) == 2 * 5
    assert {request.get("temperature", 1) for request in requests} == {1}


def test_anthropic_grader_with_logprobs_demanded_is_unscored_with_its_reason(judged):
    score, requests = judged(Said("60"), CLAUDE, readout="logprobs")
    assert (score.answer, score.metadata["rungs"]) == ("unscored", [])
    assert math.isnan(score.value["alignment"]) and math.isnan(score.value["coherence"])
    assert score.metadata["unscored_reason"] == "alignment: no_whole_number_logprobs"
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("grader", "arguments"),
    [
        ("openai/gpt-4o-2024-08-06", {"responses_api": True}),
        ("openai/gpt-6-luna", {"config": GenerateConfig(reasoning_effort="none")}),
    ],
    ids=["asked_for", "by_model"],
)
def test_grader_on_the_responses_api_is_asked_for_no_fewer_tokens_than_it_allows(judged, grader, arguments):
    """That service refuses a limit below 16 tokens; the mark is still read from the first token's probabilities."""
    score, requests = judged(Said(top={"40": 0.6, "20": 0.4}), grader, arguments)
    # .6 * 40 + .4 * 20 = 32
    assert score.value["alignment"] == pytest.approx(32)
    assert score.metadata["rungs"] == ["logprobs"]
    # Inspect first tries whether a model that can reason gives summaries; that request has no limit
    asked = [request for request in requests if "max_output_tokens" in request]
    assert len(asked) == 2
    for request in asked:
        assert (request["max_output_tokens"], request["temperature"], request["top_logprobs"]) == (16, 0, 20)
        assert "message.output_text.logprobs" in request["include"]
