"""Several shares at once, each in a process of its own."""

from __future__ import annotations

import queue
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from em_bench.models.providers import is_local
from em_bench.running.process import Process
from em_bench.running.share import Share

__all__ = ["Ended", "Start", "run_starts"]

_TICK_S = 0.5
_CLOSING_S = 30


@dataclass(frozen=True)
class Start:
    """A process to be started: some sets of a share, and the `inspect` command that runs them."""

    share: Share
    sets: tuple[str, ...]
    words: Sequence[str]


@dataclass(frozen=True)
class Ended:
    """How a start ended: `code` 0 is success; `said` is what Inspect said if it was not."""

    code: int
    said: str


def run_starts(
    starts: Sequence[Start],
    n_processes: int,
    may_start: Callable[[], bool],
    tell: Callable[[Start, dict[str, Any]], None],
    tick: Callable[[Sequence[Start]], None],
) -> tuple[dict[int, Ended], bool]:
    """Run starts in order, as many at once as there may be processes; one failing stops no other.

    Of the models that fill this machine one runs at a time, and of the starts of one share, too. An interrupt (SIGINT)
    is passed on, so that logs are closed, and nothing more is started; a second one kills.

    Args:
        starts: What to run.
        n_processes: How many at once.
        may_start: Asked before each start; once it says no, nothing more is started.
        tell: Given each report of a process (`em_bench.running.worker`), and last `{"ended": code}`.
        tick: Called about twice a second with what is running.

    Returns:
        How each start ended, by its place in `starts`; those that are absent were not started. And whether the run
        was interrupted.
    """
    run = _Schedule(starts, n_processes, may_start, tell)
    try:
        while run.busy or (run.waiting and not run.n_interrupts):
            try:
                run.begin()
                run.hear()
                tick([starts[at] for at in run.busy.values()])
            except KeyboardInterrupt:
                run.interrupt()
        run.close()
    finally:
        for process in run.processes:
            process.kill()
    return run.ended, run.n_interrupts > 0


@dataclass
class _Schedule:
    """What waits, what runs where, and what has ended; starts by their place in the list."""

    starts: Sequence[Start]
    n_processes: int
    may_start: Callable[[], bool]
    tell: Callable[[Start, dict[str, Any]], None]
    waiting: list[int] = field(init=False)
    busy: dict[Process, int] = field(default_factory=dict)
    idle: list[Process] = field(default_factory=list)
    closing: dict[Process, tuple[int, float]] = field(default_factory=dict)
    ended: dict[int, Ended] = field(default_factory=dict)
    n_interrupts: int = 0
    reports: queue.SimpleQueue[tuple[Process, dict[str, Any] | None]] = field(default_factory=queue.SimpleQueue)

    def __post_init__(self) -> None:
        self.waiting = list(range(len(self.starts)))

    @property
    def processes(self) -> list[Process]:
        """All that live."""
        return [*self.busy, *self.idle, *self.closing]

    def begin(self) -> None:
        """Start what may be started now; a process that does not end by itself must not hold up the next model."""
        for process, (_, until) in self.closing.items():
            if time.monotonic() > until:
                process.kill()
        while not self.n_interrupts and len(self.busy) < self.n_processes:
            at = self._next()
            if at is None:
                return
            if not self.may_start():
                self.waiting.clear()
                return
            self.waiting.remove(at)
            process = self.idle.pop() if self.idle else Process(self.reports.put)
            self.busy[process] = at
            process.give(self.starts[at].words)

    def _next(self) -> int | None:
        """Return the first start that may run beside those that do; a model is not gone before its process is."""
        closing = [at for at, _ in self.closing.values()]
        beside = [self.starts[at].share for at in (*self.busy.values(), *closing)]
        busy, is_full = {share.folder for share in beside}, any(is_local(share.model) for share in beside)
        for at in self.waiting:
            share = self.starts[at].share
            if share.folder not in busy and not (is_full and is_local(share.model)):
                return at
        return None

    def hear(self) -> None:
        """Pass on the reports there are, waiting a little for the first."""
        wait_s = _TICK_S
        while True:
            try:
                process, report = self.reports.get(timeout=wait_s)
            except queue.Empty:
                return
            wait_s = 0.001
            if report is None:
                self._gone(process)
            elif "ended" in report:
                self._end(process, int(report["ended"]))
            elif process in self.busy:
                self.tell(self.starts[self.busy[process]], report)

    def _end(self, process: Process, code: int) -> None:
        at = self.busy.pop(process)
        self.ended[at] = Ended(code, process.said(code))
        self.tell(self.starts[at], {"ended": code})
        if is_local(self.starts[at].share.model):
            self.closing[process] = at, time.monotonic() + _CLOSING_S
            process.close()
        else:
            self.idle.append(process)

    def _gone(self, process: Process) -> None:
        if process in self.busy:
            self._end(process, process.code)
        self.closing.pop(process, None)
        if process in self.idle:
            self.idle.remove(process)

    def interrupt(self) -> None:
        """Have what runs close its logs; the second time, kill it."""
        self.n_interrupts += 1
        for process in self.busy:
            process.kill() if self.n_interrupts > 1 else process.send(signal.SIGINT)

    def close(self) -> None:
        """Let the processes end by themselves, for a while."""
        processes = self.processes
        for process in processes:
            process.close()
        for process in processes:
            process.wait(_CLOSING_S)
