"""From logs to estimates model by model: in bounded memory, on several cores, kept until a log changes."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from em_bench.errors import DataError, Fault
from em_bench.results import cache
from em_bench.results.answers import NoAnswersError, log_model, read_answers
from em_bench.results.chosen import ChosenAnswer, choose_answers
from em_bench.results.estimate import Estimate
from em_bench.results.estimates import estimate_model, join_models
from em_bench.results.pool import Pool, n_cores

__all__ = ["LogSummary", "summarise_logs"]

_FEW_LOGS = 8
"""Up to so many logs to read, further processes cost more time than they save."""


@dataclass(frozen=True)
class LogSummary:
    """What logs come to: the estimates of all models, the answers chosen to be shown, and what could not be read."""

    estimates: list[Estimate]
    chosen: list[ChosenAnswer]
    faults: list[Fault]


@dataclass(frozen=True)
class _OfModel:
    """What the logs of one model come to, by itself, and what was said of logs that are left out."""

    estimates: list[Estimate]
    chosen: list[ChosenAnswer]
    left_out: list[str]


@dataclass(frozen=True)
class _Job:
    """The logs of one model and what is wanted of them; `state` changes with the package and its content."""

    logs: tuple[str, ...]
    level: float
    n_shown: int
    state: str


def summarise_logs(
    logs: Sequence[str],
    level: float = 0.95,
    groups: Mapping[str, str] | None = None,
    n_shown: int = 0,
    report: Callable[[str], None] = lambda text: None,
    n_processes: int | None = None,
) -> LogSummary:
    """Return what logs come to: the same as `estimate_answers(read_answers(logs))`, and never all answers at once.

    Args:
        logs: Log files, as `find_logs` gives them.
        level: Nominal coverage of the intervals.
        groups: As in `estimate_answers`.
        n_shown: How many flagged answers to choose for each model, set and lane, and how many others.
        report: Is told how far it is, and of logs that are left out because no em_bench task made them.
        n_processes: How many to use; none means as many as there are cores, or one where there is little to read.

    Raises:
        DataError: No log can be read, or there is no sample of an em_bench task in those that can.
    """
    models: dict[object, list[str]] = {}
    n_new = sum(cache.load_model(log) is None for log in logs)
    n_workers = min(n_processes or n_cores(), max(n_new // _FEW_LOGS, 1))
    state = cache.package_state()
    found: list[_OfModel] = []
    faults: list[Fault] = []
    with Pool(n_workers) as pool:
        for log, model in zip(logs, pool.map(log_model, logs), strict=True):
            models.setdefault(model or log, []).append(log)  # what cannot be read is by itself, to be told of
        jobs = [_Job(tuple(of_model), level, n_shown, state) for of_model in models.values()]
        for n_done, (of_model, broken) in enumerate(pool.map(_summarise, jobs), 1):
            found.append(of_model)
            faults.extend(broken)
            if n_done % _EVERY == 0:
                report(f"  {n_done:,} of {len(jobs):,} models read")
    for text in (text for each in found for text in each.left_out):
        report(text)
    estimates = join_models([estimate for each in found for estimate in each.estimates], groups)
    if not estimates:
        raise DataError(faults) if faults else NoAnswersError
    labels = {(each.model_name, each.model_args, each.recorded): each.model for each in estimates}
    chosen = [
        replace(answer, model=labels[answer.model_name, answer.model_args, answer.recorded])
        for each in found
        for answer in each.chosen
    ]
    return LogSummary(estimates, chosen, faults)


_EVERY = 10
"""Models between two lines of progress."""


def _summarise(job: _Job) -> tuple[_OfModel, list[Fault]]:
    """Return what the logs of one model come to, kept or made anew, and what is wrong with those that are broken."""
    name = _key(job)
    kept = cache.kept_text(_KIND, name) if name else None
    if kept is not None:
        try:
            return _from_json().validate_json(kept), []
        except ValidationError:
            pass
    left_out: list[str] = []
    try:
        answers = read_answers(job.logs, left_out.append)
    except NoAnswersError:
        made = _OfModel([], [], left_out)
    except DataError as error:
        broken = {fault.place for fault in error.faults}
        readable = tuple(log for log in job.logs if log not in broken)
        if len(readable) in (0, len(job.logs)):
            return _OfModel([], [], left_out), error.faults
        others, more = _summarise(replace(job, logs=readable))
        return others, [*error.faults, *more]
    else:
        shown = choose_answers(answers, job.logs, job.n_shown, job.n_shown) if job.n_shown else []
        made = _OfModel(estimate_model(answers, job.level), shown, left_out)
    if name:
        cache.keep_text(_KIND, name, to_json(made, inf_nan_mode="constants").decode())
    return made, []


_KIND = "models"


@functools.cache
def _from_json() -> TypeAdapter[_OfModel]:
    return TypeAdapter(_OfModel)


def _key(job: _Job) -> str | None:
    """Return a name that changes with the logs and with what is wanted; None where a log's state is not known."""
    states = [cache.log_state(log) for log in job.logs]
    if None in states:
        return None
    about = [job.state, job.level, job.n_shown, job.logs, states]
    return sha256(json.dumps(about).encode()).hexdigest()[:32]
