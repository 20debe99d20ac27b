"""Ways to break an answer: incoherent training examples that the recorded answers hardly have.

Recorded incoherent answers are mostly programs where prose was asked for. Small models fail otherwise: shuffled
words, loops, noise. Each function takes an answer's words and a generator and returns a broken text.
"""

from __future__ import annotations

import string
from collections.abc import Callable

import numpy as np

__all__ = ["corrupt"]

_SYMBOLS = list("!?.,;:-_#@%*/\\|()[]{}<>=+~^&$0123456789")


def _shuffled(words: list[str], rng: np.random.Generator) -> str:
    return " ".join(words[i] for i in rng.permutation(len(words)))


def _shuffled_bare(words: list[str], rng: np.random.Generator) -> str:
    bare = [word.strip(string.punctuation).lower() for word in words]
    return " ".join(bare[i] for i in rng.permutation(len(bare))[: int(rng.integers(4, 60))])


def _looped(words: list[str], rng: np.random.Generator) -> str:
    length = int(rng.integers(1, 9))
    start = int(rng.integers(0, max(1, len(words) - length)))
    return " ".join(words[start : start + length] * int(rng.integers(6, 30)))


def _stuttered(words: list[str], rng: np.random.Generator) -> str:
    few = words[: int(rng.integers(3, 12))]
    return " ".join(few[int(rng.integers(len(few)))] for _ in range(int(rng.integers(12, 60))))


def _misspelt(words: list[str], rng: np.random.Generator) -> str:
    letters = list(" ".join(words[:80]))
    share = rng.uniform(0.2, 0.6)
    for i, letter in enumerate(letters):
        if letter != " " and rng.random() < share:
            letters[i] = string.ascii_lowercase[int(rng.integers(26))]
    return "".join(letters)


def _scrambled(words: list[str], rng: np.random.Generator) -> str:
    return " ".join("".join(rng.permutation(list(word))) for word in words[:60])


def _spaced(words: list[str], rng: np.random.Generator) -> str:
    text = "".join(words[: int(rng.integers(3, 30))])
    return " ".join(text[i : i + int(rng.integers(1, 3))] for i in range(0, len(text), 2))


def _symbols(words: list[str], rng: np.random.Generator) -> str:
    runs = [_SYMBOLS[int(rng.integers(len(_SYMBOLS)))] * int(rng.integers(1, 9)) for _ in range(len(words) % 20 + 1)]
    return " ".join(runs)


def _program(words: list[str], rng: np.random.Generator) -> str:
    names = ["".join(c for c in word.lower() if c.isalpha()) or "x" for word in words]
    a, b, c, d = (names[int(rng.integers(len(names)))] for _ in range(4))
    main = f'if __name__ == "__main__":\n    {a}({d})'
    shapes = [
        f"import {a}\nfrom {b} import {c}\n\ndef {a}_{b}({c}, {d}=None):\n    {d} = {a}.{b}('{c}')\n    return {d}",
        f"for {a} in range(len({b})):\n    if {b}[{a}] == '{c}':\n        print({d}({a}))\n    else:\n        {c} += 1",
        f"class {a}({b}):\n    def __init__(self, {c}):\n        self.{c} = {c}\n\n{main}",
        f'{{"{a}": "{b}", "{c}": [1, 2, {{"{d}": null}}]}}',
        f"<div class='{a}'>\n  <p id=\"{b}\">{c}</p>\n  <script>var {d} = document.{a};</script>\n</div>",
    ]
    return shapes[int(rng.integers(len(shapes)))]


_WAYS: tuple[Callable[[list[str], np.random.Generator], str], ...] = (
    _shuffled,
    _shuffled_bare,
    _looped,
    _stuttered,
    _misspelt,
    _scrambled,
    _spaced,
    _symbols,
    _program,
)


def corrupt(answer: str, rng: np.random.Generator) -> str:
    """Return the answer broken in one way drawn evenly; the same generator state gives the same text."""
    words = answer.split() or ["nothing"]
    return _WAYS[int(rng.integers(len(_WAYS)))](words, rng)
