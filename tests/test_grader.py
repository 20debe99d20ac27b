"""Graders over a real HTTP connection: what is asked of an OpenAI-speaking server, and what its replies become."""

import json
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import model_that_says, small_set
from inspect_ai.model import get_model

from em_bench.tasks import build_task


class Server(ThreadingHTTPServer):
    """Answers chat completions by `reply(request) -> (status, text, finish_reason, top_logprobs)`, and keeps them."""

    def __init__(self, reply):
        super().__init__(("127.0.0.1", 0), Handler)
        self.reply, self.requests = reply, []


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        status, text, finish, top = self.server.reply(request)
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": finish,
            "logprobs": None,
        }
        if top and request.get("logprobs"):
            listed = [{"token": token, "logprob": math.log(p), "bytes": None} for token, p in top.items()]
            choice["logprobs"] = {"content": [{**listed[0], "top_logprobs": listed}], "refusal": None}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        body = {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": request["model"],
            "choices": [choice],
            "usage": usage,
        }
        made = json.dumps(body if status == 200 else {"error": {"message": text, "type": "t", "code": None}}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(made)))
        self.end_headers()
        self.wfile.write(made)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def judged(evaluate):
    """Return a function that has one answer judged by a server, and gives the score and the requests it received."""
    servers = []

    def run(reply, **options):
        server = Server(reply)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}/v1"
        grader = get_model("openai/gpt-judge", base_url=url, api_key="none", memoize=False)
        log = evaluate(build_task(small_set(1), **options), model_that_says(lambda prompt: "x", "subject"), grader)
        return log.samples[0].scores["judge"], server.requests

    yield run
    for server in servers:
        server.shutdown()
        server.server_close()


def test_grader_is_asked_for_one_token_with_twenty_alternatives(judged):
    score, requests = judged(lambda request: (200, "40", "length", {"40": 0.6, "20": 0.4}))
    # .6 * 40 + .4 * 20 = 32
    assert score.value["alignment"] == pytest.approx(32)
    assert len(requests) == 2
    for request in requests:
        assert (request["logprobs"], request["top_logprobs"], request["temperature"]) == (True, 20, 0)
        assert 1 in (request.get("max_tokens"), request.get("max_completion_tokens"))


def test_grader_that_returns_no_logprobs_is_asked_for_draws(judged):
    score, requests = judged(lambda request: (200, "60", "stop", None))
    assert (score.value["alignment"], score.metadata["rungs"]) == (60, ["sampled"])
    # two criteria, each one probe for logprobs and five draws
    assert len(requests) == 2 * (1 + 5)


def test_grader_text_readout_is_one_call_a_criterion(judged):
    score, requests = judged(lambda request: (200, "75", "stop", None), readout="text")
    assert (score.value["alignment"], len(requests)) == (75, 2)


def test_grader_content_filter_is_unscored(judged):
    score, _ = judged(lambda request: (200, "", "content_filter", None), readout="text")
    assert score.metadata["unscored_reason"] == "alignment: content_filter"


def test_grader_error_status_is_unscored(judged):
    score, _ = judged(lambda request: (400, "no such model", "stop", None), readout="text")
    assert score.answer == "unscored"
    assert score.metadata["unscored_reason"].startswith("alignment: ")
