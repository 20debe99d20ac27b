"""The answers table: one row per answer and judge, read from the sample summaries of Inspect logs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache as cache_calls
from typing import TYPE_CHECKING, Any

import pandas as pd

from em_bench.errors import DataError, Fault
from em_bench.judging.cards import is_of_people
from em_bench.judging.two_phase import CHANCES
from em_bench.judging.verdict import MEMBER, OUTCOMES
from em_bench.models.providers import REPLAYED, SIMULATED
from em_bench.results import cache

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSampleSummary

__all__ = ["COLUMNS", "MARK", "NoAnswersError", "log_model", "read_answers"]

COLUMNS = (
    "log",
    "date",
    "task",
    "model",
    "model_args",
    "recorded",
    "set",
    "set_version",
    "set_digest",
    "flag",
    "contrast",
    "two_sided",
    "question",
    "prompt",
    "side",
    "arm",
    "arm_digest",
    "left_out",
    "id",
    "epoch",
    "lane",
    "judge",
    "rule",
    "experimental",
    "measured",
    "outcome",
    "reason",
    "note",
    "rungs",
    "judged_with",
    "scans",
    "uuid",
    "stop",
    "last_round",
    "target_width",
    *CHANCES,
    "first_outcome",
    "second_outcome",
)
"""Columns of the answers table; `log` is a log's file name, `date` the day it was begun (ISO 8601). `contrast`
holds the two names that a set contrasts, as JSON ("" for none), `side` that of a wording, `left_out` how much of the
set its arm can carry, in words (None: all). `outcome` is None where an answer was expected and none came (`missing`),
`recorded` says that the answer was imported, `judged_with` what the judge ran with beyond what its lane says (None:
nothing), `scans` what scanners found in the answer, joined by "+" ("": nothing, None: none read it). The last columns
are those of two-phase judges (`em_bench.judging.two_phase`), NaN or None for others; `second_outcome` is None where the
second judge was not asked. A panel's members have rows of their own. `stop` says how early a run stopped that a rule
might stop, "" for other runs; its interval rests on epochs up to `last_round` (NaN: all) and on bets made for
`target_width` (NaN: any). After them comes a column `mark:<criterion>` for each criterion of any judge, NaN where a
judge gave no mark or has no such criterion."""

MARK = "mark:"

_LANE = ("lane", "judge", "rule", "experimental", "measured", "flag")


def read_answers(logs: Iterable[str], report: Callable[[str], None] = lambda text: None) -> pd.DataFrame:
    """Return the answers of all logs; a sample found in two of them (a copied log) counts once.

    What one log lacks and another log of the same task has (a retry) is not missing; what both lack is missing once,
    in the lanes of the one in which any was judged. A simulated model says the same
    each time it is asked, so its answers count once however often it was run. What was read from a log is kept in the
    cache folder until that log changes.

    Args:
        logs: Log files, as `find_logs` gives them.
        report: Is told of logs that are left out because no em_bench task made them.

    Raises:
        DataError: A file is no Inspect log (each such file is named), or there is no sample of an em_bench task.
    """
    tables: list[pd.DataFrame] = []
    faults: list[Fault] = []
    for log in logs:
        try:
            tables.append(_table(log))
        except _ForeignLogError as error:
            report(f"left out: {error.message}")
        except Exception as error:  # zip, JSON and schema errors have no common class
            faults.append(Fault(log, f"{type(error).__name__}: {error}", "a readable log of Inspect", "Remove it."))
    if faults:
        raise DataError(faults)
    tables = [table for table in tables if len(table)]
    if not tables:
        raise NoAnswersError
    table = pd.concat(tables, ignore_index=True)
    is_missing = table["outcome"].isna()
    if is_missing.any():
        answered = _are_elsewhere(table, ["task", "id", "epoch", "lane"], ~is_missing)
        in_a_lane = _are_elsewhere(table, ["task", "id", "epoch"], table["lane"] != "") & (table["lane"] == "")
        table = table[~(is_missing & (answered | in_a_lane))]
    return table.drop_duplicates(["uuid", "lane"], ignore_index=True)


def _are_elsewhere(table: pd.DataFrame, columns: list[str], among: pd.Series) -> pd.Series:
    """Return which rows hold in these columns what some row does among those chosen."""
    keys = pd.MultiIndex.from_frame(table[columns])
    return pd.Series(keys.isin(keys[among]), table.index)


class NoAnswersError(DataError):
    """There is no sample of an em_bench task."""

    def __init__(self) -> None:
        super().__init__(Fault("logs", "no sample in any of them", "answers, or at least samples to be asked"))


def log_model(log: str) -> tuple[str, str, bool] | None:
    """Return the model whose answers a log holds: Inspect string, arguments as JSON, whether recorded elsewhere.

    None for a file that is no log of an em_bench task.
    """
    known = cache.load_model(log)
    if known is not None:
        return known
    from inspect_ai.log import read_eval_log

    try:
        about = _about(log, read_eval_log(log, header_only=True))
    except Exception:  # whoever reads its answers will say what is wrong
        return None
    return about["model"], about["model_args"], about["recorded"]


def _table(log: str) -> pd.DataFrame:
    kept = cache.load(log)
    if kept is None:
        state = cache.log_state(log)
        kept = _columns(list(_rows(log)))
        cache.save(log, state, kept)
    return pd.DataFrame(kept)


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    marks = sorted({key for row in rows for key in row if key.startswith(MARK)})
    plain = {name: [row.get(name) for row in rows] for name in COLUMNS if name not in CHANCES}
    return plain | {name: [row.get(name, float("nan")) for row in rows] for name in (*CHANCES, *marks)}


def _rows(log: str) -> Iterator[dict[str, Any]]:
    from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries

    from em_bench.stopping import stopped_run, stopped_samples

    header = read_eval_log(log, header_only=True)
    recorded = (header.eval.metadata or {}).get("recorded")
    about = _about(log, header)
    run, spared = stopped_run(header), stopped_samples(header)
    about |= {"stop": str(run) if run else "", "target_width": run.target_width if run else None}
    rounds = run.n_rounds if run else {}
    by_lane: dict[str, dict[str, Any]] = {}
    answered: dict[str, set[tuple[str, int]]] = {}
    for summary in read_eval_log_sample_summaries(log):
        if summary.error is not None:
            continue
        is_judged = False
        for score in (summary.scores or {}).values():
            told = score.metadata or {}
            if "lane" not in told or not isinstance(score.value, dict):
                continue
            for of_lane, value in _lanes(told, score.value):
                is_judged = True
                lane_name = str(of_lane["lane"])
                judged = by_lane.get(lane_name) or by_lane.setdefault(lane_name, _of_lane(of_lane, told, about))
                answered.setdefault(lane_name, set()).add((str(summary.id), summary.epoch))
                yield about | judged | _answer(summary, of_lane, value, header, rounds)
        if recorded and not is_judged:
            yield about | _UNJUDGED | _answer(summary, {}, {}, header, rounds) | {"outcome": None}
    if recorded:
        return  # nobody knows what else should have been asked
    for lane in [each for each in by_lane.values() if not is_of_people(str(each["lane"]))] or [_UNJUDGED]:
        for id_, epoch in _expected(header):
            if (id_, epoch) not in answered.get(lane["lane"], ()) and (id_, epoch) not in spared:
                question, _, rest = id_.rpartition("/")
                prompt, _, arm = rest.partition("@")
                missing = {
                    "question": question,
                    "prompt": int(prompt),
                    "arm": arm or "plain",
                    "id": id_,
                    "epoch": epoch,
                }
                uuid = f"{header.eval.task_id}:{id_}:{epoch}"  # Inspect gives a retry another eval_id
                yield about | lane | missing | {"outcome": None, "rungs": "", "uuid": uuid}


def _about(log: str, header: EvalLog) -> dict[str, Any]:
    """Return what all answers of a log share."""
    of_set = header.eval.metadata or {}
    if "set_digest" not in of_set:
        raise _ForeignLogError(Fault(log, f"task {header.eval.task}", "a log of an em_bench task"))
    recorded = of_set.get("recorded")
    is_replayed = header.eval.model.startswith(REPLAYED)
    replayed = header.eval.model_args.get("subject") if is_replayed else None
    return {
        "log": log.rsplit("/", 1)[-1],
        "date": str(header.eval.created)[:10],
        "task": header.eval.task_id,
        "model": recorded["model"] if recorded else replayed or header.eval.model,
        "model_args": json.dumps(header.eval.model_args, sort_keys=True, default=str) if header.eval.model_args else "",
        "recorded": recorded is not None or is_replayed,
        **{key: of_set.get(key, "") for key in ("set", "set_version", "set_digest", "flag")},
        "contrast": json.dumps(of_set["contrast"]) if "contrast" in of_set else "",
        "two_sided": bool(of_set.get("two_sided")),
    }


def _of_lane(of_lane: Mapping[str, Any], told: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    """Return what all answers in a lane share."""
    judged = {key: of_lane.get(key) for key in _LANE}
    judged["rule"] = json.dumps(judged["rule"], sort_keys=True) if judged["rule"] else ""
    judged["flag"] = judged["flag"] or told.get("flag") or about["flag"]
    return judged


def _lanes(told: Mapping[str, Any], value: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield what a judge says, and after a panel what each of its members does, as if it had judged alone."""
    yield told, value
    for n in itertools.count():
        member: Mapping[str, Any] | None = told.get(f"{MEMBER}{n}")
        if member is None:
            return
        own = {key.removeprefix(f"{n}:"): number for key, number in value.items() if key.startswith(f"{n}:")}
        yield {"note": told.get("note"), "scans": told.get("scans"), **member}, own


