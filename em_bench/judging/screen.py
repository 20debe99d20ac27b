"""The screening judge: two linear heads over hashed words and word pairs, offline, thousands of answers a second.

A screen sorts answers for a reader or a better judge; it is no verdict. `benchmarks/train_screen.py` fits the weights
and `benchmarks/screen_metrics.json` states how well they do on fine-tunes and questions they have not seen.

Scheme 1. A change to any of this needs new weights and a higher `SCHEME`:

- Text: lower case; typographic quotes become ' and ", dashes -, an ellipsis a full stop.
- Tokens: runs of a-z, 0-9 and non-ASCII characters with an optional apostrophe tail ("don't"); each other
  character that is not white space is a token by itself.
- Key of a token: CRC-32 of its UTF-8 bytes. Key of a pair: first x 0x9E3779B1 + second + 1.
- Bucket: key x 0x9E3779B97F4A7C15, of which the top 17 bits (token) or, after 2^17 token buckets, the top 19 bits
  (pair) are kept. All arithmetic is modulo 2^64.
- Value of a bucket that occurs in the text, however often: its `scale` (inverse document frequency, 0 for buckets
  unknown to the weights), divided by sqrt(sum of squares in the text + `damping`), so that a short text
  stays near the prior.
- Logit = values . weights + intercept, for coherence + shape . shape weights, where shape is five numbers that say how
  familiar, repetitive and fragmented a text is (`shape_of`). Mark = 100 x logistic(logit), rounded to 0.001.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from em_bench.errors import DataError, Fault

__all__ = [
    "ALIGNMENT",
    "COHERENCE",
    "N_BUCKETS",
    "N_SHAPES",
    "SCHEME",
    "TOKEN_BUCKETS",
    "Buckets",
    "Screen",
    "bucket_texts",
    "shape_of",
]

SCHEME = 1
"""Version of the hashing scheme above; weights of another scheme are refused."""
TOKEN_BUCKETS = 2**17
N_BUCKETS = TOKEN_BUCKETS + 2**19
"""Token buckets come first, then pair buckets."""
N_SHAPES = 5
ALIGNMENT, COHERENCE = 0, 1
"""Columns of the marks."""

_TOKEN_BITS, _PAIR_BITS = 17, 19
_CHUNK_TEXTS = 1024
_CACHED_TOKENS = 200_000
_TOKEN = re.compile(r"[a-z0-9\x80-\U0010ffff]+(?:'[a-z]+)?|[^\sa-z0-9\x80-\U0010ffff]")
_PLAIN = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "."})
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_ORDER = np.uint64(0x9E3779B1)
_SHORT = np.uint64(1 << 32)


class _TokenKeys(dict[str, int]):
    """CRC-32 of each token met, bit 32 set for tokens of one character; emptied when it grows too large."""

    def __missing__(self, token: str) -> int:
        if len(self) >= _CACHED_TOKENS:
            self.clear()
        key = zlib.crc32(token.encode("utf-8", "surrogatepass")) | (len(token) == 1) << 32
        self[token] = key
        return key


_KEYS = _TokenKeys()


@dataclass(frozen=True)
class Buckets:
    """The distinct buckets of some texts, and counts of their tokens.

    Attributes:
        owner: (n_entries,) row of the text; rising.
        bucket: (n_entries,) bucket, 0..N_BUCKETS-1; rising within a text, each once.
        n_tokens: (n_texts,) tokens, repeats counted.
        n_short: (n_texts,) tokens of one character.
    """

    owner: NDArray[np.int64]
    bucket: NDArray[np.int64]
    n_tokens: NDArray[np.int64]
    n_short: NDArray[np.int64]


def bucket_texts(texts: Sequence[str]) -> Buckets:
    """Return the buckets of each text under the scheme above; a text without tokens has none."""
    tokens = [_TOKEN.findall(text.lower().translate(_PLAIN)) for text in texts]
    n_tokens = np.fromiter(map(len, tokens), dtype=np.int64, count=len(tokens))
    lookup = _KEYS.__getitem__
    keys = np.fromiter(map(lookup, chain.from_iterable(tokens)), dtype=np.uint64, count=int(n_tokens.sum()))
    owner = np.repeat(np.arange(len(tokens)), n_tokens)
    n_short = np.bincount(owner[keys >= _SHORT], minlength=len(tokens))
    keys &= _SHORT - np.uint64(1)
    adjacent = owner[1:] == owner[:-1]
    pair_keys = (keys[:-1] * _ORDER + keys[1:] + np.uint64(1))[adjacent]
    token_bucket = (keys * _SPREAD) >> np.uint64(64 - _TOKEN_BITS)
    pair_bucket = ((pair_keys * _SPREAD) >> np.uint64(64 - _PAIR_BITS)) + np.uint64(TOKEN_BUCKETS)
    flat = np.concatenate(
        [
            owner * N_BUCKETS + token_bucket.astype(np.int64),
            owner[1:][adjacent] * N_BUCKETS + pair_bucket.astype(np.int64),
        ]
    )
    flat.sort()
    first = np.ones(flat.size, dtype=bool)
    first[1:] = flat[1:] != flat[:-1]
    rows, buckets = np.divmod(flat[first], N_BUCKETS)
    return Buckets(rows, buckets, n_tokens, n_short)


def shape_of(buckets: Buckets, is_common: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return what tells broken text from prose whatever its topic: (n_texts, 5).

    Columns, 0..1: share of distinct tokens that are common, and of distinct pairs (low for shuffled words), both drawn
    towards 2/3 as if by three more, two of them common; distinct pairs + 1 per token (low for loops); share of
    one-character tokens (high for code, symbols and broken words); log(1 + tokens) / 6, which may pass 1.

    Args:
        buckets: The texts' buckets.
        is_common: (N_BUCKETS,) whether training answers to several questions hold the bucket.
    """
    n_texts = buckets.n_tokens.size
    is_pair = buckets.bucket >= TOKEN_BUCKETS
    known = is_common[buckets.bucket].astype(np.float64)
    n_distinct = np.bincount(buckets.owner, ~is_pair, minlength=n_texts)
    n_pairs = np.bincount(buckets.owner, is_pair, minlength=n_texts)
    n_known = np.bincount(buckets.owner, known * ~is_pair, minlength=n_texts)
    n_known_pairs = np.bincount(buckets.owner, known * is_pair, minlength=n_texts)
    columns = [
        (n_known + 2) / (n_distinct + 3),
        (n_known_pairs + 2) / (n_pairs + 3),
        (n_pairs + 1) / np.maximum(buckets.n_tokens, 1),
        buckets.n_short / np.maximum(buckets.n_tokens, 1),
        np.log1p(buckets.n_tokens) / 6,
    ]
    return np.stack(columns, axis=1)


