"""`em-bench run`: a suite asked of models, interrupted and gone on with as need be."""

from __future__ import annotations

import math
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from em_bench.cli.run_options import EPOCHS, GRADER, JUDGE, PRICES, READOUT, SETS, SUITE
from em_bench.cli.run_request import grader_of, request_of
from em_bench.errors import OperatorError

if TYPE_CHECKING:
    from em_bench.results.prices import Prices
    from em_bench.running import Ended, RunFolder, RunRequest, SetState, Start, Tally

__all__ = ["command"]


@click.command("run", context_settings={"ignore_unknown_options": False})
@click.option("--model", "models", multiple=True, required=True, help="A model under test (again for more).")
@SUITE
@SETS
@click.option("--arm", "arms", multiple=True, metavar="NAME", help="An arm (again for more) in place of the sets' own.")
@JUDGE
@GRADER
@READOUT
@EPOCHS
@click.option("-M", "model_args", multiple=True, metavar="NAME=VALUE", help="An argument of the models, as Inspect's.")
@click.option(
    "--model-role", "roles", multiple=True, metavar="NAME=MODEL",
    help="A model role as Inspect takes it: 'grader={model: openai/gpt-6-luna, reasoning_effort: none}'.",
)  # fmt: skip
@click.option("--log-dir", required=True, help="Folder for the logs: of this run alone. May be remote (s3://…).")
@PRICES
@click.option(
    "--max-cost", type=click.FloatRange(0, min_open=True),
    help="Start no new set of questions once the logged usage costs so many USD. Needs --prices.",
)  # fmt: skip
@click.option(
    "--max-connections", type=click.IntRange(1),
    help="Calls of a model at once, in each process. Default: Inspect's, which adapts.",
)  # fmt: skip
@click.option(
    "--timeout", type=click.IntRange(0), default=600,
    help="Seconds after which a call that keeps failing is given up; 0 means never. Default: 600.",
)  # fmt: skip
@click.option(
    "--cache", is_flag=True,
    help="Let Inspect cache replies for a week; each epoch is a draw of its own. Default: off.",
)  # fmt: skip
@click.option("--processes", type=click.IntRange(1), help="At once. Default: one for each core, and task waiting.")
@click.option(
    "--ray", "ray_address", is_flag=False, flag_value="auto", metavar="[ADDRESS]",
    help="Run each model and set as a task of a Ray cluster: this machine's, or the one at HOST:PORT.",
)  # fmt: skip
@click.option(
    "--gpus-per-model", type=click.FloatRange(0), default=1, metavar="N",
    help="With --ray: GPUs for each task whose model or grader runs on its node. Default: 1.",
)  # fmt: skip
@click.option("--log-realtime", is_flag=True, help="Let inspect view watch samples as they run; slower.")
@click.argument("extra", nargs=-1, type=click.UNPROCESSED)
def command(
    models: tuple[str, ...],
    suite: str | None,
    sets: tuple[str, ...],
    arms: tuple[str, ...],
    judge: str | None,
    epochs: int | None,
    log_dir: str,
    prices: Path | None,
    max_cost: float | None,
    processes: int | None,
    ray_address: str | None,
    gpus_per_model: float,
    **given: Any,  # noqa: ANN401 - what becomes options of `inspect eval-set`, see `request_of`
) -> None:
    """Ask models a suite, several at once, and judge the answers: sugar over `inspect eval-set`, which it prints.

    Stopped or failed, the same command goes on where it was: nothing that is in a log is asked again. One model that
    fails stops no other. Words after -- are passed on to inspect eval-set.

    Exit code 0 if every set of every model is complete, else 1.

    Example: em-bench run --model openai/gpt-4o --model vllm/my/tune --suite gate --log-dir logs -- --temperature 0.7
    """
    from em_bench.cli.shared import check_loads, progress
    from em_bench.models.providers import is_local
    from em_bench.results.pool import n_cores
    from em_bench.results.prices import read_prices
    from em_bench.results.suite_items import chosen_items
    from em_bench.running import open_folder, run_starts, share_by_set, share_out, shown_words
    from em_bench.running.checks import check_grading, check_models, check_prices, judges_of

    request = request_of(models, chosen_items(suite, sets, judge, epochs, _split(arms)), given)
    known_prices = None if prices is None else read_prices(prices)
    judges = judges_of(request.items)
    grader, grader_args = grader_of(request.roles)
    graders = check_grading(list(judges.values()), request.models, grader)
    check_prices(known_prices, [*request.models, *graders], max_cost)
    check_models(request.models)
    if not any(map(is_local, graders)):
        for each in judges.values():
            check_loads(each, grader, grader_args)
    typed = shown_words(["em-bench", "run", *sys.argv[2:]])
    with ExitStack() as opened:
        if ray_address is None:
            n_at_once = processes or n_cores()
            run = partial(run_starts, n_processes=n_at_once)
            shares = share_out(request.models, request.items, n_at_once)
        else:
            from em_bench.running.ray_cluster import absolute, open_cluster
            from em_bench.running.ray_schedule import run_on_ray

            log_dir = absolute(log_dir)
            cluster = opened.enter_context(open_cluster(ray_address, log_dir, gpus_per_model, graders))
            run = partial(run_on_ray, cluster)
            shares = share_by_set(request.models, request.items)
            if cluster.lacks(request.models):
                progress(cluster.lacks(request.models))
        folder = opened.enter_context(open_folder(log_dir, request, shares, typed, progress))
        if not folder.is_new:
            progress("Going on with what is there …")
        are_apart = max_cost is not None or ray_address is not None
        asking = {name for name, each in judges.items() if not each.is_offline}
        _Run(request, folder, known_prices, max_cost, run, are_apart, asking, grader).go()


