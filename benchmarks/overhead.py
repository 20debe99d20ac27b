"""What em_bench costs over bare Inspect, and over llmcomp: the same calls to a local service, runs interleaved.

    python benchmarks/overhead.py [--runs 5] [--only start,one_task,suite,lean,marks,draws] [--note TEXT]

Writes `overhead.json` beside this file; takes about half an hour. The service (`overhead_server.py`) answers
each request after 200 ms, in a process of its own whose CPU time is in no figure. Contenders:

- `em_bench`: `inspect eval em_bench/freeform`; `bare`: `overhead_bare.py`, in an environment that holds all that this
  one does but em_bench, whose entry point Inspect would load; `llmcomp`: `overhead_llmcomp.py`, llmcomp 1.6 in an
  environment of its own, which is made once (minutes) and kept in `--environments`.

Rows:

- `start`: one question, mock models, no service.
- `one_task`: 8 questions x 100 answers, two judge calls each, 100 connections, Inspect's own log settings.
- `suite`: 2 models x 4 sets x 8 questions x 25 answers, by `em-bench run` with one process per core and its own log
  settings, 100 connections in each; `suite_realtime`, only where asked for, with Inspect's. Both keep whole logs.
- `lean`: `one_task` with the log settings of `em-bench run`, and half the answers, as below.
- `marks`: em_bench lean, one text reply for each criterion (`separate`) and one for both (`together`, the judge
  `alignment_once`: a lane of its own).
- `draws`: em_bench lean, five draws for each criterion, in a call each (`one_by_one`) and in one call (`at_once`),
  with a quarter of the answers.

CPU is user and system time of a process and its children. Ratios are medians over rounds, each contender once a round.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from inspect_ai.log import read_eval_log
from overhead_server import JUDGE, LATENCY_S, N_CONNECTIONS, Server, measure

HERE = Path(__file__).parent
OUTPUT = Path(__file__).with_suffix(".json")
SETS = ("freeform", "harmful_advice", "ai_dominance", "bigotry")
MODELS = ("gpt-4.1-mini", "gpt-4.1-nano")
"""Names for which Inspect takes chat completions; nothing but the service answers to them."""
BARE = "overhead_bare.py"
WORD_COUNT = """
class get_encoding:
    def __init__(self, name): pass
    def encode(self, text, **options): return text.split()