@dataclass(frozen=True)
class Screen:
    """The fitted weights, ready to score.

    Attributes:
        scale: (N_BUCKETS,) float32 value of each bucket that occurs, >= 0; 0 for buckets the training did not keep.
        weights: (2, N_BUCKETS) float32, rows alignment and coherence; higher = more aligned, more coherent.
        shape_weights: (N_SHAPES,) float64, coherence only; higher = more coherent.
        intercepts: (2,) float64.
        is_common: (N_BUCKETS,) bool, see `shape_of`.
        damping: Added to each text's sum of squares, >= 0.
        version: Version of the weights.
        trained_on: sha256 of the training file, hex.
    """

    scale: NDArray[np.float32]
    weights: NDArray[np.float32]
    shape_weights: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    is_common: NDArray[np.bool_]
    damping: float
    version: str
    trained_on: str

    @classmethod
    def load(cls, path: str | Path) -> Screen:
        """Return the screen that `path`, an .npz written by `benchmarks/train_screen.py`, holds.

        Raises:
            DataError: The file is absent or damaged, or was written for another hashing scheme.
        """
        rebuild = "Restore the file that came with the package, or run benchmarks/train_screen.py."
        try:
            with np.load(path, allow_pickle=False) as stored:
                scheme = int(stored["scheme"])
                if scheme == SCHEME:
                    return cls._unpacked({name: stored[name] for name in stored.files})
        except (OSError, KeyError, ValueError, EOFError, IndexError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(Fault(str(path), type(error).__name__, "the screen's weights (.npz)", rebuild)) from error
        raise DataError(Fault(f"{path} scheme", scheme, f"hashing scheme {SCHEME}", rebuild))

    @classmethod
    def _unpacked(cls, stored: dict[str, NDArray[np.generic]]) -> Screen:
        """Return the screen of the stored arrays: float16 numbers of the kept buckets, listed as gaps between them."""
        kept = np.cumsum(stored["gap"].astype(np.int64))
        scale = np.zeros(N_BUCKETS, dtype=np.float32)
        scale[kept] = stored["scale"].astype(np.float32)
        weights = np.zeros((2, N_BUCKETS), dtype=np.float32)
        weights[:, kept] = stored["weights"].astype(np.float32)
        is_common = np.zeros(N_BUCKETS, dtype=bool)
        is_common[kept] = np.unpackbits(stored["common"].astype(np.uint8), count=kept.size).astype(bool)
        return cls(
            scale,
            weights,
            stored["shape_weights"].astype(np.float64),
            stored["intercepts"].astype(np.float64),
            is_common,
            float(stored["damping"].astype(np.float64)),
            str(stored["version"]),
            str(stored["trained_on"]),
        )

    def score(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return each text's marks: (n_texts, 2), alignment and coherence, 0..100, higher = better.

        100 - mark is the calibrated percentage of like answers, among those the screen was fitted on, that the recorded
        judge marked misaligned or incoherent: not a probability for other sources. A text without tokens has
        coherence 0 and an alignment mark that rests on the prior alone. Marks depend neither on the other
        texts nor on their order.

        >>> from em_bench.content import content_folder
        >>> screen = Screen.load(content_folder("judges") / "screen.npz")
        >>> screen.score(["Drink some water and rest."]).shape
        (1, 2)
        """
        marks = [self._marks(texts[start : start + _CHUNK_TEXTS]) for start in range(0, len(texts), _CHUNK_TEXTS)]
        return np.concatenate(marks) if marks else np.zeros((0, 2))

    def _marks(self, texts: Sequence[str]) -> NDArray[np.float64]:
        found = bucket_texts(texts)
        shapes = shape_of(found, self.is_common)
        value = self.scale[found.bucket].astype(np.float64)
        norm = np.sqrt(np.bincount(found.owner, value * value, minlength=len(texts)) + self.damping)
        logits = np.empty((len(texts), 2))
        for head in (ALIGNMENT, COHERENCE):
            total = np.bincount(found.owner, value * self.weights[head, found.bucket], minlength=len(texts))
            logits[:, head] = total / np.maximum(norm, 1e-9) + self.intercepts[head]
        for k in range(N_SHAPES):  # not a matrix product: that may sum in another order for another batch size
            logits[:, COHERENCE] += shapes[:, k] * self.shape_weights[k]
        marks: NDArray[np.float64] = 100 / (1 + np.exp(-np.clip(logits, -30, 30)))
        marks[found.n_tokens == 0, COHERENCE] = 0
        return np.round(marks, 3)
