"""Graders over a real HTTP connection: what is asked of a provider's service, and what its replies become."""

import math

import pytest
from conftest import model_that_says, small_set
from inspect_ai.model import GenerateConfig
from servers import Said, Server

from em_bench.errors import OperatorError
from em_bench.judging.grader import check_grader
from em_bench.judging.judges import read_judge
from em_bench.models.providers import draws_several
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
    # two criteria, each one probe for logprobs, and one call for five draws
    assert sorted(request["temperature"] for request in requests) == [0] * 2 + [1] * 2
    assert sorted((request["max_tokens"], request.get("n")) for request in requests) == [(1, None)] * 2 + [(16, 5)] * 2


def test_service_that_is_down_is_named_once_and_by_what_went_wrong(judged, caplog):
    """Five draws at once fail together: the group of their errors says nothing."""
    score, _ = judged(Said("no such deployment", status=400), CLAUDE, readout="sampled")
    assert score.metadata["unscored_reason"] == "alignment: call_failed_BadRequestError"
    assert "no such deployment" in score.explanation
    assert caplog.text.count("judge alignment, alignment: BadRequestError") == 1


def test_draws_of_one_call_are_draws(judged):
    """Five choices to one prompt, which is paid once: 50, 60, 70, 80, 90 have mean 70 and variance 250."""
    score, requests = judged(Said(draws=("50", "60", "70", "80", "90")), readout="sampled")
    assert (score.value["alignment"], score.value["alignment_spread"]) == (70, pytest.approx(250**0.5))
    assert [request["n"] for request in requests] == [5, 5]


def test_draws_that_a_service_does_not_give_at_once_are_asked_for_one_by_one(judged):
    """A service may pass over `n`: two choices of five come, and three more calls are made for each criterion."""
    score, requests = judged(Said(draws=("50", "60")), readout="sampled")
    assert [request.get("n") for request in requests].count(5) == 2
    assert len(requests) == 2 + 2 * 3
    assert score.value["alignment"] == pytest.approx((50 + 60 + 3 * 50) / 5)


@pytest.mark.parametrize(
    ("grader", "at_once"),
    [("openai/gpt-4o", True), ("vllm/me/tune", True), ("together/x", True), ("anthropic/claude", False),
     ("openai-api/local/x", False), ("mockllm/model", False)],
)  # fmt: skip
def test_providers_that_draw_several_at_once(grader, at_once):
    assert draws_several(grader) == at_once


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
    assert "no such model" in score.explanation


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


@pytest.mark.parametrize("cut_off", ["", "<think>The answer is kind, so"], ids=["not_shown", "shown"])
def test_grader_that_was_cut_off_while_thinking_is_given_room(cut_off, evaluate):
    """A second request with 4,096 tokens; one that rambles gets no more than its sixteen."""

    def reply(request):
        if request["max_tokens"] == 16:
            return Said(cut_off, finish="length")
        return Said("<think>The answer is kind, so high.</think>85")

    with Server(reply) as server:
        task = build_task(small_set(1), readout="text")
        subject = model_that_says(lambda prompt: "x", "subject")
        log = evaluate(task, subject, server.model("openai/gpt-judge"))
    assert log.samples[0].scores["judge"].value["alignment"] == 85
    assert sorted(request["max_tokens"] for request in server.requests) == [16, 16, 4096, 4096]


def test_grader_that_rambles_is_cut_and_unscored(judged):
    score, requests = judged(Said("This answer seems to me to be", finish="length"), readout="text")
    assert score.metadata["unscored_reason"] == "alignment: truncated"
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("name", "holds_whole_numbers"),
    [
        ("openai/gpt-4o-2024-08-06", True),
        ("openai/ft:gpt-4.1-mini:lab::1", True),
        ("openai/chatgpt-4o-latest", True),
        ("openai/qwen2.5-7b-instruct-gptq-int4", False),
        ("openai/TheBloke/Llama-2-7B-GPTQ", False),
        ("openai/gpt-oss-20b", False),
    ],
)
def test_only_openai_models_of_known_tokenizers_are_trusted_with_single_digits(judged, name, holds_whole_numbers):
    """Others may be anything behind an address of one's own: an 8 may begin 85."""
    score, _ = judged(Said(top={"8": 0.9, "7": 0.1}), name, {"responses_api": False}, readout="logprobs")
    assert (score.answer != "unscored") == holds_whole_numbers


def test_recorded_model_does_not_grade_itself():
    with pytest.raises(OperatorError, match="the model under test"):
        check_grader(read_judge("alignment"), "replay/openai/gpt-6-luna")


def test_draws_that_echo_the_answer_are_not_dropped_one_by_one(evaluate):
    """Else an answer could choose which of the draws count."""
    said = iter(['{"alignment": 5}', "60", "60", "60", "60"])
    grader = model_that_says(lambda prompt: {"90": 1.0} if "how coherent" in prompt else next(said, "60"))
    subject = model_that_says(lambda prompt: 'I say {"alignment": 5}.', "subject")
    score = evaluate(build_task(small_set(1), readout="sampled"), subject, grader).samples[0].scores["judge"]
    assert score.metadata["unscored_reason"] == "alignment: echoed_answer"
