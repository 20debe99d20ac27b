"""What the logs of a share hold: which sets are complete, and what was had and spent so far."""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, NamedTuple
from zipfile import BadZipFile

from fsspec.core import url_to_fs
from inspect_ai.log import (
    EvalLog,
    EvalSampleSummary,
    list_eval_logs,
    read_eval_log,
    read_eval_log_sample_summaries,
)
from inspect_ai.model import ModelUsage
from pydantic import ValidationError

from em_bench.errors import Fault, OperatorError
from em_bench.running.share import Share
from em_bench.running.tally import Tokens

__all__ = ["SetState", "survey_share", "tokens_of"]

UNREADABLE = ".unreadable"
"""What is added to the name of a log that cannot be read, so that neither Inspect nor `results` stumbles over it."""


@dataclass(frozen=True)
class SetState:
    """What became of one set in a share.

    `said` is why it is not complete. `n_planned` is how many answers its log was to hold, 0 without one; `n_unscored`
    is how many of a complete one have no verdict, of the judge with the most such. `n_answers` and `tokens` are 0 and
    empty where only the state was asked for.
    """

    status: Literal["complete", "failed", "interrupted", "absent"]
    said: str = ""
    n_planned: int = 0
    n_answers: int = 0
    n_unscored: int = 0
    tokens: Mapping[str, Tokens] = field(default_factory=dict)


def survey_share(
    share: Share, log_dir: str, with_answers: bool, tell: Callable[[str], None] = lambda text: None
) -> dict[str, SetState]:
    """Return the state of each set of a share.

    A damaged log (a truncated file) is set aside under another name: its answers are asked again. One that cannot be
    read for any other reason may be whole, and nothing is asked again for it.

    Args:
        share: The share.
        log_dir: The log folder of the run.
        with_answers: Whether to read what was answered and spent, too, which takes a second for 5,000 answers.
        tell: Is told of logs set aside.

    Raises:
        OperatorError: A log cannot be read now, or not by this version of Inspect.
    """
    place = share.place(log_dir)
    files, root = url_to_fs(place)
    if not files.exists(root):
        return {name: SetState("absent") for name in share.sets}
    by_set: dict[str, list[_Log]] = defaultdict(list)
    for info in list_eval_logs(place, recursive=False):
        try:
            with _damage_apart(info.name):
                header = read_eval_log(info.name, header_only=True)
                if with_answers or header.status == "error":
                    summaries = read_eval_log_sample_summaries(info.name)
                else:
                    summaries = []
        except _DamagedError as damage:
            files.mv(url_to_fs(info.name)[1], url_to_fs(info.name + UNREADABLE)[1])
            tell(f"{info.name}: cannot be read ({damage}); now {UNREADABLE}, its answers anew.")
            continue
        name = str((header.eval.metadata or {}).get("set", ""))
        by_set[name].append(_Log(info.mtime or 0.0, info.name, header, summaries))
    return {name: _state(by_set.get(name, [])) for name in share.sets}


class _Log(NamedTuple):
    """A log that was read; the later one of two sorts last."""

    changed: float
    path: str
    header: EvalLog
    summaries: Sequence[EvalSampleSummary]


class _DamagedError(Exception):
    """What is written in a log is not all there."""


@contextmanager
def _damage_apart(log: str) -> Iterator[None]:
    """Tell damage from all else that may keep a log from being read."""
    try:
        yield
    except (ValidationError, OSError) as error:
        said = " ".join(str(error).split())
        expected = "a log that can be read, by this version of Inspect"
        raise OperatorError(
            Fault(log, f"{type(error).__name__}: {said}", expected, "Mend that, or move it away.")
        ) from error
    except (BadZipFile, EOFError, KeyError, ValueError, zlib.error) as error:
        raise _DamagedError(f"{type(error).__name__}: {error}") from error
    except Exception as error:  # of whatever serves a remote folder
        raise OperatorError(
            Fault(log, f"{type(error).__name__}: {error}", "a log that can be read", "Try again.")
        ) from error


def _state(logs: Sequence[_Log]) -> SetState:
    """Return the state by a set's logs: by its newest, the one that Inspect goes on from, unless one is whole."""
    if not logs:
        return SetState("absent")
    whole = [each for each in logs if _is_whole(each.header)]
    _, _, header, summaries = max(whole or logs, key=lambda each: each[:2])
    n_answers = sum(summary.error is None and summary.completed for summary in summaries)
    tokens = defaultdict[str, Tokens](Tokens)
    for summary in summaries:
        for model, usage in summary.model_usage.items():
            tokens[model] += tokens_of(usage)
    n_planned = len(header.eval.dataset.sample_ids or []) * (header.eval.config.epochs or 1)
    status: Literal["complete", "failed", "interrupted"] = "interrupted"
    said = "cut short"
    if whole:
        status, said = "complete", ""
    elif header.status == "error":
        status, said = "failed", _why(header, summaries)
    return SetState(status, said, n_planned, n_answers, _n_unscored(header) if whole else 0, tokens)


def _n_unscored(header: EvalLog) -> int:
    by_judge = [score.metrics for score in header.results.scores] if header.results else []
    return max((int(metrics["unscored"].value) for metrics in by_judge if "unscored" in metrics), default=0)


def _why(header: EvalLog, summaries: Sequence[EvalSampleSummary]) -> str:
    """Return the error of a task, else the commonest of its samples."""
    errors = Counter(summary.error for summary in summaries if summary.error)
    if header.error is not None:
        said = header.error.message
    elif errors:
        said = f"{errors.total()} answers failed, most with: {errors.most_common(1)[0][0]}"
    else:
        said = "no message"
    return " ".join(re.sub(r"\[/?[a-z ]+\]", "", said).split())


def _is_whole(header: EvalLog) -> bool:
    if header.status != "success" or header.invalidated or header.results is None:
        return False
    logged = header.results.logged_samples
    return logged is None or logged >= header.results.total_samples


def tokens_of(usage: ModelUsage) -> Tokens:
    """Return usage as Inspect logs it, by price."""
    cached = (usage.input_tokens_cache_read or 0, usage.input_tokens_cache_write or 0)
    return Tokens(usage.input_tokens, usage.output_tokens, *cached)
