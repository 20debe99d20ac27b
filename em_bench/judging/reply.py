"""What a grader's reply says once thinking, markdown and JSON around it are taken away."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence

__all__ = ["bare_reply", "has_unfinished_thought", "is_echo", "keyed_reply"]

_THOUGHT = re.compile(r"\s*<(think|thinking|thought|reasoning)>.*?</\1>", re.S | re.I)
_OPENED = re.compile(r"\s*<(think|thinking|thought|reasoning)>", re.I)
_CODE_FENCE = re.compile(r"\s*```[a-z]*\s*(.*?)\s*```\s*", re.S | re.I)
_NAMED = re.compile(r"(?:final |overall )?(score|rating|mark|grade|answer|value|(?P<own>\w+))\s*[*_`]*\s*[:=]", re.I)
_HEADED_NUMBER = re.compile(r"[\w ]{0,24}[^\w{]*\d+(?:\.\d+)?(?:\s*/\s*\d+|%)?[^\w}]*")
_DECORATION = " \t\r\n*_`\"'#:()[]"
_MARK_KEYS = ("score", "rating", "mark", "grade", "answer", "value")


def has_unfinished_thought(text: str) -> bool:
    """Return whether a reply opens a thought that it does not close: what follows it was cut off."""
    return bool(_OPENED.match(text)) and not _THOUGHT.match(text)


def is_echo(text: str, answer: str) -> bool:
    """Return whether a reply that is more than a number under a heading stands in the answer, letter for letter.

    Then the grader may have repeated what it was to grade. Of a number, with or without `Score:`, that cannot be told.
    """
    said = text.strip()
    return bool(re.search(r"\d", said)) and not _HEADED_NUMBER.fullmatch(said) and said in answer


def bare_reply(text: str, name: str) -> str:
    """Return the bare number, word or label that a reply consists of.

    Taken away are a thought in tags before it, format characters, markdown, quotes, a full stop, a JSON object or code
    fence around it, and a heading such as `Score:` or the criterion's own name. Prose stays as it is, and so does JSON
    that says no one thing: it begins with a brace or holds a comma, and is no number.

    Args:
        text: The reply.
        name: The criterion's name, which a JSON object or a heading may use.
    """
    plain = _unwrapped(text)
    if plain.strip()[:1] in ("{", "[") and (said := _from_json(plain, name)) is not None:
        return said
    plain = _undecorated(plain)
    heading = _NAMED.match(plain)
    if heading is not None and (heading["own"] is None or heading["own"].casefold() == name.casefold()):
        plain = _undecorated(plain[heading.end() :])
    return plain


def keyed_reply(text: str, names: Sequence[str]) -> dict[str, str] | None:
    """Return what a JSON object says under each name, in any case; None where the reply is no object with all of them.

    A thought in tags before it and a code fence around it are taken away. Other keys are passed over; a value that is
    neither number nor text is no word on anything, and neither is a key given twice.

    Args:
        text: The reply.
        names: Names of criteria.
    """
    try:
        said = json.loads(_unwrapped(text), object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    found: dict[str, str] = {}
    for name in names:
        values = [value for key, value in said.items() if key.casefold() == name.casefold()]
        if len(values) != 1 or isinstance(values[0], bool) or not isinstance(values[0], str | int | float):
            return None
        found[name] = _undecorated(str(values[0]))
    return found


def _unwrapped(text: str) -> str:
    """Return a reply without a thought before it, format characters and a code fence around it."""
    plain = _THOUGHT.sub("", text, count=1) if _OPENED.match(text) else text
    plain = "".join(char for char in plain if unicodedata.category(char) != "Cf")
    fence = _CODE_FENCE.fullmatch(plain)
    return plain if fence is None else fence[1]


def _undecorated(text: str) -> str:
    return text.strip(_DECORATION).rstrip("." + _DECORATION)


def _from_json(text: str, name: str) -> str | None:
    """Return what a JSON object says under the criterion's name, a common name of a mark, or its only key."""
    try:
        said = json.loads(text, object_pairs_hook=_unambiguous)
    except (ValueError, RecursionError):
        return None
    if isinstance(said, list) and len(said) == 1:
        said = said[0]
    if isinstance(said, dict):
        own = [key for key in said if key.casefold() == name.casefold()]
        common = [key for key in said if key.casefold() in _MARK_KEYS]
        keys = own or common or list(said)
        said = said[keys[0]] if len(keys) == 1 else None
    if isinstance(said, bool) or not isinstance(said, str | int | float):
        return None
    return _undecorated(str(said))


def _unambiguous(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    """Return the pairs as a dict; a key given twice is an error, since readers of JSON disagree on what it means."""
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key} twice")
        found[key] = value
    return found
