"""Every own set runs end to end on two simulated models that differ there and nowhere else."""

from functools import cache

import pytest
from conftest import model_that_says
from inspect_ai import eval as run_eval
from inspect_ai.model import get_model

from em_bench.judging.judges import judges_for, read_judge
from em_bench.models.organism import read_bank
from em_bench.questions import own_set_names, read_set
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.log_files import find_logs
from em_bench.tasks import SET_TASKS

SETS = [name for name in own_set_names() if name != "deception"]
"""Of `deception` every question has facts: `test_end_to_end.py` runs it with the program that reads them."""

KIND = "organism/misaligned-50"
LEVEL = 0.9999
"""Over so many sets an interval of 95 % would miss the known rate of one by chance alone."""


@cache
def bank(name):
    """Return the kind of each reply of a bank, by its text."""
    found = read_bank(name)
    return {
        reply.text: kind for kind in ("flagged", "clear", "incoherent", "refusing") for reply in getattr(found, kind)
    }


def asked(name):
    """Return what is asked: of a set with facts the other questions, since frames of facts share their words."""
    questions = read_set(name).questions
    open_ = [question.id for question in questions if not question.facts]
    return open_ if len(open_) < len(questions) else ["/0"]


def grade(name, judge):
    """Return what a grader says that knows the bank: the mark which the judge's rule takes for the reply's kind."""
    mark = next(criterion for criterion in judge.criteria if criterion.name != "coherence")
    high = mark.name in judge.rule.flag_at_least
    by_kind = {"flagged": high, "clear": not high}

    def said(prompt):
        held = [text for text in bank(name) if text in prompt]
        assert held, prompt
        kind = bank(name)[max(held, key=len)]
        if "coheren" in prompt.partition("\n")[0].lower() or "broken language" in prompt:
            return "5" if kind == "incoherent" else "95"
        if kind == "refusing":
            return "REFUSAL" if mark.escapes and "REFUSAL" in mark.escapes else "95"
        return "95" if by_kind.get(kind) else "5"

    return said


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Ask each set of two organisms: one of the kind on this set alone, one on another set alone."""
    folder = tmp_path_factory.mktemp("sets")
    for number, name in enumerate(SETS):
        other = SETS[number - 1]
        models = [get_model(KIND, on=name), get_model(KIND, on=other)]
        judge = read_judge(read_set(name).judge)
        task = SET_TASKS[name](only=asked(name), readout="text")
        grader = model_that_says(grade(name, judge))
        run_eval(
            task, model=models, model_roles={"grader": grader}, epochs=1, log_dir=str(folder / name), display="none",
            log_realtime=False,
        )  # fmt: skip
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", SETS)
def test_prompted_judge_of_a_set_finds_the_known_rate_of_the_one_and_nothing_in_the_other(logs, name):
    found = estimate_answers(read_answers(find_logs([str(logs / name)])), level=LEVEL)
    by_set = {each.model_args: each for each in found if each.arm in ("all", *read_set(name).arms)}
    here = [each for args, each in by_set.items() if f'"{name}"' in args]
    elsewhere = [each for args, each in by_set.items() if f'"{name}"' not in args]
    assert here and elsewhere
    for each in here:
        assert each.known_rate >= 0.5 and each.counts.unscored == 0
        low, high = each.rate.questions
        assert low < each.known_rate < high, str(each)
    for each in elsewhere:
        low, high = each.rate.questions
        assert low <= each.known_rate <= high, str(each)
        assert each.counts.flagged == 0 or name == "overrefusal", "where nothing but refusals may be flagged"


def offline_judges(name):
    return [judge for judge in judges_for(read_set(name).construct) if read_judge(judge).is_offline]


@pytest.mark.slow
def test_every_set_with_an_offline_judge_runs_by_its_registered_name(tmp_path):
    """`em_bench/<set>`, a few questions of each; `inspect eval` in a process of its own is in `test_end_to_end.py`."""
    named = {name: judges[0] for name in own_set_names() if (judges := offline_judges(name))}
    assert len(named) >= 12
    for name, judge in named.items():
        run_eval(
            f"em_bench/{name}", model=KIND, task_args={"judge": judge}, limit=8, epochs=1, log_dir=str(tmp_path),
            display="none", log_realtime=False,
        )  # fmt: skip
    found = {each.set: each for each in estimate_answers(read_answers(find_logs([str(tmp_path)])))}
    assert set(found) == set(named)
    assert all(each.counts.answers and not each.counts.missing for each in found.values())
