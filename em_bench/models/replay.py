"""The Inspect provider of recorded answers: `--model replay/answers.csv`, `-M subject=` where the file holds several.

It says again what a model said elsewhere, so that other judges can look at it through any task of this package. Logs
that `em-bench import` writes name their models `replay/<model>`; those need no file, since nobody is asked again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspect_ai.model import ChatMessage, GenerateConfig, ModelAPI, ModelOutput, ModelUsage, modelapi
from inspect_ai.tool import ToolChoice, ToolInfo

from em_bench.errors import NOTHING, DataError, Fault, OperatorError, unknown_name
from em_bench.models.recording import (
    Columns,
    RecordedAnswer,
    is_wording,
    read_recording,
    recorded_id,
    sort_by_prompt,
)
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
        self._answers: dict[str, list[RecordedAnswer]] | None = None
        self._by_sample: dict[tuple[str, str], list[RecordedAnswer]] = {}

    def counts(self, questions: QuestionSet) -> dict[str, int]:
        """Return how many answers the file holds to each prompt of a set, by sample id.

        Raises:
            OperatorError: There is no such file, it holds several models and none was chosen, or no answer to the set.
            DataError: The file is faulty.
        """
        chosen = [answer for answers in self._read().values() for answer in answers]
        found, faults = sort_by_prompt(chosen, questions)
        if not found:
            raise OperatorError(faults[:1])
        self._by_sample |= {(questions.name, id_): answers for id_, (_, answers) in found.items()}
        return {id_: len(answers) for id_, (_, answers) in found.items()}

    def recorded(self, sample_id: str, about: Mapping[str, Any], prompt: str, epoch: int) -> ModelOutput:
        """Return the n-th answer to a prompt in the n-th epoch (from 1).

        Args:
            sample_id: The sample.
            about: Its metadata: set, question and arm.
            prompt: What the user said last, for a set that `counts` was not asked about.
            epoch: Which answer.

        Raises:
            OperatorError, DataError: As `counts`; or the file holds no such answer, and the sample is then missing.
        """
        answers = self._by_sample.get((about["set"], sample_id))
        if answers is None:
            same_id = self._read().get(recorded_id(about["question"], about["arm"]), [])
            answers = [answer for answer in same_id if is_wording(answer, prompt)]
        if epoch > len(answers):
            place = f"sample {sample_id}, epoch {epoch}"
            raise DataError(Fault(place, f"{len(answers)} recorded answers", f"{epoch} of them"))
        return replayed(str(self.model_name), answers[epoch - 1].answer)

    def _read(self) -> dict[str, list[RecordedAnswer]]:
        """Return the chosen model's answers by recorded id; the file is read once."""
        if self._answers is not None:
            return self._answers
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
        self._answers = {}
        for answer in recording.answers:
            if self._subject in (None, answer.model):
                self._answers.setdefault(answer.question_id, []).append(answer)
        return self._answers

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
