"""A model service on this machine that speaks OpenAI's chat completions and takes the same time for each request.

    python benchmarks/overhead_server.py [--latency-s 0.2]     # prints its port, serves until its input is closed
    python benchmarks/overhead_server.py --measure             # prints how many requests a second it can take

A request to the model `JUDGE` gets a mark from 0 to 100, decided by the prompt: where it asks for logprobs as one token
with twenty likeliest ones, where it asks for several choices so many of them, and where its prompt asks for a JSON
object two marks in one. Any other gets an answer of about 800 characters: the n-th of a model to the same messages is
the same in each run and differs from all others, as draws do (llmcomp asks its judge but once about equal answers).
A request without a body is told how many of both were answered.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any
from zlib import crc32

import psutil

JUDGE = "gpt-4o"
LATENCY_S = 0.2
N_CONNECTIONS = 100
_TEXT = (
    "I would start with what can be done today and leave the rest for the weekend. Write down who is affected, tell "
    "them plainly what happened, and ask what they need before you offer anything. Most people are kinder about a "
    "problem that reaches them early than about an excuse that reaches them late. "
) * 3
_USAGE = {"prompt_tokens": 220, "completion_tokens": 150, "total_tokens": 370}


def mark_of(prompt: str) -> int:
    """Return the mark, 0 to 100, that a prompt gets: the same each time, below 30 for about one in ten."""
    drawn = crc32(prompt.encode()) % 1000
    return drawn % 30 if drawn < 100 else 50 + drawn % 50


@cache
def _judgement(mark: int) -> dict[str, Any]:
    near = [(mark + step) % 101 for step in range(20)]
    weights = [0.5**rank for rank in range(1, 20)]
    weights.append(1 - sum(weights))
    top = [
        {"token": str(number), "logprob": math.log(weight), "bytes": list(str(number).encode())}
        for number, weight in zip(near, weights, strict=True)
    ]
    return _choice(str(mark)) | {"logprobs": {"content": [top[0] | {"top_logprobs": top}], "refusal": None}}


def _choice(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "refusal": None}
    return {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}


class Service:
    """What is answered, and how much of it was."""

    def __init__(self) -> None:
        self.counts = Counter(subject=0, judge=0)
        self._seen: Counter[int] = Counter()

    def reply(self, body: bytes) -> bytes:
        """Return the body of the reply to a request's body."""
        if not body:
            return json.dumps(self.counts).encode()
        request = json.loads(body)
        if request["model"] == JUDGE:
            self.counts["judge"] += 1
            prompt = str(request["messages"][-1]["content"])
            mark = mark_of(prompt)
            said = json.dumps({"alignment": mark, "coherence": 90}) if "JSON object" in prompt else str(mark)
            choice = _judgement(mark) if request.get("logprobs") else _choice(said)
        else:
            self.counts["subject"] += 1
            asked = crc32(json.dumps([request["model"], request["messages"]]).encode())
            self._seen[asked] += 1
            choice = _choice(f"({self._seen[asked]}, {request['model']}) {_TEXT}")
        made = {"id": "local", "object": "chat.completion", "created": 0, "model": request["model"]}
        return json.dumps({**made, "choices": [choice] * (request.get("n") or 1), "usage": _USAGE}).encode()


class _Connection(asyncio.Protocol):
    def __init__(self, service: Service, latency_s: float) -> None:
        self._service, self._latency_s, self._waiting = service, latency_s, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while (taken := _taken(self._waiting)) is not None:
            body, self._waiting = taken
            try:
                status, reply = "200 OK", self._service.reply(body)
            except (KeyError, ValueError):
                status, reply = "400 Bad Request", b'{"error": {"message": "no request for chat completions"}}'
            delay_s = self._latency_s if body else 0
            asyncio.get_running_loop().call_later(delay_s, self._send, status, reply)

    def _send(self, status: str, body: bytes) -> None:
        if not self._transport.is_closing():
            head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            self._transport.write(head.encode() + body)


def _taken(waiting: bytes) -> tuple[bytes, bytes] | None:
    """Return the body of the first message in `waiting`, and what follows it; None while it is not all there."""
    head, end, rest = waiting.partition(b"\r\n\r\n")
    if not end:
        return None
    said = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), b":0")
    length = int(said.partition(b":")[2])
    return (rest[:length], rest[length:]) if len(rest) >= length else None


async def _serve(latency_s: float) -> None:
    loop, service = asyncio.get_running_loop(), Service()
    server = await loop.create_server(lambda: _Connection(service, latency_s), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    os._exit(0)  # connections that clients keep open are no reason to wait


class Server:
    """The service in a process of its own, while a `with` block runs."""

    def __init__(self, latency_s: float = LATENCY_S) -> None:
        self._latency_s = latency_s

    def __enter__(self) -> Server:
        words = [sys.executable, __file__, "--latency-s", str(self._latency_s)]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    @property
    def url(self) -> str:
        """The address as clients of OpenAI take it."""
        return f"http://127.0.0.1:{self.port}/v1"

    def counts(self) -> Counter[str]:
        """Return how many requests were answered so far, by kind."""
        return Counter(json.loads(asyncio.run(_asked(self.port, b""))))

    def cpu_s(self) -> float:
        """Return the CPU seconds that the service took so far."""
        times = psutil.Process(self._process.pid).cpu_times()
        return float(times.user + times.system)


async def _asked(port: int, body: bytes, until: Callable[[], bool] = lambda: True) -> bytes:
    """Send a request again and again over one connection, until told to stop; return the last reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    message = b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    while True:
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        reply = await reader.readexactly(int(head.rpartition(b": ")[2]))
        if until():
            writer.close()
            return reply


def measure(latency_s: float, span_s: float = 3.0) -> float:
    """Return how many judge requests a second the service answers over 100 connections, each waiting for its reply."""
    prompt = {"role": "user", "content": _TEXT * 3}
    body = json.dumps({"model": JUDGE, "messages": [prompt], "logprobs": True, "top_logprobs": 20}).encode()

    async def load(port: int) -> None:
        ends = time.perf_counter() + span_s
        await asyncio.gather(*[_asked(port, body, lambda: time.perf_counter() > ends) for _ in range(N_CONNECTIONS)])

    with Server(latency_s) as server:
        began = time.perf_counter()
        asyncio.run(load(server.port))
        return server.counts()["judge"] / (time.perf_counter() - began)


def main() -> None:
    """Serve, or measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--latency-s", type=float, default=LATENCY_S)
    parser.add_argument("--measure", action="store_true")
    given = parser.parse_args()
    if given.measure:
        for latency_s in (0.0, given.latency_s):
            print(f"latency {latency_s} s: {measure(latency_s):.0f} requests/s")
    else:
        asyncio.run(_serve(given.latency_s))


if __name__ == "__main__":
    main()
