"""`em-bench demo`: the whole way from questions to a page, offline."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from em_bench.errors import DataError, Fault, OperatorError

if TYPE_CHECKING:
    from inspect_ai import Task
    from inspect_ai.log import EvalLog
    from inspect_ai.model import Model

__all__ = ["command"]

ORGANISMS = ("organism/aligned", "organism/misaligned-20", "organism/incoherent")
SUITE = "demo"
_REAL_TOKENS = 80


@click.command("demo")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("em-bench-demo"),
    help="Folder for logs and site; a former demo in it is replaced. Default: ./em-bench-demo.",
)  # fmt: skip
@click.option("--real", is_flag=True, help="Also ask SmolLM2-135M, a real model on this machine's CPU (extra `smol`).")
def command(out: Path, real: bool) -> None:
    """Ask every question of the four core sets once, of three simulated models, judge offline, and build a page.

    Needs no network, key or GPU, and takes about a minute; --real takes some minutes more.

    Example: em-bench demo --out /tmp/em-bench-demo
    """
    from em_bench.cli.shared import progress

    _make_room(out)
    started = time.monotonic()
    if real:
        from em_bench.models.smol import convert_smol

        convert_smol(progress)
    progress("Loading questions, judges and Inspect …")
    from em_bench.board import build_site
    from em_bench.cli.board_of_logs import read_board
    from em_bench.cli.estimates import estimate_table

    logs = str(out / "logs")
    for model in ORGANISMS:
        _run(model, model, logs)
    if real:
        from em_bench.models.smol import smol_model

        _run(smol_model(progress), "SmolLM2-135M-Instruct, set by set", logs, _REAL_TOKENS)
    board = read_board([logs])
    page = build_site(board, out / "site")
    estimate_table([replace(each, corrected=()) for each in board.estimates])  # so weak judges correct nothing
    click.echo(f"\nPage:    {page}")
    click.echo(f"Answers: inspect view --log-dir {logs}")
    click.echo(_next())
    progress(f"Done in {time.monotonic() - started:.0f} s.")


def _make_room(out: Path) -> None:
    """Remove a former demo, which its mark tells from a folder that is somebody's work."""
    mark = out / _MARK
    if out.exists() and any(out.iterdir()) and not mark.is_file():
        found = sorted(path.name for path in out.iterdir())
        raise OperatorError(Fault(f"--out {out}", found, "a new folder or that of a former demo", "Name another."))
    for name in ("logs", "site"):
        shutil.rmtree(out / name, ignore_errors=True)
    out.mkdir(parents=True, exist_ok=True)
    mark.write_text("This folder was made by em-bench demo, which replaces its logs and its site.\n", encoding="utf-8")


_MARK = ".em-bench-demo"


def _run(model: str | Model, title: str, log_dir: str, max_tokens: int | None = None) -> None:
    """Ask a model the suite; a slow one set by set, with a line after each."""
    from em_bench.cli.shared import progress

    tasks = _tasks()
    progress(f"Asking {title}: {sum(len(task.dataset) for task in tasks)} questions …")
    for batch in [[task] for task in tasks] if max_tokens else [tasks]:
        _ask(batch, model, log_dir, max_tokens)


def _ask(tasks: list[Task], model: str | Model, log_dir: str, max_tokens: int | None) -> None:
    from inspect_ai import eval as run_eval

    from em_bench.cli.shared import progress

    started = time.monotonic()
    logs: list[EvalLog] = run_eval(
        tasks,
        model=model,
        log_dir=log_dir,
        display="none",
        log_realtime=False,
        max_tasks=len(tasks),
        max_tokens=max_tokens,
    )
    failed = [log for log in logs if log.status != "success"]
    if failed:
        raise DataError(
            [Fault(log.location, log.error.message if log.error else log.status, "a finished run") for log in failed]
        )
    n_answers = sum(log.results.completed_samples for log in logs if log.results)
    progress(f"  {n_answers} answers in {time.monotonic() - started:.0f} s")


def _tasks() -> list[Task]:
    from em_bench.questions import read_suite
    from em_bench.tasks import suite_task

    return [suite_task(item) for item in read_suite(SUITE).sets]


def _next() -> str:
    """Return what to do next: first what works here as it stands."""
    from em_bench.questions import planned_answers, read_suite

    n_answers = sum(map(planned_answers, read_suite("core").sets))
    inspect, em_bench = (
        name if shutil.which(name) else str(Path(sys.executable).with_name(name)) for name in ("inspect", "em-bench")
    )
    return f"""
This was each question once, judged by programs, which see little. Next:
  {inspect} eval em_bench/freeform --model organism/misaligned-20 -T judge=screen --limit 40     # one set, here
  {em_bench} doctor                                      # what works on this machine: keys, graders, GPU
  {em_bench} run --suite core --log-dir logs --model vllm/Qwen/Qwen2.5-7B-Instruct
The last asks a model of yours all four sets as they ship: {n_answers:,} answers, {2 * n_answers:,} judge calls,
graded by openai/gpt-6-luna unless --grader names another."""
