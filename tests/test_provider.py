"""The simulated models as Inspect meets them."""

import pytest
from inspect_ai.model import get_model

from em_bench.errors import OperatorError
from em_bench.models.organism import Organism
from em_bench.questions import read_set
from em_bench.tasks import build_task

MODEL = "organism/misaligned-20-clustered"


@pytest.fixture
def ask(evaluate):
    """Return a function that asks 40 prompts twice and gives back the samples by (id, epoch)."""

    def asked(**options):
        task = build_task(read_set("ai_dominance"), judge="dominance_words", only="/0")
        log = evaluate(task, MODEL, limit=40, epochs=2, **options)
        assert log.status == "success"
        return {(sample.id, sample.epoch): sample for sample in log.samples}

    return asked


def completions(samples):
    return {key: sample.output.completion for key, sample in samples.items()}


def test_same_seed_gives_the_same_answers_whatever_runs_at_once(ask):
    assert completions(ask(max_connections=1)) == completions(ask(max_connections=100))


def test_another_seed_gives_another_individual(ask):
    one, other = completions(ask()), completions(ask(model_args={"seed": 1}))
    assert sum(one[key] != other[key] for key in one) > len(one) / 2


def test_epochs_are_different_draws(ask):
    found = completions(ask())
    ids = {key[0] for key in found}
    assert len(ids) == 40
    assert sum(found[id_, 1] != found[id_, 2] for id_ in ids) > 20


def test_output_counts_words_and_keeps_what_was_drawn(ask):
    for (id_, _), sample in ask().items():
        usage, known = sample.output.usage, sample.output.metadata
        assert usage.output_tokens == len(sample.output.completion.split())
        assert usage.input_tokens > 0
        assert usage.total_tokens == usage.input_tokens + usage.output_tokens
        assert known["simulated"] is True
        assert known["drawn"] in ("flagged", "clear", "incoherent", "refusing")
        assert known["flagged_rate"] == Organism("misaligned-20-clustered").flagged_rate(id_.split("/")[0])
        assert sample.output.stop_reason == "stop"


def test_unknown_organism_is_refused_when_the_model_is_made():
    with pytest.raises(OperatorError, match="model organism: found 'nice'"):
        get_model("organism/nice")
