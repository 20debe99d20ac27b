"""What must not be shown of what a user typed: keys, tokens, passwords."""

from __future__ import annotations

import re

__all__ = ["is_secret", "without_secrets"]

_ANYWHERE = {"secret", "password", "passwd", "authorization", "credential", "credentials", "apikey"}
_AT_THE_END = {"key", "token"}
"""`api_key` and `HF_TOKEN` are secrets, `max_tokens`, `tokenizer_path` and `token_limit` are none."""

_IN_BRACES = re.compile(r"""([\w-]+)(['"]?\s*:\s*)("[^"]*"|'[^']*'|[^,{}\[\]]+)""")
_LOGIN = re.compile(r"(://)[^/\s@]+@")
_HIDDEN = "***"


def is_secret(name: str) -> bool:
    """Return whether something of this name is not to be shown."""
    parts = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower())
    return parts[-1] in _AT_THE_END or not _ANYWHERE.isdisjoint(parts)


def without_secrets(word: str) -> str:
    """Return a word of a command without secrets: values of `NAME=` and `{NAME: …}`, logins in addresses."""
    word = _LOGIN.sub(rf"\1{_HIDDEN}@", word)
    before, brace, within = word.partition("{")
    names = before.split("=")
    for number, name in enumerate(names[:-1]):
        if is_secret(name):
            return "=".join([*names[: number + 1], _HIDDEN])
    hidden = _IN_BRACES.sub(lambda found: found[1] + found[2] + _HIDDEN if is_secret(found[1]) else found[0], within)
    return before + brace + hidden
