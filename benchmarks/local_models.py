"""Answers a second from models on this machine, many at a time against one by one.

    python benchmarks/local_models.py [--runs 3]    # about ten minutes on two cores; extras local and smol

Rows, each asked both ways in turn, medians of the runs written to `local_models.json` beside this file:

- `transformers`: SmolLM2-135M through Inspect's `hf`, 32 at a time (what `em_bench.models.smol` sets) against 1.
- `server`: a local service that speaks OpenAI's protocol and takes 200 ms for each request (`overhead_server.py`), as
  a vLLM server with adapters is spoken to, 100 connections against 1.

Answers are of at most 40 tokens, judged by a program. A rate is answers over the seconds from the start of the
first to the end of the last, as the log records them, without loading.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
from datetime import datetime
from pathlib import Path

import torch
from inspect_ai import eval as run_eval
from inspect_ai.model import Model, get_model
from overhead_server import LATENCY_S, Server

from em_bench.models.smol import smol_model
from em_bench.tasks import SET_TASKS

OUTPUT = Path(__file__).with_suffix(".json")
N_TOKENS = 40


def rate(model: Model, n_answers: int, epochs: int, at_once: int) -> float:
    """Return answers a second."""
    task = SET_TASKS["nazi_admiration"](judge="admiration_words", only="/0")
    with tempfile.TemporaryDirectory() as logs:
        (log,) = run_eval(
            task, model=model, limit=n_answers // epochs, epochs=epochs, max_connections=at_once, max_samples=at_once,
            max_tokens=N_TOKENS, log_dir=logs, display="none",
        )  # fmt: skip
        assert log.status == "success", log.error and log.error.message[-500:]
        answers = list(log.samples or [])  # Inspect reads them from the file when they are asked for
    assert len(answers) == n_answers, f"{len(answers)} of {n_answers} answers"
    began = min(datetime.fromisoformat(str(answer.started_at)) for answer in answers)
    ended = max(datetime.fromisoformat(str(answer.completed_at)) for answer in answers)
    return n_answers / (ended - began).total_seconds()


def main() -> None:
    """Measure both rows and write them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    n_runs = parser.parse_args().runs
    rows: dict[str, dict[str, list[float]]] = {
        "transformers": {"many": [], "one": []},
        "server": {"many": [], "one": []},
    }
    smol = smol_model(print)
    rate(smol, 2, 1, 2)  # loads the weights
    with Server(LATENCY_S) as server:
        served = get_model("openai-api/local/subject", base_url=server.url, api_key="none", memoize=False)
        rate(served, 2, 1, 2)
        for run in range(n_runs):
            rows["transformers"]["one"].append(rate(smol, 6, 1, 1))
            rows["transformers"]["many"].append(rate(smol, 60, 1, 32))
            rows["server"]["one"].append(rate(served, 20, 1, 1))
            rows["server"]["many"].append(rate(served, 600, 10, 100))
            print(
                f"run {run + 1} of {n_runs}:",
                {row: {way: f"{of[way][-1]:.2f}/s" for way in of} for row, of in rows.items()},
            )
    found = {
        row: {
            **{way: round(statistics.median(rates), 2) for way, rates in of.items()},
            "ratio": round(statistics.median(m / o for m, o in zip(of["many"], of["one"], strict=True)), 1),
            "ratios": [round(m / o, 1) for m, o in zip(of["many"], of["one"], strict=True)],
        }
        for row, of in rows.items()
    }
    about = {"runs": n_runs, "cores": os.cpu_count(), "python": platform.python_version(), "torch": torch.__version__}
    OUTPUT.write_text(json.dumps({**about, **found}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
