"""The process that runs shares: Inspect's own command, which also tells its parent how far it is.

`python -m em_bench.running.worker` reads from each line of its stdin the arguments of one `inspect` command, as JSON,
and runs them in turn. It writes a line of JSON to stdout for each thing there is to tell; what Inspect prints goes to
stderr. When its stdin ends, so does it: a parent that was killed leaves nobody at work, and what was answered by then
is logged. With `--falls-together` it is not: another may be about to write there, and servers that it started end, too.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import runpy
import signal
import sys
import threading
import traceback
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from inspect_ai.hooks import Hooks, ModelUsageData, SampleEnd, TaskEnd, TaskStart, hooks

from em_bench.running.process import FALLS_TOGETHER
from em_bench.running.survey import tokens_of
from em_bench.running.tally import Tokens

__all__ = ["Reports", "main"]

_EVERY_S = 0.5
_GRACE_S = 20
_INTERRUPTED = 130


class Reports:
    """What there is to tell, gathered so that many answers make one line."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._sets: dict[str, str] = {}
        self._seen: set[tuple[str, str, int]] = set()
        self._answers: dict[str, int] = defaultdict(int)
        self._tokens: dict[str, Tokens] = defaultdict(Tokens)

    def task(self, eval_id: str, set_name: str, planned: int) -> None:
        """Tell that a task starts, with so many answers to come."""
        self._sets[eval_id] = set_name
        self._tell({"task": set_name, "planned": planned})

    def answer(self, eval_id: str, sample_id: str, epoch: int) -> None:
        """Count an answer, once however often its task is retried."""
        name = self._sets.get(eval_id, "")
        with self._lock:
            if (name, sample_id, epoch) not in self._seen:
                self._seen.add((name, sample_id, epoch))
                self._answers[name] += 1

    def tokens(self, model: str, tokens: Tokens) -> None:
        """Count tokens."""
        with self._lock:
            self._tokens[model] += tokens

    def warning(self, text: str) -> None:
        """Pass on a warning."""
        self._tell({"warning": text})

    def end(self, code: int) -> None:
        """Tell that a command has ended, after all else about it."""
        self.flush()
        self._sets.clear()
        self._seen.clear()
        self._tell({"ended": code})

    def flush(self) -> None:
        """Tell what was counted since the last time."""
        with self._lock:
            answers, self._answers = self._answers, defaultdict(int)
            tokens, self._tokens = self._tokens, defaultdict(Tokens)
        if answers or tokens:
            self._tell({"answers": answers, "tokens": {model: vars(spent) for model, spent in tokens.items()}})

    def _tell(self, plain: dict[str, Any]) -> None:
        with self._lock, contextlib.suppress(OSError):  # a parent that is gone is noticed elsewhere
            self._write(json.dumps(plain) + "\n")


def _listen(reports: Reports) -> None:
    """Have Inspect say what happens; only in this process, which exists for that."""

    @hooks(name="em_bench_run", description="Tells em-bench run how far a share is.")
    class _Listener(Hooks):
        async def on_task_start(self, data: TaskStart) -> None:
            spec = data.spec
            n_samples = len(spec.dataset.sample_ids or []) or spec.dataset.samples or 0
            name = str((spec.metadata or {}).get("set", ""))
            reports.task(data.eval_id, name, n_samples * (spec.config.epochs or 1))

        async def on_sample_end(self, data: SampleEnd) -> None:
            if data.sample.error is None:
                reports.answer(data.eval_id, str(data.sample.id), data.sample.epoch)

        async def on_model_usage(self, data: ModelUsageData) -> None:
            reports.tokens(data.model_name, tokens_of(data.usage))

        async def on_task_end(self, data: TaskEnd) -> None:
            reports.flush()


class _PassOn(logging.Handler):
    """Passes warnings on, which otherwise would be lost with the rest of what Inspect prints."""

    def __init__(self, reports: Reports) -> None:
        super().__init__(logging.WARNING)
        self._reports = reports

    def emit(self, record: logging.LogRecord) -> None:
        self._reports.warning(record.getMessage())


def main() -> None:
    """Run the commands of the parent until there are no more."""
    told = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    reports = Reports(told.write)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit that it is ignored
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # Ray's processes leave it blocked
    falls_together = FALLS_TOGETHER in sys.argv
    if falls_together:
        _leave_nobody()
    commands, is_busy = queue.SimpleQueue[list[str] | None](), threading.Event()
    grace_s = 0 if falls_together else _GRACE_S
    threading.Thread(target=_listen_to_parent, args=(commands, is_busy, grace_s), daemon=True).start()
    threading.Thread(target=_keep_telling, args=(reports,), daemon=True).start()
    _listen(reports)
    logging.getLogger().addHandler(_PassOn(reports))
    while (arguments := commands.get()) is not None:
        code = _run(arguments)
        is_busy.clear()
        reports.end(code)


def _run(arguments: list[str]) -> int:
    """Run one command of Inspect; return its exit code."""
    sys.argv = ["inspect", *arguments]
    try:
        runpy.run_module("inspect_ai", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _leave_nobody() -> None:
    """Have a process wait for the end of this one, however it ends, and end all that this one started."""
    ends, _held = os.pipe()
    if os.fork() == 0:
        os.close(_held)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        os.read(ends, 1)
        os.killpg(os.getpgrp(), signal.SIGKILL)


def _listen_to_parent(commands: queue.SimpleQueue[list[str] | None], is_busy: threading.Event, grace_s: float) -> None:
    """Take commands until stdin ends; then stop what runs as Ctrl-C does, so that it is logged, soon in any case."""
    with os.fdopen(os.dup(0), encoding="utf-8") as stream:
        for line in stream:
            is_busy.set()  # before it begins: a parent may be gone by then
            commands.put(json.loads(line))
    commands.put(None)
    if is_busy.is_set():
        if grace_s:
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(grace_s)
        if sys.platform == "win32":
            os.kill(os.getpid(), signal.SIGTERM)
        os.killpg(os.getpgrp(), signal.SIGKILL)


def _keep_telling(reports: Reports) -> None:
    pause = threading.Event()
    while not pause.wait(_EVERY_S):
        reports.flush()


if __name__ == "__main__":
    main()
