"""What is to be run, and the `inspect eval-set` that runs a share of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from em_bench.questions import SuiteItem, read_set
from em_bench.results.secrets import without_secrets
from em_bench.running.share import Share

__all__ = [
    "LOG_SETTINGS",
    "PATIENCE",
    "PATIENCE_FLAGS",
    "PERSISTENCE",
    "RunRequest",
    "inspect_words",
    "shown_words",
    "unwatched",
]

LOG_SETTINGS = ("--no-log-realtime", "--no-score-display")
"""Logs hold the same with these; what is spared is a database for those who watch a run, and running totals."""

_LOG_BUFFER, _MANY = ("--log-buffer", "10"), 1000
"""A log on this machine is written every ten answers, also where Inspect would wait for a twentieth of so many: a kill
costs what was not written. Far away each writing sends the whole log."""

PERSISTENCE = ("--continue-on-fail", "--retry-attempts", "1")
"""A sample that fails does not end its task, and is asked once more at the end."""

PATIENCE = (
    "--adaptive-connections", "--attempt-timeout", "--log-buffer", "--log-level", "--log-level-transcript",
    "--max-connections", "--max-dataset-memory", "--max-retries", "--max-samples", "--max-subprocesses", "--max-tasks",
    "--retry-attempts", "--retry-connections", "--retry-wait", "--stream-idle-timeout", "--timeout",
)  # fmt: skip
PATIENCE_FLAGS = ("--batch", "--log-images", "--log-model-api", "--log-refusals", "--no-retry-immediate")
"""Options of `inspect eval-set` that no answer depends on, with a value and without, as a user may add them."""

_UNWATCHED = ("--display", "none", "--ctl-server", "false")


@dataclass(frozen=True)
class RunRequest:
    """What is to be run.

    Attributes:
        models: The models under test, as Inspect names them.
        items: The sets and how each is run.
        model_args: Arguments of the models, each `NAME=VALUE`.
        roles: Model roles, each `NAME=MODEL` or `NAME={model: …}`, as Inspect's `--model-role` takes them.
        readout: As of a task; None means each judge's own.
        extra: More options of `inspect eval-set`, word by word.
        operation: Options of `inspect eval-set` that no answer depends on: connections, patience, cache, logs.
    """

    models: tuple[str, ...]
    items: tuple[SuiteItem, ...]
    model_args: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    readout: str | None = None
    extra: tuple[str, ...] = ()
    operation: tuple[str, ...] = (*PERSISTENCE, *LOG_SETTINGS)

    def to_dict(self) -> dict[str, Any]:
        """Return, as plain JSON types, what answers and verdicts depend on: two runs alike in it are one."""
        return {
            "models": sorted(self.models),
            "sets": sorted(
                (item.model_dump(mode="json") | {"digest": read_set(item.set).digest} for item in self.items),
                key=lambda plain: json.dumps(plain, sort_keys=True),
            ),
            "model arguments": sorted(map(without_secrets, self.model_args)),
            "model roles": sorted(map(without_secrets, self.roles)),
            "readout": self.readout,
            "further options": [without_secrets(word) for word in _without_patience(self.extra)],
        }


def _without_patience(words: Sequence[str]) -> list[str]:
    kept, is_value = [], False
    for word in words:
        name, equals, _ = word.partition("=")
        if not is_value and name not in (*PATIENCE, *PATIENCE_FLAGS):
            kept.append(word)
        is_value = not is_value and name in PATIENCE and not equals
    return kept


def inspect_words(request: RunRequest, share: Share, log_dir: str, sets: Sequence[str] = ()) -> list[str]:
    """Return the command that runs a share, word by word.

    Args:
        request: The run.
        share: The share.
        log_dir: The log folder of the run.
        sets: Which of the share's sets; none means all.
    """
    words = ["inspect", "eval-set", *(f"em_bench/{name}" for name in sets or share.sets), "--model", share.model]
    words += _each("-M", request.model_args)
    words += _each("--model-role", request.roles)
    task_args = {
        "judge": [share.judge] if share.judge else [],
        "arm": share.arm,
        "only": share.only,
        "readout": [request.readout] if request.readout else [],
    }
    words += _each("-T", [f"{name}={_yaml_text(values)}" for name, values in task_args.items() if values])
    words += ["--epochs", str(share.samples)] if share.samples else []
    words += [*request.extra, *request.operation]
    is_told = any(word.startswith(_LOG_BUFFER[0]) for word in request.extra)
    if max(share.sets[name] for name in sets or share.sets) >= _MANY and not is_told and "://" not in log_dir:
        words += _LOG_BUFFER
    words += ["--log-dir-allow-dirty"] if sets and len(sets) < len(share.sets) else []
    return [*words, "--log-dir", share.place(log_dir)]


def shown_words(words: Sequence[str]) -> str:
    """Return a command as it is typed into a shell, secrets left out."""
    return shlex.join(map(without_secrets, words))


def unwatched(words: Sequence[str]) -> list[str]:
    """Return the arguments of `inspect` for a process whose screen nobody sees."""
    return [*words[1:], *_UNWATCHED]


def _each(option: str, values: Sequence[str]) -> list[str]:
    return [word for value in values for word in (option, value)]


def _yaml_text(values: Sequence[str]) -> str:
    """Return values as `-T` reads them: joined by commas, or as a list where YAML would take one for something else."""
    try:
        is_plain = all(yaml.safe_load(value) == value and "," not in value for value in values)
    except yaml.YAMLError:
        is_plain = False
    return ",".join(values) if is_plain else json.dumps(list(values), ensure_ascii=False)