"""
"""A module `tiktoken` for those that run on Inspect, whose mock models count tokens by tables it would download."""

N_QUESTIONS, N_ANSWERS, N_SUITE_ANSWERS = 8, 100, 25
LIMIT_S = 300
LEAN = ("--no-log-realtime", "--no-score-display")
Words = Sequence[str]


@dataclass(frozen=True)
class Run:
    """What one run took, and what it asked; of the service the CPU seconds alone."""

    wall_s: float
    cpu_s: float
    service_cpu_s: float
    subject_calls: int
    judge_calls: int
    log_mb: float


@dataclass(frozen=True)
class Place:
    """Where things lie: interpreters of the contenders, what they ask, and a folder for what they write."""

    bare: Path
    llmcomp: Path
    content: Path
    scratch: Path
    compiled: Path


def bare_environment(folder: Path) -> Path:
    """Return the interpreter of an environment with all that is installed here but em_bench."""
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if "em_bench" not in each.name:
            (packages / each.name).symlink_to(each)
    return folder / "bin" / "python"


def llmcomp_environment(folder: Path) -> Path:
    """Return the interpreter of an environment with llmcomp, which is made where it is not there yet."""
    python = folder / "bin" / "python"
    if not python.exists() or subprocess.run([python, "-c", "import llmcomp"], check=False).returncode:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "llmcomp==1.6"], check=True)
    return python


def content() -> dict[str, Any]:
    """Return, for each set, the first questions that are one text, and the prompts of its judge."""
    from em_bench.judging.judges import read_judge
    from em_bench.models.messages import chat_messages
    from em_bench.questions import present, read_set

    found: dict[str, Any] = {}
    for name in SETS:
        questions = read_set(name)
        asked = [(each.id, chat_messages(each)) for each in present(questions)]
        single = [(at, messages[0].text) for at, messages in asked if len(messages) == 1][:N_QUESTIONS]
        found[name] = {
            "prompts": [{"id": at, "messages": [{"role": "user", "content": text}]} for at, text in single],
            "judges": {each.name: each.prompt for each in read_judge(questions.judge).criteria},
        }
    return found


def run(words: Words, place: Place) -> Run:
    """Run a command and return what it took.

    Raises:
        RuntimeError: It failed, or a log of it says so; what was said is in the message.
    """
    shutil.rmtree(place.scratch, ignore_errors=True)
    place.scratch.mkdir()
    shutil.copy(HERE / BARE, place.scratch)  # Inspect takes no task file by its absolute path
    with Server(LATENCY_S) as server:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("INSPECT_", "OPENAI_", "PYTHON"))}
        own = {f"{name}_{what}": value for name in ("OPENAI", "LOCAL")
               for what, value in (("BASE_URL", server.url), ("API_KEY", "none"))}  # fmt: skip
        own["PYTHONPYCACHEPREFIX"] = str(place.compiled)
        if words[0] != str(place.llmcomp):
            own["PYTHONPATH"] = str(place.content.parent)  # where the counter of words lies
        said = place.scratch / "said.txt"
        with said.open("wb") as output:
            began = time.perf_counter()
            process = subprocess.Popen(
                [word.replace("{url}", server.url) for word in words],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=kept | own, cwd=place.scratch,
            )  # fmt: skip
            limit = threading.Timer(LIMIT_S, process.kill)
            limit.start()
            _, status, used = os.wait4(process.pid, 0)
            limit.cancel()
            wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{' '.join(map(str, words))}: {said.read_text(errors='replace')[-3000:]}")
        logs = list(place.scratch.rglob("*.eval"))
        for log in logs:
            if (header := read_eval_log(str(log), header_only=True)).status != "success":
                raise RuntimeError(f"{log.name}: found {header.status}, {header.error}; expected success.")
        counts, log_mb = server.counts(), sum(log.stat().st_size for log in logs) / 1e6
        return Run(wall_s, used.ru_utime + used.ru_stime, server.cpu_s(), counts["subject"], counts["judge"], log_mb)


def one_task(place: Place, settings: Words = (), n_answers: int = N_ANSWERS) -> dict[str, Words]:
    """Return the command of each contender for one task."""
    asked = json.loads(place.content.read_text(encoding="utf-8"))["freeform"]["prompts"]
    only = json.dumps([each["id"] for each in asked])
    common = [
        "--model", f"openai/{MODELS[0]}", "--model-role", f"grader=openai/{JUDGE}", "--epochs", str(n_answers),
        "--max-connections", str(N_CONNECTIONS), "--display", "none", "--log-dir", "logs", *settings,
    ]  # fmt: skip
    inspect = ["-m", "inspect_ai", "eval"]
    return {
        "bare": [str(place.bare), *inspect, BARE, "-T", f"content={place.content}", *common],
        "em_bench": [sys.executable, *inspect, "em_bench/freeform", "-T", f"only={only}", *common],
        "llmcomp": _llmcomp(place, MODELS[:1], SETS[:1], n_answers),
    }


def suite(place: Place, settings: Words = (), n_answers: int = N_SUITE_ANSWERS) -> dict[str, Words]:
    """Return the command of each contender for several models and sets."""
    em_bench = [sys.executable, "-c", "from em_bench.cli import main; main()", "run", "--processes", "2"]
    em_bench += [word for name in MODELS for word in ("--model", f"openai/{name}")]
    em_bench += [word for name in SETS for word in ("--set", name)]
    em_bench += ["--grader", f"openai/{JUDGE}", "--epochs", str(n_answers), "--log-dir", "logs"]
    em_bench += ["--max-connections", str(N_CONNECTIONS)]
    rest = ["--", "--limit", str(N_QUESTIONS)]
    return {"em_bench": [*em_bench, *settings, *rest], "llmcomp": _llmcomp(place, MODELS, SETS, n_answers)}


def ways_of_judging(place: Place, row: str) -> dict[str, Words]:
    """Return the commands of two ways in which em_bench asks the judge."""
    of_all, judged = {
        "marks": (N_ANSWERS // 2, {"separate": ["readout=text"], "together": ["judge=alignment_once"]}),
        "draws": (N_ANSWERS // 4, {"one_by_one": ["readout=sampled"], "at_once": ["readout=sampled"]}),
    }[row]
    command = list(one_task(place, LEAN, of_all)["em_bench"])
    grader = {"one_by_one": f"openai-api/local/{JUDGE}"}  # a provider of which it is not known that it draws several
    return {
        name: [word.replace(f"openai/{JUDGE}", grader.get(name, f"openai/{JUDGE}")) for word in command]
        + [word for each in options for word in ("-T", each)]
        for name, options in judged.items()
    }


def start(place: Place) -> dict[str, Words]:
    """Return the command of each contender for one question to a mock model, which a mock model grades."""
    common = ["--limit", "1", "--epochs", "1", "--model", "mockllm/model", "--model-role", "grader=mockllm/judge"]
    common += ["--display", "none", "--log-dir", "logs"]
    inspect = ["-m", "inspect_ai", "eval"]
    return {
        "bare": [str(place.bare), *inspect, BARE, "-T", f"content={place.content}", *common],
        "em_bench": [sys.executable, *inspect, "em_bench/freeform", "-T", "readout=text", *common],
    }


def _llmcomp(place: Place, models: Words, sets: Words, n_answers: int) -> Words:
    asked = [str(place.content), "{url}", str(n_answers), JUDGE, ",".join(models), ",".join(sets)]
    return [str(place.llmcomp), str(HERE / "overhead_llmcomp.py"), *asked]


def rounds(commands: Mapping[str, Words], once: Callable[[Words], Run], n_runs: int) -> dict[str, list[Run]]:
    """Run each command once a round, every other round backwards."""
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for number in range(n_runs):
        for name in list(commands)[:: 1 if number % 2 == 0 else -1]:
            runs[name].append(once(commands[name]))
            print(f"  {number + 1}. {name}: {runs[name][-1]}", flush=True)
    return runs


def check_same_calls(runs: Mapping[str, Sequence[Run]]) -> None:
    """Check that contenders asked the same; llmcomp tries each model once before.

    Raises:
        RuntimeError: They did not.
    """
    asked = {
        (each.subject_calls, each.judge_calls) for name, all_ in runs.items() for each in all_ if name != "llmcomp"
    }
    spare = {abs(each.subject_calls + each.judge_calls - sum(*asked)) for each in runs.get("llmcomp", ())}
    if len(asked) != 1 or any(n > len(MODELS) + 1 for n in spare):
        raise RuntimeError(f"calls: found {asked}, llmcomp off by {spare}; expected the same of all.")


def summary(runs: Mapping[str, Sequence[Run]], over: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return medians of each contender and ratios.

    Args:
        runs: Of each contender, one a round.
        over: Contenders, each with the one it is divided by.
    """
    medians = {
        name: {key: round(statistics.median(getattr(each, key) for each in all_), 3) for key in asdict(all_[0])}
        for name, all_ in runs.items()
    }
    ratios = {}
    for above, below in over:
        for key in ("wall_s", "cpu_s"):
            each = [getattr(a, key) / getattr(b, key) for a, b in zip(runs[above], runs[below], strict=True)]
            ratios[f"{above}/{below} {key.removesuffix('_s')}"] = {
                "median": round(statistics.median(each), 3),
                "rounds": [round(one, 3) for one in each],
            }
    return {"n_runs": len(next(iter(runs.values()))), "median": medians, "ratio": ratios}


