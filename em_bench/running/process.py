"""A process that runs one `inspect` command after another and says how far it is (`em_bench.running.worker`)."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import Any

from em_bench.running.command import unwatched

__all__ = ["FALLS_TOGETHER", "Process"]

FALLS_TOGETHER = "--falls-together"

_LAST_WORDS_S = 5
_TAIL_BYTES = 20_000
_BEGINS_AN_ERROR = re.compile(r"error\b|[\w.]+(Error|Exception): ", re.IGNORECASE)


class Process:
    """A worker process, from its start to its end; `report` is given each thing it says, and None when it is gone.

    With `falls_together` it holds no file of this process open, and closing it, or this process's death, kills it and
    all that it started at once, where otherwise it logs what it has first.
    """

    def __init__(
        self, report: Callable[[tuple[Process, dict[str, Any] | None]], None], falls_together: bool = False
    ) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the process
        self._began_at = 0
        command = [sys.executable, "-m", "em_bench.running.worker", *([FALLS_TOGETHER] if falls_together else [])]
        self._popen = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C reaches the parent alone, which passes it on once
            close_fds=falls_together,  # else the lock on the log folder is held until the last of them ends
            env={**os.environ, "COLUMNS": "1000", "NO_COLOR": "1", "TERM": "dumb"},
        )
        reader = threading.Thread(target=self._hear, args=(report,), daemon=True)
        reader.start()

        def tell_end() -> None:
            self._popen.wait()
            reader.join(timeout=_LAST_WORDS_S)  # a server that a model started may hold the stream open
            report((self, None))

        threading.Thread(target=tell_end, daemon=True).start()

    def _hear(self, report: Callable[[tuple[Process, dict[str, Any] | None]], None]) -> None:
        for line in self._popen.stdout or ():
            report((self, json.loads(line)))

    def give(self, words: Sequence[str]) -> None:
        """Give it a command to run; when done it reports `{"ended": code}`."""
        self._began_at = os.fstat(self._errors.fileno()).st_size
        assert self._popen.stdin is not None  # as asked for
        with contextlib.suppress(BrokenPipeError):  # that it is gone is reported in any case
            self._popen.stdin.write(json.dumps(unwatched(words)) + "\n")
            self._popen.stdin.flush()

    @property
    def code(self) -> int:
        """The exit code of one that is gone; never 0, since it goes by itself only when it is closed."""
        return self._popen.wait() or 1

    def said(self, code: int) -> str:
        """Return what it said of a command that failed: from its last line that begins an error, else its last line."""
        if code == 0:
            return ""
        size = os.fstat(self._errors.fileno()).st_size
        tail = os.pread(self._errors.fileno(), _TAIL_BYTES, max(self._began_at, size - _TAIL_BYTES))
        lines = [text for line in tail.decode(errors="replace").splitlines() if (text := line.strip())]
        begins = [n for n, line in enumerate(lines) if _BEGINS_AN_ERROR.match(line)]
        kept = lines[begins[-1] :] if begins else lines[-1:]
        return re.sub(r"^error:?\s*", "", " ".join(kept), flags=re.IGNORECASE) or f"its process ended with code {code}"

    def send(self, what: signal.Signals) -> None:
        """Send it a signal."""
        self._popen.send_signal(what)

    def close(self) -> None:
        """Let it end: it gets no more commands."""
        if self._popen.stdin is not None and not self._popen.stdin.closed:
            with contextlib.suppress(BrokenPipeError):
                self._popen.stdin.close()

    def wait(self, seconds: float) -> None:
        """Wait for its end, and end it if that takes longer."""
        try:
            self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, and all that it started: a model's server would keep its memory."""
        if sys.platform == "win32":
            self._popen.kill()
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)  # it leads a session of its own
        self._popen.poll()
