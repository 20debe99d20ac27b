"""Agreement of judges beyond chance, and the difference of their rates, with intervals over questions."""

import math

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from em_bench.statistics import cohen_kappa, difference_of_rates, gwet_ac1, measure_agreement, measure_alpha

PAIRS = {
    "four": ("aabb", "aaab"),
    "ten in five categories": ("abccbadabe", "abccbbdabe"),
    "twelve in five categories": ("aaabbccdabae", "aabbbcadaece"),
    "a hundred, two rarely": ("b" * 2 + "a" * 98, "b" + "a" * 97 + "b" * 2),
}

IRRCAC = {
    "four": 0.52941176,
    "ten in five categories": 0.87673344,
    "twelve in five categories": 0.59018143,
    "a hundred, two rarely": 0.96846255,
}
"""AC1 by irrCAC 0.4.4 (Python), `CAC(table, digits=8).gwet()`, run 2026-11."""


@pytest.mark.parametrize("name", PAIRS)
def test_ac1_is_that_of_irrcac(name):
    assert gwet_ac1(*PAIRS[name]) == pytest.approx(IRRCAC[name], abs=1e-8)


def test_coefficients_of_four_answers_by_hand():
    """Judges say a a b b and a a a b: they agree on 3 of 4.

    κ: by chance 1/2 · 3/4 + 1/2 · 1/4 = 1/2, so (3/4 - 1/2) / (1/2) = 1/2.
    AC1: a's mean share is 5/8, by chance 2 · 5/8 · 3/8 = 15/32, so (24 - 15) / (32 - 15) = 9/17.
    α: of 8 ratings 5 are a; 1 - (8 - 1) · 2 / (2 · 5 · 3) = 8/15.
    """
    found = measure_agreement("aabb", "aaab", range(4))
    assert (found.n_answers, found.n_questions, found.share.value) == (4, 4, 0.75)
    values = [found.kappa.value, found.ac1.value, found.alpha.value]
    assert values == pytest.approx([1 / 2, 9 / 17, 8 / 15])


@pytest.mark.parametrize("name", PAIRS)
def test_kappa_and_alpha_are_those_of_the_libraries(name):
    first, second = PAIRS[name]
    found = measure_agreement(first, second, range(len(first)))
    data = [[ord(each) for each in judge] for judge in (first, second)]
    assert found.kappa.value == cohen_kappa(first, second) == cohen_kappa_score(list(first), list(second))
    assert found.alpha.value == pytest.approx(krippendorff.alpha(data, level_of_measurement="nominal"))


def test_ac1_stays_high_where_kappa_falls_for_a_rare_category():
    """97 of 100 alike and one category rare: the paradox for which AC1 was made."""
    first, second = PAIRS["a hundred, two rarely"]
    assert cohen_kappa(first, second) < 0.4
    assert gwet_ac1(first, second) > 0.9


def test_alpha_of_three_judges_with_gaps_is_that_of_the_library():
    """An answer with one rating alone counts for nothing."""
    nan = math.nan
    ratings = np.array([[1, 1, nan], [2, 2, 3], [3, 3, 3], [nan, 1, 2], [nan, nan, 1], [4, 4, 4], [1, nan, 1.0]])
    for scale in ("nominal", "interval"):
        expected = krippendorff.alpha(ratings.T, level_of_measurement=scale)
        assert measure_alpha(ratings, range(7), scale=scale).value == pytest.approx(expected)


marks = st.lists(st.lists(st.integers(0, 100), min_size=2, max_size=3), min_size=2, max_size=12)


@given(marks)
def test_alpha_of_marks_is_that_of_the_library(given_marks):
    ratings = np.full((len(given_marks), 3), math.nan)
    for row, found in zip(ratings, given_marks, strict=True):
        row[: len(found)] = found
    value = measure_alpha(ratings, range(len(ratings)), scale="interval").value
    if np.nanmin(ratings) == np.nanmax(ratings):
        assert math.isnan(value)
    else:
        assert value == pytest.approx(krippendorff.alpha(ratings.T, level_of_measurement="interval"), abs=1e-9)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc"), st.integers(0, 4)), min_size=1, max_size=40))
def test_coefficients_are_the_same_whoever_comes_first_and_hold_their_bounds(rows):
    first, second, questions = zip(*rows, strict=True)
    one, two = measure_agreement(first, second, questions), measure_agreement(second, first, questions)
    for name in ("share", "alpha", "kappa", "ac1"):
        here, there = getattr(one, name), getattr(two, name)
        assert here.value == pytest.approx(there.value, nan_ok=True)
        assert math.isnan(here.value) or -1 - 1e-9 <= here.value <= 1 + 1e-9
        assert here.interval is None or here.interval[0] < here.interval[1]


def test_full_agreement_is_one_without_an_interval():
    """Resampling cannot say how often two judges would differ that never did."""
    found = measure_agreement("abab", "abab", [0, 0, 1, 1])
    assert [found.alpha.value, found.kappa.value, found.ac1.value] == [1, 1, 1]
    assert found.ac1.interval is None
    assert "the same in every resample: no interval" in found.ac1.notes


def test_one_category_is_undefined_and_never_full_agreement():
    found = measure_agreement("aaa", "aaa", range(3))
    assert all(math.isnan(each.value) for each in (found.alpha, found.kappa, found.ac1))
    assert found.share.value == 1
    assert found.notes == ("one category only: chance agreement is total",)
    assert math.isnan(cohen_kappa("aa", "aa"))
    assert math.isnan(gwet_ac1("aa", "aa"))