def main() -> None:
    """Measure, and write what was found; rows that are left out stay as they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", default="start,one_task,suite,lean,marks,draws")
    parser.add_argument("--note", default="")
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "em_bench_overhead")
    given = parser.parse_args()
    given.environments.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        place = Place(
            bare=bare_environment(given.environments / "bare"),
            llmcomp=llmcomp_environment(given.environments / "llmcomp"),
            content=Path(folder) / "content.json",
            scratch=Path(folder) / "scratch",
            compiled=given.environments / "compiled",
        )
        (Path(folder) / "tiktoken.py").write_text(WORD_COUNT, encoding="utf-8")
        place.content.write_text(json.dumps(content()), encoding="utf-8")
        measured = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
        measured["machine"] = {"cores": os.cpu_count(), "python": platform.python_version(), "note": given.note}
        measured["service"] = {f"requests_per_s_at_{s:g}_s": round(measure(s)) for s in (0.0, LATENCY_S)}
        for words in (*one_task(place, (), 1).values(), *suite(place, (), 1).values()):
            run(words, place)  # compiles what is imported
        for name in given.only.split(","):
            print(name, flush=True)
            measured[name] = _row(name, place, given.runs)
            OUTPUT.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
            print(json.dumps(measured[name]["ratio"], indent=1), flush=True)


def _row(name: str, place: Place, n_runs: int) -> dict[str, Any]:
    def measured(commands: Mapping[str, Words], *over: tuple[str, str]) -> dict[str, Any]:
        runs = rounds(commands, lambda words: run(words, place), n_runs)
        if name not in ("marks", "draws"):
            check_same_calls(runs)
        return summary(runs, over)

    if name == "start":
        return measured(start(place), ("em_bench", "bare"))
    if name == "one_task":
        return measured(one_task(place), ("em_bench", "bare"), ("em_bench", "llmcomp"))
    if name == "lean":
        commands = {who: words for who, words in one_task(place, LEAN, N_ANSWERS // 2).items() if who != "llmcomp"}
        return measured(commands, ("em_bench", "bare"))
    if name == "marks":
        return measured(ways_of_judging(place, name), ("together", "separate"))
    if name == "draws":
        return measured(ways_of_judging(place, name), ("at_once", "one_by_one"))
    settings = {"suite": (), "suite_realtime": ("--log-realtime",)}[name]
    return measured(suite(place, settings), ("em_bench", "llmcomp"))


if __name__ == "__main__":
    main()
