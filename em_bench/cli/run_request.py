"""From the options of `em-bench run` to what is to be run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from em_bench.errors import Fault, OperatorError

if TYPE_CHECKING:
    from em_bench.running import RunRequest

__all__ = ["grader_of", "request_of"]

_OWN = (
    "--model", "--log-dir", "--log-dir-allow-dirty", "--display", "--ctl-server", "--epochs", "--json", "--detach",
)  # fmt: skip
"""Options of `inspect eval-set` that this command sets itself."""


def request_of(models: Sequence[str], items: Sequence[Any], given: Mapping[str, Any]) -> RunRequest:
    """Return what is to be run.

    Args:
        models: The models under test.
        items: The sets and how each is run.
        given: The other options.

    Raises:
        OperatorError: An option is of another form, or given twice in two ways; all such are named.
    """
    from em_bench.cli.shared import pairs
    from em_bench.running.command import LOG_SETTINGS, PERSISTENCE, RunRequest

    roles, grader = list(given["roles"]), given["grader"]
    pairs("--model-role", roles)
    pairs("-M", given["model_args"])
    faults = [
        Fault("after --", word, "options that em-bench run does not set itself", "Give it before --, if it has it.")
        for word in given["extra"]
        if word.partition("=")[0] in _OWN
    ]
    if given["extra"] and not given["extra"][0].startswith("-"):
        expected = "only options; after -- those of inspect eval-set"
        faults.append(Fault("em-bench run", given["extra"][0], expected, "Leave it out, or name its option."))
    if grader and any(role.startswith("grader=") for role in roles):
        faults.append(Fault("grader", "both --grader and --model-role grader=", "one of them", "Leave one out."))
    if faults:
        raise OperatorError(faults)
    operation = [*PERSISTENCE]
    operation += ["--timeout", str(given["timeout"])] if given["timeout"] else []
    operation += ["--max-connections", str(given["max_connections"])] if given["max_connections"] else []
    operation += ["--cache=1W"] if given["cache"] else []
    operation += [] if given["log_realtime"] else LOG_SETTINGS
    return RunRequest(
        models=tuple(dict.fromkeys(models)),
        items=tuple(items),
        model_args=tuple(given["model_args"]),
        roles=(*roles, *([f"grader={grader}"] if grader else [])),
        readout=given["readout"],
        extra=tuple(given["extra"]),
        operation=tuple(operation),
    )


def grader_of(roles: Sequence[str]) -> tuple[str | None, dict[str, Any]]:
    """Return the name of the model in the role `grader`, however it is written, and what it is loaded with.

    Raises:
        OperatorError: It is no YAML, or its arguments are no mapping.
    """
    for role in roles:
        name, _, said = role.partition("=")
        if name == "grader":
            try:
                plain = yaml.safe_load(said)
            except yaml.YAMLError as error:
                expected = "a model, or {model: …} as YAML"
                raise OperatorError(Fault("--model-role grader", said, expected, "Mend it.")) from error
            if not isinstance(plain, dict):
                return said.partition(",")[0], {}
            given = plain.get("model_args") or {}
            if not isinstance(given, dict):
                fault = Fault("--model-role grader, model_args", given, "a mapping", "Write {NAME: VALUE}.")
                raise OperatorError(fault)
            return str(plain.get("model")), given
    return None, {}