def test_no_answer_is_undefined():
    found = measure_agreement([], [], [])
    assert (found.n_answers, found.notes) == (0, ("no answer to compare",))
    assert math.isnan(found.share.value)
    assert measure_alpha(np.empty((0, 2)), []).notes == ("no answer to compare",)
    assert math.isnan(cohen_kappa([], []))


def test_one_question_has_no_interval():
    found = measure_agreement("aabb", "aaab", ["q"] * 4)
    assert found.kappa.value == pytest.approx(0.5)
    assert found.kappa.interval is None
    assert found.notes == ("one question: no interval over questions like it",)


def test_coefficient_that_many_resamples_leave_undefined_has_no_interval():
    """All that either judge called b is on one question of ten: (9/10)^10 = 35 % of resamples lack it."""
    first, second = "b" * 3 + "a" * 27, "b" * 2 + "a" * 28
    found = measure_agreement(first, second, [i // 3 for i in range(30)])
    assert found.kappa.interval is None
    assert found.kappa.notes[0].startswith("undefined in ")


def test_same_input_gives_the_same_interval():
    questions = [i % 10 for i in range(100)]
    first, second = PAIRS["a hundred, two rarely"]
    assert measure_agreement(first, second, questions) == measure_agreement(first, second, questions)


def experiment(rng, n_questions, n_answers=20):
    """Return what two judges say of answers whose rate, and whose difficulty, differ between questions."""
    rate, found, wrong = rng.beta(0.5, 2, n_questions), rng.beta(6, 2, n_questions), rng.beta(1, 30, n_questions)
    size = (n_questions, n_answers)
    is_bad = rng.random(size) < rate[:, None]
    one = rng.random(size) < np.where(is_bad, 0.95, 0.02)
    two = rng.random(size) < np.where(is_bad, found[:, None], wrong[:, None])
    return one.ravel(), two.ravel(), np.repeat(np.arange(n_questions), n_answers)


def words(flags):
    return np.where(flags, "flagged", "clear")


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """24 questions, 200 experiments, truth from 3,000: noise is 1.5 points, and none may fall below 90 %."""
    one, two, question = experiment(np.random.default_rng(99), 3_000)
    truth = measure_agreement(words(one), words(two), question)
    gap = two.mean() - one.mean()
    rng, held = np.random.default_rng(7), []
    for _ in range(200):
        one, two, question = experiment(rng, 24)
        found = measure_agreement(words(one), words(two), question)
        difference = difference_of_rates(np.stack([one, two], axis=1), np.ones((len(one), 2)), question)
        pairs = [(getattr(found, name).interval, getattr(truth, name).value) for name in ("alpha", "kappa", "ac1")]
        held.append([low <= value <= high for (low, high), value in [*pairs, (difference.interval, gap)]])
    assert np.mean(held, axis=0).min() >= 0.90


def test_interval_counts_questions_and_not_answers():
    """Each answer ten times over says nothing new."""
    one, two, question = experiment(np.random.default_rng(1), 12)
    once = measure_agreement(words(one), words(two), question).kappa
    tenfold = measure_agreement(words(np.tile(one, 10)), words(np.tile(two, 10)), np.tile(question, 10)).kappa
    assert tenfold.interval == pytest.approx(once.interval)


def test_difference_of_rates_by_hand():
    """Two questions of two answers; first flags 1 of 4, second 2 of 4, both more on the first question.

    Residuals: question 0: (2 - 0.5 · 2) / 4 - (1 - 0.25 · 2) / 4 = 0.125; question 1: -0.125.
    Variance 2/1 · 2 · 0.125² = 0.0625, error 0.25; t with 1 degree is 12.706: the interval is all of -1 to 1.
    At level 0.5 t is 1: 0.25 ± 0.25.
    """
    flagged = [[1, 1], [0, 1], [0, 0], [0, 0]]
    found = difference_of_rates(flagged, np.ones((4, 2)), [0, 0, 1, 1])
    assert (found.rates, found.difference, found.interval) == ((0.25, 0.5), 0.25, (-1.0, 1.0))
    narrow = difference_of_rates(flagged, np.ones((4, 2)), [0, 0, 1, 1], level=0.5)
    assert narrow.interval == pytest.approx((0.0, 0.5), abs=1e-9)


def test_each_rate_is_over_what_its_own_judge_kept():
    found = difference_of_rates([[1, 1], [0, 0]], [[1, 1], [1, 0]], [0, 1])
    assert (found.n_kept, found.n_flagged, found.difference) == ((2, 1), (1, 1), 0.5)


@pytest.mark.parametrize(
    ("flagged", "kept", "question", "note"),
    [
        ([[0, 0], [0, 0]], [[1, 0], [1, 0]], [0, 1], "a judge kept no answer: no difference"),
        ([[0, 1], [0, 0]], [[1, 1], [1, 1]], [0, 0], "one question: no interval over questions like it"),
        ([[0, 0], [0, 0]], [[1, 1], [1, 1]], [0, 1], "the same on every question: no interval"),
    ],
    ids=["nothing kept", "one question", "no spread"],
)
def test_difference_without_an_interval_says_why(flagged, kept, question, note):
    found = difference_of_rates(flagged, kept, question)
    assert (found.interval, found.notes) == (None, (note,))


def test_difference_of_what_is_flagged_and_not_kept_is_refused():
    with pytest.raises(ValueError, match="flagged must be kept"):
        difference_of_rates([[1, 0]], [[0, 1]], [0])
