"""The Inspect provider of recorded answers: `--model replay/answers.csv`, `-M subject=` where the file holds several.

It says again what a model said elsewhere, so that other judges can look at it through any task of this package. Logs
that `em-bench import` writes name their models `replay/<model>`; those need no file, since nobody is asked again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from em_bench.errors import NOTHING, DataError, Fault, OperatorError, unknown_name
from em_bench.models.recording import Columns, RecordedAnswer, read_recording, sort_by_prompt
from em_bench.questions import QuestionSet

__all__ = ["REPLAY", "ReplayAPI", "replay", "replayed"]

REPLAY = "replay"


def replayed(model: str, answer: str) -> ModelOutput:
    """Return a recorded answer as the output of `model`; nothing was generated, so it used no tokens."""
    output = ModelOutput.from_content(model, answer)
    output.usage = ModelUsage()
    return output


class ReplayAPI(ModelAPI):
    """Gives recorded answers: the n-th recorded answer to a prompt in the n-th epoch."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig | None = None,
        subject: str | None = None,
        **model_args: Any,  # noqa: ANN401 - Inspect passes what the user gave
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config or GenerateConfig())
        self._subject = subject
        self._by_sample: dict[str, list[RecordedAnswer]] = {}

    def prepare(self, questions: QuestionSet) -> dict[str, int]:
        """Read the file, and return how many answers it holds to each prompt of a set, by sample id.

        Raises:
            OperatorError: There is no such file, it holds several models and none was chosen, or no answer to the set.
            DataError: The file is faulty.
        """
        path = Path(self.model_name)
        place = f"model {REPLAY}/{self.model_name}"
        if not path.exists():
            raise OperatorError(Fault(place, NOTHING, "a file of recorded answers", "Is the path right?"))
        recording = read_recording([path], Columns(needed=("question_id", "answer")))
        if recording.faults:
            raise DataError(recording.faults)
        models = sorted({answer.model for answer in recording.answers})
        if self._subject is not None and self._subject not in models:
            raise OperatorError(unknown_name("-M subject", self._subject, models, "models in the file"))
        if self._subject is None and len(models) > 1:
            raise OperatorError(Fault(place, f"{len(models)} models", "one model", f"Choose: -M subject={models[0]}"))
        chosen = [answer for answer in recording.answers if self._subject in (None, answer.model)]
        found, faults = sort_by_prompt(chosen, questions)
        if not found:
            raise OperatorError(faults[:1])
        self._by_sample = {id_: answers for id_, (_, answers) in found.items()}
        return {id_: len(answers) for id_, answers in self._by_sample.items()}

    def recorded(self, sample_id: str, epoch: int) -> ModelOutput:
        """Return the answer to a prompt in an epoch (from 1).

        Raises:
            DataError: The file holds no such answer; the sample is then missing.
        """
        answers = self._by_sample.get(sample_id, [])
        if epoch > len(answers):
            place = f"sample {sample_id}, epoch {epoch}"
            raise DataError(Fault(place, f"{len(answers)} recorded answers", f"{epoch} of them"))
        return replayed(str(self.model_name), answers[epoch - 1].answer)

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """Refuse: which recorded answer is wanted can be told from a sample, not from messages alone."""
        place = f"model {REPLAY}/{self.model_name}"
        raise OperatorError(
            Fault(place, "a new question", "a task of em_bench", "Recorded answers cannot be extended.")
        )


@modelapi(name=REPLAY)
def replay() -> type[ModelAPI]:
    """Answers recorded elsewhere."""
    return ReplayAPI
