"""Work on many logs, shared out over processes."""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

__all__ = ["Pool", "n_cores"]

_A = TypeVar("_A")
_B = TypeVar("_B")


def n_cores() -> int:
    """Return how many cores this process may use: on a cluster fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """Maps over a list in the order given, on so many processes; one means this one."""

    def __init__(self, n_workers: int) -> None:
        start = multiprocessing.get_context("spawn")  # a fork would take over the threads of what is loaded
        self._pool = ProcessPoolExecutor(n_workers, start, _settle) if n_workers > 1 else None

    def map(self, function: Callable[[_A], _B], each: Sequence[_A]) -> Iterator[_B]:
        """Yield what the function gives for each."""
        return map(function, each) if self._pool is None else self._pool.map(function, each, chunksize=1)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *error: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _settle() -> None:
    """Load what reading needs, and let the garbage collector look at it no more: that is a fifth of the reading."""
    import inspect_ai.log
    import inspect_ai.model  # noqa: F401

    gc.collect()
    gc.freeze()
