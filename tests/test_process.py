"""The process that runs Inspect, and what it started."""

import queue

import psutil
import pytest

from em_bench.running import process


@pytest.mark.skipif(not hasattr(process.os, "killpg"), reason="no process groups here")
def test_killed_process_takes_what_it_started_with_it(tmp_path, monkeypatch):
    """A model's server that outlives its process keeps the memory that the next model needs."""
    stand_in = tmp_path / "python"
    stand_in.write_text('#!/bin/sh\nsleep 600 &\necho "{\\"pid\\": $!}"\nwait\n')
    stand_in.chmod(0o755)
    monkeypatch.setattr(process.sys, "executable", str(stand_in))
    reports = queue.SimpleQueue()
    started = process.Process(reports.put)
    _, report = reports.get(timeout=20)
    server = psutil.Process(report["pid"])
    started.kill()
    _, ended = psutil.wait_procs([server], timeout=20)
    assert not ended or ended[0].status() == psutil.STATUS_ZOMBIE
