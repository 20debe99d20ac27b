"""Local servers that speak the protocols of model providers, so that the real clients can be tested without a key."""

import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from inspect_ai.model import Model, get_model

Json = dict[str, Any]

FEWEST_TOKENS = 16
"""The lowest limit on a reply's length that OpenAI's Responses API accepts."""


@dataclass(frozen=True)
class Said:
    """What a server replies; `top` is the probability of each alternative for the reply's first token.

    Without a `text` the likeliest alternative is it. `finish` is in OpenAI's words: stop, length, content_filter. The
    reply comes after `delay_s` seconds; of one that `breaks_off` only the first half of the JSON comes. With `draws`
    the chat completion has these choices; without, as many alike as were asked for.
    """

    text: str = ""
    top: dict[str, float] | None = None
    finish: str = "stop"
    status: int = 200
    delay_s: float = 0
    breaks_off: bool = False
    draws: tuple[str, ...] = ()

    @property
    def spoken(self) -> str:
        """The reply as text."""
        return max(self.top, key=self.top.__getitem__) if self.top and not self.text else self.text

    @property
    def first_token(self) -> Json | None:
        """The first token as OpenAI lists it, with its alternatives."""
        if self.top is None:
            return None
        listed = [{"token": token, "logprob": math.log(p), "bytes": []} for token, p in self.top.items()]
        (first,) = (each for each in listed if each["token"] == self.spoken)
        return {**first, "top_logprobs": listed}


class LocalServer(ThreadingHTTPServer):
    """Serves on this machine, on any free port, from `with` to the end of its block."""

    def __init__(self, handler: type[BaseHTTPRequestHandler]):
        super().__init__(("127.0.0.1", 0), handler)

    def __enter__(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Server(LocalServer):
    """Answers each request body by `reply(body)`, in the protocol of the path, and keeps the bodies in `requests`.

    It speaks OpenAI's chat completions and Responses, and Anthropic's messages, whole and as a stream. Like theirs, it
    gives probabilities to those only who ask; Anthropic's protocol has none. Where `reply` raises, the request was
    a bad one: a client that gets no reply would ask again for minutes.
    """

    request_queue_size = 128

    def __init__(self, reply: Callable[[Json], Said]):
        super().__init__(Handler)
        self.reply, self.requests = reply, []

    def model(self, name: str, **arguments: Any) -> Model:
        """Return the model `name` of Inspect's own provider, which takes this server for its service."""
        url = f"{self.url}/v1" if name.startswith("openai/") else self.url
        return get_model(name, base_url=url, api_key="x", memoize=False, **arguments)


class Handler(BaseHTTPRequestHandler):
    """One connection, which stays open from request to request."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append(request)
        try:
            said = self.server.reply(request)
        except Exception as error:
            said = Said(repr(error), status=400)
        if self.path not in PROTOCOLS:
            said = Said(f"no such path: {self.path}", status=404)
        if self.path == "/v1/responses" and request.get("max_output_tokens", FEWEST_TOKENS) < FEWEST_TOKENS:
            said = Said(f"'max_output_tokens' below minimum value {FEWEST_TOKENS}", status=400)
        time.sleep(said.delay_s)
        if said.status != 200:
            error = {"message": said.text, "type": "invalid_request_error", "code": None}
            self._send(said.status, "application/json", json.dumps({"type": "error", "error": error}))
        elif self.path == "/v1/messages" and request.get("stream"):
            events = anthropic_events(request, said)
            lines = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]
            self._send(200, "text/event-stream", "".join(lines))
        else:
            whole = json.dumps(PROTOCOLS[self.path](request, said))
            self._send(200, "application/json", whole[: len(whole) // 2] if said.breaks_off else whole)

    def _send(self, status: int, kind: str, text: str):
        content = text.encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):  # the client has given up waiting
            self.close_connection = True

    def log_message(self, *arguments):
        pass


def openai_completion(request: Json, said: Said) -> Json:
    """Return a reply of `/v1/chat/completions`."""
    listed = said.first_token if request.get("logprobs") else None
    choices = [
        {
            "index": number,
            "message": {"role": "assistant", "content": text},
            "finish_reason": said.finish,
            "logprobs": listed and {"content": [listed], "refusal": None},
        }
        for number, text in enumerate(said.draws or [said.spoken] * (request.get("n") or 1))
    ]
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": request["model"],
        "choices": choices,
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def openai_response(request: Json, said: Said) -> Json:
    """Return a reply of `/v1/responses`."""
    wanted = "message.output_text.logprobs" in request.get("include", [])
    text = {
        "type": "output_text",
        "text": said.spoken,
        "annotations": [],
        "logprobs": [said.first_token] if wanted and said.top else [],
    }
    return {
        "id": "1",
        "object": "response",
        "created_at": 1,
        "model": request["model"],
        "status": "completed",
        "error": None,
        "output": [{"type": "message", "id": "1", "role": "assistant", "status": "completed", "content": [text]}],
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 1,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 1,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 2,
        },
    }


STOPS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def anthropic_message(request: Json, said: Said) -> Json:
    """Return a reply of `/v1/messages`."""
    return {
        "id": "1",
        "type": "message",
        "role": "assistant",
        "model": request["model"],
        "content": [{"type": "text", "text": said.spoken}],
        "stop_reason": STOPS[said.finish],
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def anthropic_events(request: Json, said: Said) -> list[Json]:
    """Return the events of which a streamed reply of `/v1/messages` consists."""
    whole = anthropic_message(request, said)
    delta = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    return [
        {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": said.spoken}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]


PROTOCOLS = {
    "/v1/chat/completions": openai_completion,
    "/v1/responses": openai_response,
    "/v1/messages": anthropic_message,
}
