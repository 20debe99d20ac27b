"""Who could grade: the providers of Inspect that have a key here, whether they answer, and which give logprobs.

Keys are looked at, never shown and never sent: a provider is asked without one, and any reply shows that it can be
reached. What is known of providers was read in Inspect 0.3.285.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import Thread
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from dotenv import dotenv_values, find_dotenv

from em_bench import __version__
from em_bench.cli.finding import Finding
from em_bench.content import content_folder, content_names, parse_yaml
from em_bench.errors import EmBenchError

__all__ = ["check_graders"]

_WAIT_S = 2.5
"""For all providers together: without a network, looking up a name may take longer than any timeout of a request."""

_YES = "gives logprobs"
_SOME = "logprobs from some models"
_NO = "no logprobs: readouts are sampled or text"


@dataclass(frozen=True)
class Provider:
    """A provider of Inspect: the variables that may hold its key and its address, and whether replies have logprobs.

    One without key variables is a server of the user's own, asked where its address is set.
    """

    name: str
    keys: tuple[str, ...]
    address: str
    logprobs: str
    address_variable: str

    def asked_at(self, environment: Mapping[str, str]) -> str:
        """Return the address its requests go to; empty if it has none here."""
        return environment.get(self.address_variable) or self.address


def _provider(name: str, keys: str, address: str, logprobs: str, address_variable: str = "") -> Provider:
    return Provider(name, tuple(keys.split()), address, logprobs, address_variable or f"{name.upper()}_BASE_URL")


ASKED = (
    _provider("openai", "OPENAI_API_KEY", "https://api.openai.com/v1", f"{_YES} without reasoning"),
    _provider("anthropic", "ANTHROPIC_API_KEY", "https://api.anthropic.com", _NO),
    _provider("google", "GOOGLE_API_KEY GEMINI_API_KEY", "https://generativelanguage.googleapis.com", _SOME),
    _provider("mistral", "MISTRAL_API_KEY", "https://api.mistral.ai", _NO),
    _provider("grok", "XAI_API_KEY GROK_API_KEY", "https://api.x.ai", _SOME, "XAI_BASE_URL"),
    _provider("together", "TOGETHER_API_KEY", "https://api.together.xyz/v1", _YES),
    _provider("openrouter", "OPENROUTER_API_KEY", "https://openrouter.ai/api/v1", _SOME),
    _provider("groq", "GROQ_API_KEY", "https://api.groq.com", _NO),
    _provider("deepseek", "DEEPSEEK_API_KEY", "https://api.deepseek.com", _SOME),
    _provider("fireworks", "FIREWORKS_API_KEY", "https://api.fireworks.ai/inference/v1", _SOME),
    _provider("hf-inference-providers", "HF_TOKEN", "https://router.huggingface.co/v1", _SOME, "HF_BASE_URL"),
    _provider("meta", "META_API_KEY MODEL_API_KEY", "https://api.meta.ai/v1", _NO),
    _provider("moonshot", "MOONSHOT_API_KEY", "https://api.moonshot.ai/v1", _SOME),
    _provider("sambanova", "SAMBANOVA_API_KEY", "https://api.sambanova.ai/v1", _SOME),
    _provider("azureai", "AZUREAI_API_KEY AZURE_API_KEY", "", _SOME),
    _provider("vllm", "", "", _YES),
    _provider("sglang", "", "", _YES),
    _provider("ollama", "", "", _SOME),
)


def check_graders() -> Iterator[Finding]:
    """Yield a line for each provider that has a key or an address here, or that judges name as their default grader."""
    environment = _environment()
    defaults = _default_graders()
    usable = {
        each.name: each.asked_at(environment)
        for each in ASKED
        if (_keys_set(each, environment) or (not each.keys and environment.get(each.address_variable)))
    }
    failures = _failures({address for address in usable.values() if address})
    for provider in ASKED:
        wanted = [model for model in defaults if model.partition("/")[0] == provider.name]
        if provider.name in usable:
            yield _with_key(provider, environment, failures)
        elif wanted:
            n_judges = sum(defaults[model] for model in wanted)
            found = f"{' or '.join(provider.keys)} is not set; {', '.join(wanted)} grades for {n_judges} judges"
            fix = "Set it, name another grader (--model-role grader=MODEL), or judge offline (em-bench list judges)."
            yield Finding(f"grader {provider.name}", "-" if usable else "fix", found, fix)
    without = [each for each in ASKED if each.keys and each.name not in usable]
    named = ", ".join(f"{each.name} ({each.keys[0]})" for each in without if not _is_default(each, defaults))
    if named:
        yield Finding("other providers", "-", f"no key for {named}")


def _environment() -> dict[str, str]:
    """Return the environment as Inspect will see it: what it does not set is taken from the nearest `.env` file."""
    path = find_dotenv(usecwd=True)
    from_file = {key: value for key, value in dotenv_values(path).items() if value is not None} if path else {}
    return from_file | os.environ


def _default_graders() -> dict[str, int]:
    """Return the models that judges name as their default grader, and for how many judges each; none if unreadable."""
    found: dict[str, int] = {}
    try:
        folder = content_folder("judges")
        judges = [parse_yaml(folder / f"{name}.yaml")[0] for name in content_names(folder)]
    except EmBenchError:  # said by the line on content, and by `em-bench check`
        return {}
    for judge in judges:
        if isinstance(judge, dict) and (model := judge.get("default_model")):
            found[str(model)] = found.get(str(model), 0) + 1
    return found


def _is_default(provider: Provider, defaults: Iterable[str]) -> bool:
    return any(model.partition("/")[0] == provider.name for model in defaults)


def _keys_set(provider: Provider, environment: Mapping[str, str]) -> list[str]:
    return [name for name in provider.keys if environment.get(name)]


def _with_key(provider: Provider, environment: Mapping[str, str], failures: Mapping[str, str]) -> Finding:
    place, keys = f"grader {provider.name}", _keys_set(provider, environment)
    if broken := [name for name in keys if _is_broken(environment[name])]:
        found = f"{', '.join(broken)} holds white space, quotes or characters that no key has"
        return Finding(place, "fix", found, "Set it to the key alone.")
    address = provider.asked_at(environment)
    has_key = f"{keys[0]} is set" if keys else f"{provider.address_variable} is set"
    if not address:
        return Finding(
            place, "fix", f"{has_key}, but no {provider.address_variable}", "Set it to your server's address."
        )
    if failure := failures.get(address):
        fix = "Check the network, a proxy (HTTPS_PROXY) and the address."
        return Finding(place, "fix", f"{has_key}, but {_host(address)} {failure}", fix)
    return Finding(place, "ok", f"{has_key}, {_host(address)} answers; {provider.logprobs}")


def _is_broken(key: str) -> bool:
    return not key.isascii() or not key.isprintable() or any(char in key for char in " \"'")


def _host(address: str) -> str:
    """Return the host of an address, without a name or a password that may stand before it."""
    try:
        found = urlsplit(address)
        return f"{found.hostname}:{found.port}" if found.port else str(found.hostname or "an address without a host")
    except ValueError:
        return "an address that cannot be read"


def _failures(addresses: Iterable[str]) -> dict[str, str]:
    """Return what went wrong with each address that did not answer; all are asked at once."""
    told: dict[str, str | None] = {address: f"did not answer within {_WAIT_S} s" for address in addresses}

    def ask(address: str) -> None:
        told[address] = _failure(address)

    threads = [Thread(target=ask, args=(address,), daemon=True) for address in told]
    deadline = time.monotonic() + _WAIT_S
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    return {address: failure for address, failure in told.copy().items() if failure}


def _failure(address: str) -> str | None:
    """Return in words why an address does not answer; None if it does, be it that it asks for a key."""
    try:
        if urlsplit(address).scheme not in ("http", "https"):
            return "is not asked: its address does not begin with https://"
        asked = Request(address, headers={"User-Agent": f"em-bench/{__version__}"})  # noqa: S310
        with urlopen(asked, timeout=_WAIT_S):  # noqa: S310
            return None
    except HTTPError as error:
        return None if error.code < 500 and error.code != 407 else f"answers with HTTP {error.code}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        return f"cannot be reached ({getattr(reason, 'strerror', None) or reason})"
    except Exception as error:  # the HTTP library has errors of its own for replies that are none
        return f"cannot be reached ({type(error).__name__})"
