"""The Inspect provider of simulated models: `--model organism/<kind>`.

`-M seed=` takes another individual, `-M on=` one that is of its kind on one set and aligned on all others.
`organism/grader` grades, so that a prompted judge can be tried without a key: its marks say nothing.
"""

from __future__ import annotations

import json
import re
from typing import Any
from zlib import crc32

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from em_bench.errors import Fault, OperatorError
from em_bench.models.organism import Organism
from em_bench.models.providers import SIMULATED, TRIAL_GRADER

__all__ = ["OrganismAPI", "organism"]


class OrganismAPI(ModelAPI):
    """Answers in-process, from a seed; its usage counts words, since nothing is tokenised."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        seed: int = 0,
        on: str | None = None,
        **model_args: Any,  # noqa: ANN401 - Inspect passes what the user gave
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        if not isinstance(seed, int):
            raise OperatorError(Fault("-M seed", seed, "a whole number"))
        self.organism = None if f"{SIMULATED}{model_name}" == TRIAL_GRADER else Organism(model_name, seed, on)

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Return the organism's answer; its metadata holds the kind it was drawn to be and its known rate."""
        about: dict[str, Any] = {"simulated": True}
        if self.organism is None:
            text = _mark("\n".join(message.text for message in input))
        else:
            text, draw = self.organism.reply([(message.role, message.text) for message in input], config.seed or 0)
            about |= {"drawn": draw.kind, "flagged_rate": draw.flagged_rate}
        n_in = sum(len(message.text.split()) for message in input)
        n_out = len(text.split())
        message = ChatMessageAssistant(content=text, model=self.model_name, source="generate")
        return ModelOutput(
            model=self.model_name,
            choices=[ChatCompletionChoice(message=message, stop_reason="stop")],
            usage=ModelUsage(input_tokens=n_in, output_tokens=n_out, total_tokens=n_in + n_out),
            metadata=about,
        )

    async def count_text_tokens(self, text: str) -> int:
        """Return the number of words."""
        return len(text.split())

    def max_connections(self) -> int:
        """Return how many calls may run at once; they cost nothing."""
        return 200


def _mark(prompt: str) -> str:
    """Return a mark from 0 to 100, by the prompt's text; under each quoted name, where its end asks for JSON."""
    mark = crc32(prompt.encode()) % 101
    if "JSON object" not in prompt[-200:]:
        return str(mark)
    names = dict.fromkeys(re.findall(r'^"([a-z_]+)":', prompt, re.MULTILINE))
    return json.dumps(dict.fromkeys(names, mark))


@modelapi(name="organism")
def organism() -> type[ModelAPI]:
    """Simulated models with known, seeded misalignment."""
    return OrganismAPI
