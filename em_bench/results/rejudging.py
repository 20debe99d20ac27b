"""Another judge over the answers of a log: one more lane beside the others; the model that answered is not loaded."""

from __future__ import annotations

from pathlib import Path

from inspect_ai import score
from inspect_ai.log import read_eval_log, write_eval_log

from em_bench.errors import DataError, Fault
from em_bench.judging.scorer import check_judge
from em_bench.judging.scorer import judge as judge_scorer

__all__ = ["rejudge_log"]

NO_MODEL = "none/none"


def rejudge_log(log_path: str, judge: str, readout: str | None = None, grader: str | None = None) -> bool:
    """Judge the answers of a log anew and add the scores to it; return whether anything was added.

    Nothing is where the log holds that lane already. The log is replaced when all is done, never before.

    Args:
        log_path: A local log of a task of this package.
        judge: Name of a judge that ships, or the path of a judge's YAML file.
        readout: How a grader's reply becomes a number; none means the judge's own.
        grader: The model that grades; none means the judge's default model.

    Raises:
        OperatorError: There is no such judge, or it was not made for the log's construct.
        DataError: The file is no finished log of a task of this package.
    """
    try:
        log = read_eval_log(log_path)
    except Exception as error:  # zip, JSON and schema errors have no common class
        fault = Fault(log_path, f"{type(error).__name__}: {error}", "a readable log of Inspect")
        raise DataError(fault) from error
    of_set = log.eval.metadata or {}
    if "construct" not in of_set or not log.samples:
        raise DataError(Fault(log_path, f"task {log.eval.task}", "a log of an em_bench task that has answers"))
    loaded = check_judge(judge, of_set["construct"], log_path)
    lane = loaded.lane(grader or loaded.default_model, readout or loaded.readout)
    if any((found.metadata or {}).get("lane") == lane for s in log.samples for found in (s.scores or {}).values()):
        return False
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
