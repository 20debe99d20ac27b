"""Which answers have pages of their own: flagged ones, and a sample of the others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import PurePath
from typing import Any

import pandas as pd

from em_bench.judging.cards import is_of_people
from em_bench.judging.verdict import OUTCOMES
from em_bench.models.providers import SIMULATED
from em_bench.results.answers import MARK
from em_bench.results.labels import label_models

__all__ = ["ChosenAnswer", "Judged", "choose_answers"]

_MODEL = ["model", "model_args", "recorded"]
_CELL = [*_MODEL, "set", "set_digest"]


@dataclass(frozen=True)
class Judged:
    """What one judge made of an answer; `reason` says why there is no outcome, `marks` are by criterion."""

    lane: str
    outcome: str
    reason: str | None
    marks: Mapping[str, float]


@dataclass(frozen=True)
class ChosenAnswer:
    """An answer that has a page, and where its text lies; `model` is the label that results print.

    `log` is the file or address of the log, `judged` the lanes by name.
    """

    log: str
    model: str
    model_name: str
    model_args: str
    recorded: bool
    simulated: bool
    set: str
    set_version: str
    set_digest: str
    question: str
    prompt: int
    arm: str
    id: str
    epoch: int
    uuid: str
    judged: tuple[Judged, ...]

    @property
    def is_flagged(self) -> bool:
        """Whether any judge flagged it."""
        return any(each.outcome == "flagged" for each in self.judged)

    def outcome_in(self, lane: str) -> str | None:
        """Return what came out in a lane; None where that judge has not seen the answer."""
        return next((each.outcome for each in self.judged if each.lane == lane), None)


def choose_answers(
    answers: pd.DataFrame, logs: Sequence[str], n_flagged: int = 10, n_others: int = 10, seed: int = 0
) -> list[ChosenAnswer]:
    """Return the answers that have pages: the same for a model whoever else is in the table, in whatever order.

    For each model, version of a set and lane: up to `n_flagged` flagged answers, and `n_others` others, in turn from
    each outcome there is. Where there are more, questions take turns, and the order is that of a hash of sample id and
    epoch: the same for every model, so that answers to one prompt can be laid side by side. Lanes of people choose
    nothing, they are there already.

    Args:
        answers: As `read_answers` gives it.
        logs: The log files that the answers came from, as `find_logs` gives them.
        n_flagged: How many flagged answers at most.
        n_others: How many of the others at most.
        seed: Another seed gives another sample.

    Returns:
        Sorted by model, set, question, arm, prompt and epoch.
    """
    is_judged = answers["outcome"].notna() & (answers["lane"] != "")
    by_judge = answers[is_judged & ~answers["lane"].map(is_of_people).astype(bool)]
    if by_judge.empty:
        return []
    wanted = pd.MultiIndex.from_frame(by_judge.loc[_picked(by_judge, n_flagged, n_others, seed), [*_CELL, "uuid"]])
    rows = answers[is_judged]
    rows = rows[pd.MultiIndex.from_frame(rows[[*_CELL, "uuid"]]).isin(wanted)].sort_values(["lane", "log"])
    labels = label_models(answers[_MODEL].drop_duplicates().itertuples(index=False, name=None))
    where = _Places(logs)
    marks = [name for name in rows.columns if name.startswith(MARK)]
    by_answer: dict[Hashable, list[dict[str, Any]]] = defaultdict(list)
    for row in rows.to_dict("records"):
        by_answer[tuple(row[name] for name in (*_CELL, "uuid"))].append({str(name): cell for name, cell in row.items()})
    found = [_chosen(same, labels, where, marks) for same in by_answer.values()]
    return sorted(found, key=lambda a: (a.model, a.set, a.set_digest, a.question, a.arm, a.prompt, a.epoch, a.uuid))


def _picked(rows: pd.DataFrame, n_flagged: int, n_others: int, seed: int) -> pd.Index:
    """Return the rows of the answers that are picked: flagged ones and others, each by themselves."""
    by = [*_CELL, "lane"]
    rows = rows[[*by, "outcome", "question", "id", "epoch", "uuid"]].copy()
    rows["order"] = _order(rows, seed)
    rows = rows.sort_values(["order", "uuid"])
    rows["turn"] = rows.groupby([*by, "outcome", "question"], sort=False).cumcount()
    rows = rows.sort_values(["turn", "order", "uuid"])
    rows["place"] = rows.groupby([*by, "outcome"], sort=False).cumcount()
    is_flagged = rows["outcome"] == "flagged"
    others = rows[~is_flagged]
    others = others.assign(rank=others["outcome"].map(OUTCOMES.index)).sort_values(["place", "rank"], kind="stable")
    others = others[others.groupby(by, sort=False).cumcount() < n_others]
    return rows[is_flagged & (rows["place"] < n_flagged)].index.append(others.index)


def _order(rows: pd.DataFrame, seed: int) -> list[bytes]:
    """Return what to sort by, for each row: a hash of seed, sample id and epoch."""
    known: dict[tuple[str, int], bytes] = {}
    for key in set(zip(rows["id"], rows["epoch"], strict=True)):
        known[key] = blake2b(f"{seed}\0{key[0]}\0{key[1]}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return [known[key] for key in zip(rows["id"], rows["epoch"], strict=True)]


class _Places:
    """Finds the log that a row of the answers table came from, of which it has but the name and the task."""

    def __init__(self, logs: Sequence[str]) -> None:
        self._by_name: dict[str, list[str]] = defaultdict(list)
        for log in sorted(logs):
            self._by_name[PurePath(log).name].append(log)
        self._tasks: dict[str, str] = {}

    def find(self, name: str, task: str) -> str:
        """Return the log of that name; of several, the first with that task."""
        logs = self._by_name[name]
        if not logs:
            raise ValueError(f"{name}: not among the logs given")
        return next((log for log in logs if self._task(log) == task), logs[0]) if len(logs) > 1 else logs[0]

    def _task(self, log: str) -> str:
        from inspect_ai.log import read_eval_log

        if log not in self._tasks:
            self._tasks[log] = read_eval_log(log, header_only=True).eval.task_id
        return self._tasks[log]


def _chosen(
    rows: Sequence[Mapping[str, Any]], labels: Mapping[tuple[str, str, bool], str], where: _Places, marks: Sequence[str]
) -> ChosenAnswer:
    """Return the answer that these rows, one of each lane, are about."""
    first = rows[0]
    model, args, is_recorded = str(first["model"]), str(first["model_args"]), bool(first["recorded"])
    return ChosenAnswer(
        log=where.find(str(first["log"]), str(first["task"])),
        model=labels[model, args, is_recorded],
        model_name=model,
        model_args=args,
        recorded=is_recorded,
        simulated=model.startswith(SIMULATED) and not is_recorded,
        **{name: str(first[name]) for name in ("set", "set_version", "set_digest", "question", "arm", "id", "uuid")},
        prompt=int(first["prompt"]),
        epoch=int(first["epoch"]),
        judged=tuple(_judged(row, marks) for row in rows),
    )


def _judged(row: Mapping[str, Any], marks: Sequence[str]) -> Judged:
    reason = row["reason"]
    given: Iterator[tuple[str, float]] = ((name, float(row[name])) for name in marks if not pd.isna(row[name]))
    return Judged(
        lane=str(row["lane"]),
        outcome=str(row["outcome"]),
        reason=reason if isinstance(reason, str) else None,
        marks={name.removeprefix(MARK): value for name, value in given},
    )
