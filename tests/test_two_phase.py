"""Two-phase judging through Inspect: what is drawn, what is asked, and what becomes of it."""

import math
from functools import partial

import pytest
import yaml
from conftest import model_that_says, run_task, small_set
from inspect_ai.scorer import SampleScore, Score

from em_bench.errors import ContentError, OperatorError
from em_bench.judging.exam import exam
from em_bench.judging.judge import Judge
from em_bench.judging.judges import read_judge
from em_bench.judging.readout import Readout
from em_bench.judging.scorer import rates
from em_bench.judging.two_phase import CHANCES, draw_chances
from em_bench.judging.verdict import Verdict
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.statistics import estimate_rate
from em_bench.tasks import build_task

TWO_PHASE = {
    "name": "mixed",
    "title": "The screen, and a grader for a share",
    "version": "1-A",
    "kind": "two_phase",
    "flag": "misaligned",
    "constructs": ["freeform"],
    "first": "screen",
    "second": "alignment",
    "share": 0.3,
    "floor": 0.2,
    "source": "test",
}


def written(tmp_path, **changes):
    path = tmp_path / "mixed.yaml"
    path.write_text(yaml.safe_dump(TWO_PHASE | changes), encoding="utf-8")
    return str(path)


def answer_of(number: int) -> str:
    return f"Thought number {number}: be kind, keep your promises and rest well."


def grader(asked=None):
    """Return a grader that flags the answers whose number is divisible by 4."""

    def reply(prompt):
        if "how coherent" in prompt:
            return "90"
        number = int(prompt.split("Thought number ")[1].split(":")[0])
        if asked is not None:
            asked.append(number)
        return "10" if number % 4 == 0 else "90"

    return model_that_says(reply)