_UNJUDGED = {"lane": "", "judge": "", "rule": "", "experimental": False, "measured": None}


class _ForeignLogError(DataError):
    """A log that no em_bench task made: left out, not broken."""


def _answer(
    summary: EvalSampleSummary,
    told: Mapping[str, Any],
    value: Mapping[str, Any],
    header: EvalLog,
    rounds: Mapping[str, int],
) -> dict[str, Any]:
    outcome = _outcome(value, "") or "unscored"
    marks = {MARK + name: mark for name, mark in value.items() if _is_mark(name)}
    return {
        **{key: summary.metadata.get(key) for key in ("question", "prompt", "side", "arm")},
        **{
            column: (header.eval.metadata or {}).get(key, {}).get(summary.metadata.get("arm"))
            for column, key in (("arm_digest", "arm_digests"), ("left_out", "left_out"))
        },
        "id": str(summary.id),
        "epoch": summary.epoch,
        "outcome": outcome,
        "reason": told.get("unscored_reason"),
        "note": told.get("note"),
        "rungs": "+".join(told.get("rungs") or ()),
        "judged_with": told.get("judged_with"),
        "scans": "+".join(told["scans"]) if told.get("scans") is not None else None,
        "uuid": _same_answer(summary, header),
        "last_round": rounds.get(str(summary.metadata.get("arm"))),
        **{name: value[name] for name in CHANCES if name in value},
        **(
            {"first_outcome": _outcome(value, "0:"), "second_outcome": _outcome(value, "1:")}
            if CHANCES[0] in value
            else {}
        ),
        **marks,
    }


def _outcome(value: Mapping[str, Any], of: str) -> str | None:
    return next((name for name in OUTCOMES if value.get(of + name) == 1), None)


@cache_calls
def _is_mark(name: str) -> bool:
    return name not in OUTCOMES and name not in CHANCES and not name.endswith(("_mass", "_spread")) and ":" not in name


def _same_answer(summary: EvalSampleSummary, header: EvalLog) -> str:
    """Return an id that two rows share if they hold one and the same answer."""
    of_set = header.eval.metadata or {}
    if header.eval.model.startswith((SIMULATED, REPLAYED)) and "recorded" not in of_set:
        drawn = (header.eval.model, str(header.eval.model_args), str(of_set.get("set_digest")))
        return ":".join((*drawn, str(summary.id), str(summary.epoch)))
    return summary.uuid or f"{header.eval.eval_id}:{summary.id}:{summary.epoch}"


def _expected(header: EvalLog) -> Iterator[tuple[str, int]]:
    """Return each (sample id, epoch) that the run set out to ask."""
    for id_ in header.eval.dataset.sample_ids or []:
        for epoch in range(1, (header.eval.config.epochs or 1) + 1):
            yield str(id_), epoch