_PROBE_S, _PROBES = 10.0, 2
"""How often to see whether the log folder can still be written, and how often in a row it must fail."""


def _split(names: Sequence[str]) -> list[str]:
    return [part.strip() for name in names for part in name.split(",")]


@dataclass
class _Run:
    """One call of the command: what it starts, what it hears, what it says at the end.

    `asking` are the judges that ask a model, `grader` the one that was named for them.
    """

    request: RunRequest
    folder: RunFolder
    prices: Prices | None
    max_cost: float | None
    run: Callable[..., tuple[dict[int, Ended], bool]]
    are_apart: bool
    asking: set[str]
    grader: str | None

    def __post_init__(self) -> None:
        from em_bench.cli.run_progress import ProgressLine
        from em_bench.running import Tally

        planned = {(share.folder, name): n for share in self.folder.shares for name, n in share.sets.items()}
        self._tally: Tally = Tally(planned, self.prices)
        self._line = ProgressLine(self._tally)
        self._warned: set[str] = set()
        self._probed_s, self._failed_probes = time.monotonic(), 0

    def go(self) -> None:
        """Run what is not complete, say what became of everything, and exit 1 unless all is complete."""
        before = self._states(with_answers=True) if not self.folder.is_new else {}
        for place, state in before.items():
            self._tally.add_found(place, state.n_answers)
            self._tally.planned[place] = state.n_planned or self._tally.planned[place]
            for model, tokens in state.tokens.items():
                self._tally.add_tokens(model, tokens)
        starts = self._starts({place for place, state in before.items() if state.status == "complete"})
        began = time.monotonic()
        ended, is_interrupted = self.run(starts, may_start=self._may_start, tell=self._hear, tick=self._tick)
        self._line.close()
        after = self._states(with_answers=any(end.code for end in ended.values()) or is_interrupted)
        for place, state in after.items():
            if state.n_answers:  # what a process that died had told of need not be in its log
                self._tally.add_found(place, state.n_answers - self._tally.had[place])
        self._report(after, starts, ended, is_interrupted, time.monotonic() - began)

    def _tick(self, running: Sequence[Start]) -> None:
        """Say how far the run is; end it where its folder can no longer be written: what is asked then is lost."""
        from em_bench.running.folder import check_writable

        self._line.tick(running)
        if time.monotonic() - self._probed_s < _PROBE_S:
            return
        self._probed_s = time.monotonic()
        try:
            check_writable(self.folder.log_dir)
            self._failed_probes = 0
        except OperatorError as error:
            self._failed_probes += 1
            if self._failed_probes < _PROBES:
                return  # a network may falter once
            self._probed_s = math.inf
            self._line.note(f"{error.message} Closing the logs; the same command goes on once it can be written.")
            raise KeyboardInterrupt from error

    def _states(self, with_answers: bool) -> dict[tuple[str, str], SetState]:
        from em_bench.running import survey_share

        return {
            (share.folder, name): state
            for share in self.folder.shares
            for name, state in survey_share(share, self.folder.log_dir, with_answers, self._line.note).items()
        }

    def _starts(self, complete: set[tuple[str, str]]) -> list[Start]:
        """Return the processes to start, and print the command of each share that has something to do.

        Where cost is limited, or the run has many machines, each set is a start of its own: once a process runs,
        nothing holds back its next set, or does it elsewhere.
        """
        from em_bench.running import Start, inspect_words, shown_words

        starts: list[Start] = []
        for share in self.folder.shares:
            waiting = [name for name in share.sets if (share.folder, name) not in complete]
            if not waiting:
                continue
            if not starts:
                click.echo("The same by Inspect alone, a process each:", err=True)
            click.echo(shown_words(inspect_words(self.request, share, self.folder.log_dir)), err=True)
            parts = [(name,) for name in waiting] if self.are_apart else [tuple(share.sets)]
            starts += [
                Start(share, sets, inspect_words(self.request, share, self.folder.log_dir, sets)) for sets in parts
            ]
        return starts

    def _may_start(self) -> bool:
        if self.max_cost is None:
            return True
        return self._tally.cost_usd < self.max_cost  # no cost known is no leave to spend

    def _hear(self, start: Start, report: dict[str, Any]) -> None:
        from em_bench.running import Tokens, survey_share

        folder, now = start.share.folder, time.monotonic()
        if "ended" in report:
            for name in start.sets:
                self._tally.give_up((folder, name))
        if "lost" in report:
            for name, state in survey_share(start.share, self.folder.log_dir, with_answers=True).items():
                self._tally.add_found((folder, name), state.n_answers - self._tally.had[folder, name])
        if "task" in report:
            self._tally.planned[folder, report["task"]] = report["planned"]
        if "warning" in report and report["warning"] not in self._warned:
            self._warned.add(report["warning"])
            self._line.note(f"{start.share.model}: {report['warning']}")
        for name, n_answers in report.get("answers", {}).items():
            self._tally.add_answers((folder, name), n_answers, now)
        for model, tokens in report.get("tokens", {}).items():
            self._tally.add_tokens(model, Tokens(**tokens))

    def _report(
        self,
        states: Mapping[tuple[str, str], SetState],
        starts: Sequence[Start],
        ended: Mapping[int, Ended],
        is_interrupted: bool,
        took_s: float,
    ) -> None:
        from em_bench.cli.run_progress import said_cost, said_span
        from em_bench.cli.shared import print_table, progress

        said = {(starts[at].share.folder, name): end.said for at, end in ended.items() for name in starts[at].sets}
        order = [item.set for item in self.request.items]
        places = [(share, name) for share in self.folder.shares for name in share.sets]
        rows = []
        for share, name in sorted(
            places, key=lambda each: (self.request.models.index(each[0].model), order.index(each[1]))
        ):
            place = share.folder, name
            status, because = _outcome(states[place], said.get(place), is_interrupted)
            if status == "complete" and states[place].n_unscored:
                because = f"{states[place].n_unscored:,} unscored"
            had = f"{self._tally.had[place]:,} of {self._tally.planned[place]:,}"
            rows.append([share.model, name, ",".join(share.arm), had, status, because])
        columns = ["model", "set", "arm", "answers", "state", "why"]
        kept = [at for at in range(len(columns)) if any(row[at] for row in rows)]
        print_table([columns[at] for at in kept], [[row[at] for at in kept] for row in rows], ["answers"])
        progress(f"{said_cost(self._tally)} logged so far; this took {said_span(took_s)}.")
        is_judged = self._say_unscored(states)
        if all(row[4] == "complete" for row in rows):
            if not is_judged:
                raise SystemExit(1)
            progress(f"Next: em-bench results {shlex.quote(self.folder.log_dir)}")
            return
        if any(row[4] == "not started" for row in rows) and not is_interrupted:
            unpriced = ", ".join(self._tally.unpriced)
            why = f"unknown, {unpriced} has no price in --prices" if unpriced else "reached; a higher one goes on"
            progress(f"--max-cost {self.max_cost:g}: {why}.")
        progress("Not all is complete. The same command goes on.")
        raise SystemExit(1)

    def _say_unscored(self, states: Mapping[tuple[str, str], SetState]) -> bool:
        """Say how to judge again what a grader gave no verdict on; return whether each set has some verdict."""
        from em_bench.cli.shared import progress
        from em_bench.questions import describe_set

        judges = {(share.folder, name): share.judge or describe_set(name).judge
                  for share in self.folder.shares for name in share.sets}  # fmt: skip
        asked = {place: states[place] for place, judge in judges.items() if judge in self.asking}
        if n_unscored := sum(state.n_unscored for state in asked.values()):
            progress(f"{n_unscored:,} answers have no verdict, and count in no rate. To judge again:")
            for judge in dict.fromkeys(judges[place] for place, state in asked.items() if state.n_unscored):
                words = ["em-bench", "rejudge", self.folder.log_dir, "--judge", judge]
                words += ["--grader", self.grader] if self.grader else []
                words += ["--readout", self.request.readout] if self.request.readout else []  # else another lane
                progress(f"  {shlex.join([*words, '--again'])}")
        return not any(state.n_unscored >= state.n_planned > 0 for state in asked.values())


def _outcome(state: SetState, said: str | None, is_interrupted: bool) -> tuple[str, str]:
    """Return what became of a set, in a word, and why.

    Args:
        state: What its log says.
        said: What its process said at its end; None where none was started for it.
        is_interrupted: Whether the run was.
    """
    if state.status in ("complete", "failed"):
        return state.status, _shortened(state.said)
    if is_interrupted:
        return "interrupted", ""
    if said is None:
        return "not started", ""
    return "failed", _shortened(said or state.said)


def _shortened(text: str, width: int = 300) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
