"""What is made of a run that stopped early: spared answers are not missing, and its interval allows for stopping."""

import pytest
from conftest import model_that_says, small_set
from inspect_ai import Epochs, task_with

from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.statistics.sequential import SEQUENCE_METHOD, sequence_interval
from em_bench.stopping import stopped_run
from em_bench.tasks import build_task


def stopped(evaluate, arm="plain", stop="width:0.3", epochs=12):
    made = task_with(build_task(small_set(8), arm=arm, readout="text", stop=stop), epochs=Epochs(epochs, []))
    return evaluate(made, model_that_says(lambda prompt: "An answer.", "subject"), model_that_says(lambda prompt: "90"))


@pytest.mark.parametrize("arm", ["plain", "plain,json"], ids=["one arm", "two arms"])
def test_stopped_run_misses_nothing_and_carries_its_method(evaluate, arm):
    log = stopped(evaluate, arm)
    run = stopped_run(log)
    found = estimate_answers(read_answers([log.location]))
    assert run.has_stopped
    for each in found:
        n_kept = 8 * run.n_rounds[each.arm] * (1 if each.arm != "all" else 2)
        assert each.counts.missing == 0
        assert each.rate.questions == sequence_interval(0, n_kept, 0.95, 0.3)
        assert each.rate.population[1] >= each.rate.questions[1]
        assert each.method == SEQUENCE_METHOD
        assert str(run) in each.notes
    assert sum(each.counts.answers for each in found if each.arm != "all") == run.n_asked


def test_run_that_might_have_stopped_has_the_same_kind_of_interval(evaluate):
    log = stopped(evaluate, stop="width:0.05", epochs=2)
    (found,) = estimate_answers(read_answers([log.location]))
    assert found.rate.questions == sequence_interval(0, 16, 0.95, 0.05)


def test_run_without_a_rule_keeps_the_fixed_interval(evaluate):
    log = stopped(evaluate, stop=None, epochs=1)
    (found,) = estimate_answers(read_answers([log.location]))
    assert found.method != SEQUENCE_METHOD