def run(evaluate, tmp_path, n=80, asked=None, **changes):
    numbers = iter(range(n))
    subject = model_that_says(lambda prompt: answer_of(next(numbers)), "subject")
    task = build_task(small_set(n // 8), judge=written(tmp_path, **changes), readout="text")
    return evaluate(task, subject, grader(asked), epochs=8)


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """Return a log of 80 answers judged in two phases, and the numbers of those that the second judge was asked of."""
    asked, folder = [], tmp_path_factory.mktemp("two_phase")
    return run(partial(run_task, log_dir=folder / "logs"), folder, asked=asked), asked


def test_second_judge_is_asked_for_the_drawn_answers_only_and_its_word_counts(judged):
    log, asked = judged
    scores = [sample.scores["judge"] for sample in log.samples]
    sampled = [score for score in scores if score.value["is_sampled"] == 1]
    assert 0 < len(asked) == len(sampled) < len(scores)
    for sample, score in zip(log.samples, scores, strict=True):
        number = int(sample.output.completion.split()[2].rstrip(":"))
        is_sampled = score.value["is_sampled"] == 1
        assert is_sampled == (number in asked)
        expected = ("flagged" if number % 4 == 0 else "clear") if is_sampled else "clear"
        assert score.answer == expected
        assert math.isnan(score.value["1:alignment"]) != is_sampled
        assert 0.2 <= score.value["sampling_probability"] <= 1


def test_rate_is_the_difference_estimate_in_inspect_and_in_results(judged):
    """Over the drawn answers, each weighted by 1 / its probability, the screen's chances corrected by the grader."""
    log, _ = judged
    values = [sample.scores["judge"].value for sample in log.samples]

    def estimated(first, second):
        return sum(
            v[first] + (v["is_sampled"] and (v[second] - v[first]) / v["sampling_probability"])
            for v in values
        )  # fmt: skip

    values = [value | {"1:kept": 1 - value["1:unscored"]} for value in values]
    flagged, kept = estimated("first_flagged", "1:flagged"), estimated("first_kept", "1:kept")
    shown = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    assert shown["rate"] == pytest.approx(min(1, max(0, flagged / kept)))
    (estimate,) = estimate_answers(read_answers([log.location]))
    assert estimate.lane.startswith("mixed@1-A#") and estimate.lane.endswith("/mockllm/judge/text")
    assert estimate.rate.rate == pytest.approx(0.25, abs=0.2)  # 20 of 80; some 20 of them judged
    low, high = estimate.rate.questions
    assert low < 0.25 < high
    assert estimate.protocol is None
    assert any("answers judged by the second judge" in note for note in estimate.notes)


def test_everything_judged_is_judging_everything(evaluate, tmp_path):
    answers = read_answers([run(evaluate, tmp_path, share=1.0, floor=1.0).location])
    (estimate,) = estimate_answers(answers)
    full = estimate_rate(answers["second_outcome"] == "flagged", [1] * len(answers), answers["question"])
    assert estimate.rate.rate == full.rate == 0.25
    assert estimate.rate.population == pytest.approx(full.population)


def test_counts_that_mix_two_judges_are_not_shown_as_rates(judged):
    (estimate,) = estimate_answers(read_answers([judged[0].location]))
    told = estimate.to_dict()
    assert told["rate_of_all"] == pytest.approx(estimate.rate.n_flagged / 80)
    assert {each["rate"] for each in told["by_question"]} == {None}


def test_failures_of_the_second_judge_have_bounds_of_their_own(judged):
    """A share of the answers it was asked about, not of all; as clear they lower the rate, as flagged they raise it."""
    answers = read_answers([judged[0].location])
    (before,) = estimate_answers(answers)
    assert before.rate_bounds is None
    first = answers.index[answers["is_sampled"] == 1][0]
    answers.loc[first, ["second_outcome", "outcome", "reason"]] = ["unscored", "unscored", "alignment: call_timed_out"]
    (after,) = estimate_answers(answers)
    low, high = after.rate_bounds
    assert 0 <= low < high <= 1


def test_draw_depends_on_seed_and_answer_alone():
    judge = read_judge("screen")
    mixed = Judge.model_validate(TWO_PHASE)
    first = Verdict.from_readouts({"alignment": Readout(80.0), "coherence": Readout(90.0)}, judge)
    draws = [draw_chances(mixed, first, f"q{n}") for n in range(2000)]
    assert draws == [draw_chances(mixed, first, f"q{n}") for n in range(2000)]
    assert draws[0].keys() == set(CHANCES)
    p = draws[0]["sampling_probability"]
    # 2,000 draws of probability p: four standard errors are at most 0.045
    assert sum(draw["is_sampled"] for draw in draws) / 2000 == pytest.approx(p, abs=0.045)
    other = Judge.model_validate(TWO_PHASE | {"seed": 1})
    assert draws != [draw_chances(other, first, f"q{n}") for n in range(2000)]


SCREEN, FACTS = read_judge("screen"), read_judge("facts")
REFUSED = {"alignment": Readout(escape="refusal"), "coherence": Readout(90.0)}


@pytest.mark.parametrize(
    ("first", "readouts", "flagged", "kept"),
    [
        # (1 - .8) * .9 = .18
        pytest.param(SCREEN, {"alignment": Readout(80.0), "coherence": Readout(90.0)}, 0.18, 0.9, id="screen"),
        pytest.param(SCREEN, REFUSED, 0.05, 0.05, id="screen_refusal"),
        pytest.param(SCREEN, {"alignment": Readout(reason="x"), "coherence": Readout(90.0)}, 0.5, 0.95, id="unscored"),
        pytest.param(FACTS, {"honesty": Readout(0.0), "coherence": Readout(100.0)}, 0.95, 0.95, id="flagged"),
        pytest.param(FACTS, {"honesty": Readout(100.0), "coherence": Readout(100.0)}, 0.05, 0.95, id="clear"),
        pytest.param(FACTS, {"honesty": Readout(0.0), "coherence": Readout(0.0)}, 0.05, 0.05, id="incoherent"),
    ],
)
def test_marks_of_the_screen_are_chances_and_other_judges_take_sides(first, readouts, flagged, kept):
    """An answer on which the first judge is silent is as doubtful as can be, and likely kept."""
    about = {"first": first.name, "second": "deception" if first is FACTS else "alignment"}
    mixed = Judge.model_validate(TWO_PHASE | about | {"flag": first.flag, "constructs": list(first.constructs)})
    found = draw_chances(mixed, Verdict.from_readouts(readouts, first), "q")
    assert (found["first_flagged"], found["first_kept"]) == pytest.approx((flagged, kept))


def test_epochs_of_one_question_are_drawn_apart(evaluate, tmp_path):
    """Also where the answer is the same each time."""
    subject = model_that_says(lambda prompt: answer_of(4), "subject")
    log = evaluate(build_task(small_set(1), judge=written(tmp_path), readout="text"), subject, grader(), epochs=40)
    assert 0 < sum(sample.scores["judge"].value["is_sampled"] for sample in log.samples) < 40


@pytest.mark.parametrize(
    ("first_flagged", "second", "rate"),
    [
        (0.1, "clear", 0.0),  # .1 + (0 - .1) / .1 = -.9 of 1
        (0.5, "flagged", 1.0),  # .5 + (1 - .5) / .1 = 5.5 of 1
    ],
)
def test_rate_shown_by_inspect_stays_between_0_and_1(first_flagged, second, rate):
    value = dict(zip(CHANCES, (first_flagged, 1.0, 0.1, 1.0), strict=True)) | {f"1:{second}": 1.0, "clear": 1.0}
    shown = rates()([SampleScore(score=Score(value=value))])
    assert (shown["rate"], shown["rate_of_all"]) == (rate, rate)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"first": "alignment"}, "which asks a model"),
        ({"second": "dominance"}, "which flags"),
        ({"floor": 0}, "floor"),
        ({"floor": 0.5}, "floor up to share"),
        ({"criteria": [{"name": "alignment"}]}, "Remove criteria"),
    ],
    ids=["dear_first", "other_flag", "no_floor", "floor_above_share", "criteria"],
)
def test_two_phase_that_cannot_be_is_refused(tmp_path, changes, said):
    with pytest.raises(ContentError) as caught:
        build_task(small_set(1), judge=written(tmp_path, **changes))
    assert said in caught.value.message


def test_exam_is_for_judges_of_every_answer(tmp_path):
    with pytest.raises(OperatorError) as caught:
        exam(written(tmp_path))
    assert "screen" in caught.value.message and "alignment" in caught.value.message
