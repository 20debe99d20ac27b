"""What a judge ran with that its lane does not say, so that numbers of one lane got in two ways are noticed."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from urllib.parse import urlsplit

from inspect_ai.model import Model

from em_bench.content import digest_of
from em_bench.judging.judge import Judge

__all__ = ["PLAIN", "judged_with"]

PLAIN = "nothing set"
"""What is said of a grader that was given a name and nothing else."""

_LIBRARIES = {"insecure_code": "bandit"}
_OF_THE_CALL = {"temperature", "max_tokens", "logprobs", "top_logprobs"}
"""What `em_bench.judging.grading` sets itself for each call; scorers of other packages may not."""
_WITHOUT_EFFECT = {
    *("max_retries", "timeout", "attempt_timeout", "stream_idle_timeout", "max_connections", "adaptive_connections"),
    *("cache", "cache_prompt", "batch"),
}
_MOST_CHARS = 24


def judged_with(judge: Judge, grader: Model | None) -> str:
    """Return what a judge runs with: the settings of its grader, or the release of a program's library; else "".

    Of long values, and of arguments that may hold a key, there is a digest; of an address the host.

    Args:
        judge: One that is not made of others.
        grader: The model it asks; None for one that asks none.
    """
    if grader is None:
        return _release(judge.program or "")
    silent = _WITHOUT_EFFECT | (_OF_THE_CALL if judge.kind == "prompted" else set())
    given = grader.config.model_dump(mode="json", exclude_none=True, exclude=silent)
    said = [f"{name} {_short(value)}" for name, value in sorted(given.items())]
    if host := urlsplit(grader.api.base_url or "").hostname:
        said.append(f"at {host}")
    if args := {name: value for name, value in grader.model_args.items() if isinstance(value, str | int | float)}:
        said.append(f"model_args #{digest_of(args)}")
    return ", ".join(said) or PLAIN


@cache
def _release(program: str) -> str:
    library = _LIBRARIES.get(program)
    return f"{library} {version(library)}" if library else ""


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _MOST_CHARS and "\n" not in text else f"#{digest_of({'value': text})}"
