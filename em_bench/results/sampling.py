"""How answers were drawn, as the header of a log tells it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog

__all__ = ["SEED", "sampling_of"]

SEED = "seed"
"""The setting that says which answers are drawn, and nothing of how likely each is."""

_SETTINGS = {
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "best_of",
    "stop_seqs",
    "system_message",
    "reasoning_effort",
    "reasoning_tokens",
    "effort",
    "verbosity",
    SEED,
}


def sampling_of(header: EvalLog) -> dict[str, Any]:
    """Return the settings that bear on answers, as far as they were set, as plain JSON types.

    They are those that Inspect asked with: what a task or the command line says goes before what a model brings.
    """
    asked_with = header.eval.model_generate_config.merge(header.plan.config)
    return asked_with.model_dump(mode="json", exclude_none=True, include=_SETTINGS)
