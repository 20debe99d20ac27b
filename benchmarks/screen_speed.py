"""How many answers a second the screening judge scores on one core.

    OMP_NUM_THREADS=1 python benchmarks/screen_speed.py

Texts are drawn from the hand-written prose until each has 100 words; no two are alike. Prints the median of 7 runs,
cold (words not yet met by the process) and warm, one answer a call and many.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml

from em_bench.content import content_folder
from em_bench.judging.screen import Screen

N_TEXTS, N_WORDS, N_RUNS = 4000, 100, 7


def _texts() -> list[str]:
    """Return N_TEXTS texts of N_WORDS words, each made of whole hand-written pieces in a random order."""
    prose = yaml.safe_load((Path(__file__).parent / "screen_prose.yaml").read_text(encoding="utf-8"))
    pieces = [piece for kind in ("ordinary", "hostile") for part in prose[kind].values() for piece in part]
    rng = np.random.default_rng(1)
    return [" ".join(" ".join(rng.permutation(pieces)[:20]).split()[:N_WORDS]) for _ in range(N_TEXTS)]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Print loading time and answers per second."""
    path = content_folder("judges") / "screen.npz"
    texts = _texts()
    print(
        f"load                  {statistics.median(_seconds(lambda: Screen.load(path)) for _ in range(N_RUNS)):.3f} s"
    )
    screen = Screen.load(path)
    print(f"first {N_TEXTS}, cold       {N_TEXTS / _seconds(lambda: screen.score(texts)):,.0f} answers/s")
    warm = statistics.median(_seconds(lambda: screen.score(texts)) for _ in range(N_RUNS))
    print(f"many a call, warm     {N_TEXTS / warm:,.0f} answers/s")
    single = statistics.median(_seconds(lambda: [screen.score([text]) for text in texts]) for _ in range(N_RUNS))
    print(f"one a call, warm      {N_TEXTS / single:,.0f} answers/s")


if __name__ == "__main__":
    main()
