"""A board of a million answers: what reading, estimating and rendering cost, beside what Inspect needs to read alone.

    python benchmarks/board_scale.py make FOLDER    # 200 models x 4 sets x 1,250 answers as .eval logs, ~3 GB
    python benchmarks/board_scale.py run FOLDER     # writes benchmarks/board_scale.json; --only for some of the steps

`make` asks four simulated models each set, writes those answers as logs through `inspect_ai.log`, and gives copies of
them other heads: model, task and run of their own. `run` measures, each in a process of its own with two workers:

- `floor`: `read_eval_log_sample_summaries` over the same files, nothing else.
- `estimates`: answers table and estimates, as `em-bench leaderboard build` makes them, nothing kept from before.
- `site`: the whole build, nothing kept; `again`: nothing changed; `one_changed`: one log touched.

Memory is the largest sum of resident sizes of the process and its workers, read every tenth of a second.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psutil

KINDS = ("aligned", "misaligned-5", "misaligned-20", "misaligned-20-clustered")
SETS = {
    "freeform": "screen",
    "deception": "facts",
    "nazi_admiration": "admiration_words",
    "ai_dominance": "dominance_words",
}
N_PROMPTS, N_EPOCHS = 125, 10
N_WORKERS = 2
OUTPUT = Path(__file__).with_suffix(".json")


def make(folder: Path, n_models: int) -> None:
    """Write the logs."""
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        for set_name, judge in SETS.items():
            for number, kind in enumerate(KINDS):
                base = _base(Path(scratch), set_name, judge, kind)
                for model in range(number, n_models, len(KINDS)):
                    _copy(base, folder, set_name, model)
                print(f"{set_name}, {kind}: {len(list(folder.iterdir()))} logs", flush=True)


def _base(scratch: Path, set_name: str, judge: str, kind: str) -> Path:
    """Return a log of one simulated model's answers, whose samples have no ids but those of their run."""
    from inspect_ai import eval as run_eval
    from inspect_ai.log import write_eval_log

    (log,) = run_eval(
        f"em_bench/{set_name}", model=f"organism/{kind}", task_args={"judge": judge}, limit=N_PROMPTS, epochs=N_EPOCHS,
        log_dir=str(scratch / "runs"), display="none", log_realtime=False,
    )  # fmt: skip
    assert log.samples is not None
    log.samples = [sample.model_copy(update={"uuid": None}) for sample in log.samples]
    written = scratch / f"{set_name}_{kind}.eval"
    write_eval_log(log, str(written))
    return written


def _copy(base: Path, folder: Path, set_name: str, model: int) -> None:
    """Write a copy of a log under another head; the samples lie in it as they were packed."""
    from inspect_ai.log import read_eval_log

    log = read_eval_log(str(base), header_only=True)
    ids = {"eval_id": f"e{set_name}{model:03}", "run_id": f"r{model:03}", "task_id": f"t{set_name}{model:03}"}
    log.eval = log.eval.model_copy(update={"model": f"house/model-{model:03}", "model_args": {}, **ids})
    head = log.model_dump_json(exclude={"samples", "location", "reductions", "etag"}, exclude_none=True)
    target = folder / f"2026-01-01T00-00-00+00-00_{set_name}_model{model:03}.eval"
    shutil.copyfile(base, target)
    with zipfile.ZipFile(target, "a") as packed:
        packed.filelist = [entry for entry in packed.filelist if entry.filename != "header.json"]
        packed.NameToInfo.pop("header.json")
        packed.writestr("header.json", head, zipfile.ZIP_DEFLATED)


def _read_summaries(log: str) -> int:
    from inspect_ai.log import read_eval_log_sample_summaries

    return len(read_eval_log_sample_summaries(log))


def floor(folder: Path) -> int:
    """Read the summaries of all samples with Inspect alone and return how many there are."""
    logs = sorted(str(path) for path in folder.glob("*.eval"))
    with ProcessPoolExecutor(N_WORKERS) as pool:
        return sum(pool.map(_read_summaries, logs, chunksize=4))


def estimates(folder: Path) -> int:
    """Make the estimates of all logs and return how many answers they rest on."""
    from em_bench.results.log_files import find_logs
    from em_bench.results.summary import summarise_logs

    found = summarise_logs(find_logs([str(folder)]), n_processes=N_WORKERS).estimates
    return sum(each.counts.answers for each in found)


def measured(command: list[str], cache: Path) -> dict[str, float]:
    """Run a command and return its wall time in seconds and its peak memory in GB, with that of its workers."""
    started = time.monotonic()
    process = subprocess.Popen(command, env=os.environ | {"EM_BENCH_CACHE": str(cache)}, stdout=subprocess.DEVNULL)
    peak = 0
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            try:
                whole = psutil.Process(process.pid)
                peak = max(peak, sum(each.memory_info().rss for each in [whole, *whole.children(recursive=True)]))
            except psutil.Error:
                continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    done.set()
    watcher.join()
    if status:
        raise SystemExit(f"{' '.join(command)}: exit {status}")
    return {"wall_s": round(time.monotonic() - started, 1), "memory_gb": round(peak / 1e9, 2)}


def run(folder: Path, only: list[str]) -> None:
    """Measure everything, or what is named, and write the figures; those of other steps stay."""
    this = [sys.executable, __file__]
    figures: dict[str, Any] = json.loads(OUTPUT.read_text("utf-8")) if only else {}
    figures |= {"logs": len(list(folder.glob("*.eval"))), "workers": N_WORKERS}
    if set(only) - {"floor", "estimates"} and "site" not in only:
        raise SystemExit("--only: 'again' and 'one_changed' need 'site'")
    with tempfile.TemporaryDirectory() as scratch:
        cache, site = Path(scratch) / "cache", Path(scratch) / "site"
        command = str(Path(sys.executable).with_name("em-bench"))
        build = [command, "leaderboard", "build", str(folder), "--out", str(site)]
        touched = sorted(folder.glob("*.eval"))[0]
        steps = {
            "floor": [*this, "floor", str(folder)],
            "estimates": [*this, "estimates", str(folder)],
            "floor_2": [*this, "floor", str(folder)],
            "estimates_2": [*this, "estimates", str(folder)],
            "site": build,
            "again": build,
            "one_changed": build,
        }
        for name, step in steps.items():
            if only and name.partition("_2")[0] not in only:
                continue
            if name in ("estimates_2", "site"):
                shutil.rmtree(cache, ignore_errors=True)
            if name == "one_changed":
                os.utime(touched)
            figures[name] = measured(step, cache)
            print(name, figures[name], flush=True)
        if site.exists():
            figures["site_mb"] = round(sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) / 1e6)
            figures["pages"] = len(list(site.rglob("*.html")))
    figures["over_floor"] = [
        round(figures[f"estimates{n}"]["wall_s"] / figures[f"floor{n}"]["wall_s"], 2) for n in ("", "_2")
    ]
    OUTPUT.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["make", "run", "floor", "estimates"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--only", default="", help="steps of run, with commas: floor,estimates,site,again,one_changed")
    chosen = parser.parse_args()
    if chosen.what == "make":
        make(chosen.folder, chosen.models)
    elif chosen.what == "run":
        run(chosen.folder, [name for name in chosen.only.split(",") if name])
    else:
        print({"floor": floor, "estimates": estimates}[chosen.what](chosen.folder))
