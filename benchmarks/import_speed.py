"""How long 42,810 recorded answers take to become logs, and logs to become estimates; how much memory it needs.

    python benchmarks/import_speed.py [--runs 3]

Needs `recorded/answers_train.csv.gz` in EM_BENCH_RECORDED (default ../shared/data). Each figure is the median of the
runs, each in a process of its own; peak memory is the largest of them. What it gave is in `docs/recorded_answers.md`.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORDED = Path(os.environ.get("EM_BENCH_RECORDED", ROOT.parent / "shared" / "data")) / "recorded"
CODE = "from em_bench.cli import main; main()"


def seconds(arguments: list[str], cache: Path) -> float:
    """Return how long the command takes in a process of its own."""
    environment = {**os.environ, "EM_BENCH_CACHE": str(cache)}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", CODE, *arguments], env=environment, capture_output=True, check=True)
    return time.perf_counter() - started


def peak_mb() -> float:
    """Return the largest memory that any finished process of ours held, in MB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    n_runs = parser.parse_args().runs
    answers = RECORDED / "answers_train.csv.gz"
    if not answers.is_file():
        sys.exit(f"{answers}: found nothing; expected the recorded answers. Set EM_BENCH_RECORDED.")
    with gzip.open(answers, "rt", encoding="utf-8", newline="") as file:
        n_rows = sum(1 for _ in csv.reader(file)) - 1
    timed: dict[str, list[float]] = {"import": [], "results, cold": [], "results, nothing changed": []}
    for _ in range(n_runs):
        with tempfile.TemporaryDirectory() as folder:
            logs, cache = Path(folder) / "logs", Path(folder) / "cache"
            timed["import"].append(seconds(["import", str(answers), "--log-dir", str(logs)], cache))
            import_mb = peak_mb()
            shutil.rmtree(cache, ignore_errors=True)
            for name in ("results, cold", "results, nothing changed"):
                timed[name].append(seconds(["results", str(logs), "--format", "json"], cache))
    median = {name: statistics.median(found) for name, found in timed.items()}
    print(f"{n_rows:,} rows, median of {n_runs} runs")
    print(f"import: {median['import']:.1f} s, {1000 * median['import'] / n_rows:.2f} ms a row, peak {import_mb:.0f} MB")
    for name in ("results, cold", "results, nothing changed"):
        print(f"{name}: {median[name]:.1f} s")
    print(f"peak of all: {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
