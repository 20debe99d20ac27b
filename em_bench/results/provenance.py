"""Where a number comes from: the log files behind it, by hash, with what their headers say."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from em_bench.errors import DataError, Fault
from em_bench.models.card import ModelCard, find_card
from em_bench.results.estimate import Estimate
from em_bench.results.labels import public_value
from em_bench.results.sampling import sampling_of

__all__ = ["LogFile", "provenance_of", "read_log_file"]


@dataclass(frozen=True)
class LogFile:
    """A log as it is published: its name within the folder of logs, its hash, and what its header says.

    `created` is when the run began (ISO 8601); `sampling` how answers were drawn, as `sampling_of` gives it; `set` is
    the name of the question set, "" for a log that no em_bench task made.
    """

    name: str
    sha256: str
    status: str
    set: str
    task_id: str
    eval_id: str
    created: str
    packages: Mapping[str, str] = field(default_factory=dict)
    epochs: int = 1
    sampling: Mapping[str, Any] = field(default_factory=dict)

    @property
    def stem(self) -> str:
        """The file's own name: what the answers table calls the log."""
        return self.name.rsplit("/", 1)[-1]


def read_log_file(path: Path, name: str, digest: str) -> LogFile:
    """Return what the header of a local log says.

    Args:
        path: The log.
        name: What it is called where it is published.
        digest: Its sha256 as published.

    Raises:
        DataError: It is no log of Inspect.
    """
    from inspect_ai.log import read_eval_log

    try:
        header = read_eval_log(str(path), header_only=True)
    except Exception as error:  # zip, JSON and schema errors have no common class
        fault = Fault(name, f"{type(error).__name__}: {error}", "a readable log of Inspect")
        raise DataError(fault) from error
    of_set = header.eval.metadata or {}
    return LogFile(
        name=name,
        sha256=digest,
        status=header.status,
        set=str(of_set.get("set", "")) if "set_digest" in of_set else "",
        task_id=header.eval.task_id,
        eval_id=header.eval.eval_id,
        created=str(header.eval.created),
        packages={str(key).replace("-", "_"): str(version) for key, version in header.eval.packages.items()},
        epochs=header.eval.config.epochs or 1,
        sampling=sampling_of(header),
    )


def provenance_of(estimate: Estimate, logs: Sequence[LogFile], cards: list[ModelCard]) -> dict[str, Any]:
    """Return where an estimate comes from, as plain JSON types: set, judge, model, versions, dates, logs by hash.

    Args:
        estimate: The estimate.
        logs: All logs it may rest on, no two of one file name.
        cards: As `read_cards` gives them.
    """
    by_stem = {log.stem: log for log in logs}
    own = sorted((by_stem[name] for name in estimate.logs), key=lambda log: log.name)
    judge, _, asked = estimate.lane.partition("/")
    name, _, version = judge.partition("@")
    version, _, digest = version.partition("#")
    args = json.loads(estimate.model_args) if estimate.model_args else {}
    card = find_card(cards, estimate.model_name, args)
    return {
        "model": {
            "id": estimate.model_name,
            "args": {key: public_value(key, value) for key, value in args.items() if value is not None},
            "recorded": estimate.recorded,
            "card": None if card is None else card.id,
        },
        "set": {"name": estimate.set, "version": estimate.set_version, "digest": estimate.set_digest},
        "judge": {"name": name, "version": version, "digest": digest, "asked": asked or None},
        "sampling": _common([{**log.sampling, "epochs": log.epochs} for log in own]),
        "packages": {
            package: sorted({log.packages[package] for log in own if package in log.packages})
            for package in ("em_bench", "inspect_ai")
        },
        "dates": [min(log.created for log in own)[:10], max(log.created for log in own)[:10]],
        "logs": {log.name: log.sha256 for log in own},
    }


def _common(dicts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what all agree on; where they differ, the list of what there is."""
    found: dict[str, Any] = {}
    for key in sorted({key for each in dicts for key in each}):
        values = list({json.dumps(each.get(key)): each.get(key) for each in dicts}.values())
        found[key] = values[0] if len(values) == 1 else values
    return found
