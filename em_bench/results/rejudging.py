"""Another judge over the answers of a log: one more lane beside the others; the model that answered is not loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from inspect_ai import score
from inspect_ai.log import EvalLog, read_eval_log, write_eval_log
from inspect_ai.model import Model
from inspect_ai.scorer import Score

from em_bench.errors import DataError, Fault, OperatorError
from em_bench.judging.judge import READOUTS, RECORDED, Judge
from em_bench.judging.scorer import NO_MODEL, check_judge
from em_bench.judging.scorer import judge as judge_scorer
from em_bench.judging.verdict import MEMBER

__all__ = ["is_fit", "rejudge_log"]


def rejudge_log(
    log_path: str,
    judge: str,
    readout: str | None = None,
    grader: str | Model | None = None,
    again: bool = False,
    report: Callable[[str], None] = lambda text: None,
) -> bool:
    """Judge the answers of a log anew and add the scores to it; return whether anything was added.

    Nothing is where the log holds that lane already, unless `again`. The log is replaced when all is done, never
    before.

    Args:
        log_path: A local log of a task of this package.
        judge: Name of a judge that ships, or the path of a judge's YAML file.
        readout: How a grader's reply becomes a number; none means the judge's own.
        grader: The model that grades; none means the judge's default model.
        again: Whether a lane that is there already is judged anew, its scores replaced.
        report: Is told why nothing was added.

    Raises:
        OperatorError: There is no such judge, it was not made for the log's construct, or `readout` is `recorded`.
        DataError: The file is no finished log of a task of this package.
    """
    if readout == RECORDED:
        fix = "em-bench import reads what was recorded."
        raise OperatorError(Fault("--readout", readout, f"one that judges anew: {', '.join(sorted(READOUTS))}", fix))
    try:
        log = read_eval_log(log_path)
    except Exception as error:  # zip, JSON and schema errors have no common class
        fault = Fault(log_path, f"{type(error).__name__}: {error}", "a readable log of Inspect")
        raise DataError(fault) from error
    of_set = log.eval.metadata or {}
    if "construct" in of_set and log.status == "started":
        fix = "Wait until it is, or finish it: inspect eval-retry."
        raise DataError(Fault(log_path, "a run that is not finished", "a finished one", fix))
    if "construct" not in of_set or not log.samples:
        raise DataError(Fault(log_path, f"task {log.eval.task}", "a log of an em_bench task that has answers"))
    loaded = check_judge(judge, of_set["construct"], log_path)
    lane = loaded.lane(str(grader) if grader else None, readout or loaded.readout)
    there = list(_scores_of(log, lane))
    if there and not again:
        n_failed = sum(_has_failed_call(found) for _, found in there)
        failed = f"; the grader could not be called for {n_failed:,} of {len(there):,} answers: --again judges anew"
        report(f"has that lane already{failed if n_failed else ''}")
        return False
    _remove(log, lane, {name for name, _ in there}, {"name": judge, "readout": readout})
    roles, log.eval.model_roles = log.eval.model_roles, None  # Inspect would load the first judge's grader again
    scored = score(
        log,
        judge_scorer(judge, readout),
        model=NO_MODEL,
        model_roles={"grader": grader} if grader else None,
        action="append",
        display="none",
    )
    scored.eval.model_roles = roles
    path = Path(log_path)
    partial = path.with_name(f".{path.name}.partial")
    try:
        write_eval_log(scored, str(partial), format="eval" if path.suffix == ".eval" else "json")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return True


def is_fit(log_path: str, judge: Judge) -> bool:
    """Return whether a judge was made for the construct of a log; of one that cannot tell, rejudging says why."""
    try:
        of_set = read_eval_log(log_path, header_only=True).eval.metadata or {}
    except Exception:  # zip, JSON and schema errors have no common class
        return True
    return "construct" not in of_set or of_set["construct"] in judge.constructs


def _scores_of(log: EvalLog, lane: str) -> Iterator[tuple[str, Score]]:
    """Yield each score of a lane with its name."""
    for sample in log.samples or []:
        for name, found in (sample.scores or {}).items():
            if (found.metadata or {}).get("lane") == lane:
                yield name, found


def _has_failed_call(found: Score) -> bool:
    """Return whether an answer is unscored since a grader could not be called, that of a panel's member included."""
    told = found.metadata or {}
    if "unscored_reason" not in told:
        return False
    members = [about for key, about in told.items() if key.startswith(MEMBER)]
    reasons = [about.get("unscored_reason") or "" for about in (told, *members)]
    return any(reason.rpartition(": ")[2].startswith("call_") for reason in reasons)


def _remove(log: EvalLog, lane: str, names: set[str], made_with: Mapping[str, str | None]) -> None:
    """Take the scores of a lane out of a log, and the rates that Inspect shows of them."""
    if not names:
        return
    for sample in log.samples or []:
        sample.scores = {k: s for k, s in (sample.scores or {}).items() if (s.metadata or {}).get("lane") != lane}
    if log.results is not None:
        log.results.scores = [each for each in log.results.scores if each.name not in names]
    log.reductions = [each for each in log.reductions or [] if each.scorer not in names] or None
    scorers = log.eval.scorers or []
    options = [each.options or {} for each in scorers]
    own = next((n for n, each in enumerate(options) if all(each.get(k) == v for k, v in made_with.items())), None)
    log.eval.scorers = [each for n, each in enumerate(scorers) if n != own]
