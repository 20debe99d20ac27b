"""Differences of two models and of groups of seeds: known values, edges, properties."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from em_bench.statistics import difference_of_groups, difference_of_models, estimate_rate

ONE_SIDE = st.integers(0, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
CELLS = st.lists(st.tuples(ONE_SIDE, ONE_SIDE, st.integers(0, 5)), min_size=1, max_size=16)
"""((flagged, kept) of the candidate, of the baseline, question) of each cell; some keep nothing."""

relaxed = settings(deadline=None, max_examples=40)


def columns(cells):
    """Return the arguments of `difference_of_models`."""
    (k1, n1), (k0, n0) = ([[side[i] for side in sides] for i in (0, 1)] for sides in list(zip(*cells, strict=True))[:2])
    return (k1, n1), (k0, n0), [cell[2] for cell in cells]


def bounds(found):
    return [*(found.questions or (math.nan,) * 2), *(found.population or (math.nan,) * 2)]


# Known values


def test_rates_and_difference_are_of_sums_over_shared_cells():
    """Candidate 3 of 8, baseline 1 of 10: 0.375 - 0.1 = 0.275."""
    found = difference_of_models(([1, 2], [4, 4]), ([0, 1], [4, 6]), ["a", "b"])
    assert (found.n_flagged, found.n_kept) == ((3, 1), (8, 10))
    assert found.rates == (0.375, 0.1)
    assert found.difference == pytest.approx(0.275)
    assert (found.n_cells, found.n_questions, found.n_unmatched) == (2, 2, 0)


def test_interval_over_these_questions_adds_squared_distances_of_both_limits():
    """Newcombe's method 10: d - sqrt((p1 - l1)² + (u0 - p0)²) to d + sqrt((u1 - p1)² + (p0 - l0)²)."""
    k1, k0, n, question = [3, 4, 0, 1], [0, 1, 0, 1], [5, 5, 5, 5], list("abcd")
    one, two = (estimate_rate(k, n, question).questions for k in (k1, k0))
    found = difference_of_models((k1, n), (k0, n), question)
    low = 0.3 - math.sqrt((0.4 - one[0]) ** 2 + (two[1] - 0.1) ** 2)
    high = 0.3 + math.sqrt((one[1] - 0.4) ** 2 + (0.1 - two[0]) ** 2)
    assert found.questions == pytest.approx((low, high))


def test_nothing_flagged_on_either_side_leaves_open_what_each_rate_does():
    """0 of n v 0 of n: limits are the upper limits of the two rates."""
    zero, n, question = [0] * 8, [4] * 8, range(8)
    found = difference_of_models((zero, n), (zero, n), question)
    rate = estimate_rate(zero, n, question)
    assert found.difference == 0
    assert found.questions == pytest.approx((-rate.questions[1], rate.questions[1]))
    assert found.population == pytest.approx((-rate.population[1], rate.population[1]))
    assert (found.p_value("questions"), found.p_value("population")) == (1, 1)
    assert math.isnan(found.correlation)


def test_interval_over_questions_like_these_is_never_narrower_than_paired_t():
    """Equal counts: the t interval of the mean difference of question rates (scipy)."""
    k1, k0 = np.array([9, 8, 10, 2, 7, 9]), np.array([5, 6, 7, 1, 4, 2])
    t = stats.ttest_rel(k1 / 10, k0 / 10).confidence_interval()
    found = difference_of_models((k1, [10] * 6), (k0, [10] * 6), range(6))
    assert found.population[0] <= t.low + 1e-12
    assert found.population[1] >= min(t.high, 1) - 1e-12


def test_correlation_is_that_of_question_rates_where_all_keep_the_same():
    k1, k0 = np.array([9, 8, 10, 2, 7, 9]), np.array([5, 6, 7, 1, 4, 2])
    found = difference_of_models((k1, [10] * 6), (k0, [10] * 6), range(6))
    assert found.correlation == pytest.approx(np.corrcoef(k1, k0)[0, 1])


def test_interval_over_questions_like_these_takes_off_what_the_questions_share():
    """MOVER of the two population intervals, less 2 r s1 s0: s is the quadratic mean of a rate's two distances, r the
    correlation of question rates less one standard error of Fisher's z, 1 / sqrt(25 - 3).
    """
    k1, k0, n, question = [18, 3, 5, 9, 1] * 5, [6, 1, 9, 0, 1] * 5, [20] * 25, range(25)
    found, (one, two) = (
        difference_of_models((k1, n), (k0, n), question),
        [estimate_rate(k, n, question) for k in (k1, k0)],
    )
    below1, above1, below0, above0 = (
        abs(limit - each.rate) for each in (one, two) for limit in (each.population or (math.nan, math.nan))
    )
    r = math.tanh(math.atanh(np.corrcoef(k1, k0)[0, 1]) - 1 / math.sqrt(22))
    shared = 2 * r * math.sqrt((below1**2 + above1**2) / 2 * (below0**2 + above0**2) / 2)
    reach = [math.sqrt(below1**2 + above0**2 - shared), math.sqrt(above1**2 + below0**2 - shared)]
    assert found.population == pytest.approx((found.difference - reach[0], found.difference + reach[1]))


def test_what_two_models_find_hard_alike_makes_the_interval_narrower():
    """The same rates on each side; first the baseline's questions go with the candidate's, then against them."""
    k1, n = [10] * 4 + [1] * 20, [20] * 24
    alike = difference_of_models((k1, n), ([5] * 4 + [0] * 20, n), range(24))
    against = difference_of_models((k1, n), ([0] * 20 + [5] * 4, n), range(24))
    assert alike.rates == against.rates
    assert alike.population[0] > against.population[0]
    assert alike.population[1] < against.population[1]


def test_p_value_over_these_questions_is_where_the_interval_begins_to_leave_out_zero():
    n = [10] * 8
    cells = ([3, 2, 4, 3, 1, 2, 0, 3], n), ([0, 0, 1, 0, 0, 0, 0, 0], n), range(8)
    p = difference_of_models(*cells).p_value("questions")
    assert 0 < p < 0.2
    assert difference_of_models(*cells, level=1 - p).questions[0] > 0
    assert difference_of_models(*cells, level=1 - 0.999 * p).questions[0] <= 0


def test_p_value_of_groups_is_where_the_interval_begins_to_leave_out_zero():
    n = np.full((5, 24), 10)
    cells = (np.repeat([[2], [4], [5], [3], [4]], 24, axis=1), n), (np.full((5, 24), 1), n), range(24)
    p = difference_of_groups(*cells).p_value("population")
    assert 0 < p < 0.2
    assert difference_of_groups(*cells, level=1 - p).population[0] > 0
    assert difference_of_groups(*cells, level=1 - 0.999 * p).population[0] <= 0


def test_p_value_over_questions_like_these_is_that_of_sign_flips_over_questions_not_prompts():
    """Four questions of two prompts each, all flagged more by the candidate: 2 / 2^4, whatever the interval says."""
    n = [5] * 8
    found = difference_of_models(([2, 1, 3, 0, 1, 1, 2, 2], n), ([0] * 8, n), list("aabbccdd"))
    assert found.p_value("population") == pytest.approx(1 / 8)
    assert found.to_dict()["p_value"]["population"] == found.p_value("population")


def test_candidate_flagged_all_over_differs_from_a_baseline_that_never_is():
    """24 questions, 20 answers to each, 6 %: p is small, and the interval still allows for what was not drawn."""
    n = [20] * 24
    found = difference_of_models(([1, 1, 2, 1, 0, 2, 1, 2] * 3, n), ([0] * 24, n), range(24))
    assert found.p_value("population") < 0.001
    assert found.population[0] < 0
    assert found.questions[0] > 0


# Edges


def test_cells_of_one_side_only_are_counted_noted_and_left_out():
    nan = math.nan
    found = difference_of_models(([2, 9, nan], [4, 9, nan]), ([1, nan, 0], [4, nan, 5]), ["a", "b", "c"])
    assert (found.n_flagged, found.n_kept, found.n_unmatched) == ((2, 1), (4, 4), 2)
    said = "2 prompts left out: 1 that only the candidate has, 1 that only the baseline has"
    assert said in found.notes


def test_one_question_has_no_interval_over_questions_like_it():
    found = difference_of_models(([2, 1], [4, 4]), ([1, 0], [4, 4]), ["a", "a"])
    assert found.population is None
    assert math.isnan(found.p_value("population"))
    assert found.questions is not None
    assert any("one question only" in note for note in found.notes)


def test_side_that_kept_answers_to_one_question_has_no_interval_over_questions_like_it():
    found = difference_of_models(([2, 0, 0], [4, 0, 0]), ([1, 0, 2], [4, 4, 4]), ["a", "b", "c"])
    assert found.population is None
    assert "in 2 shared prompts one side kept no answer: the other side's answers there count" in found.notes


def test_answers_that_lie_on_other_questions_are_noted():
    """The same rates on both questions, 0.1 and 0.5; the candidate has more answers to the second."""
    found = difference_of_models(([1, 20], [10, 40]), ([4, 5], [40, 10]), ["a", "b"])
    assert found.difference == pytest.approx(0.42 - 0.18)
    assert any(note.startswith("60% of the kept answers lie on other questions") for note in found.notes)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ((([0], [0]), ([1], [4]), "a"), "a model kept no answer on shared prompts"),
        ((([math.nan], [math.nan]), ([1], [4]), "a"), "no prompt that both were asked"),
        ((([], []), ([], []), []), "no prompt that both were asked"),
    ],
    ids=["nothing kept", "nothing shared", "nothing"],
)
def test_nothing_to_compare_is_no_number_with_the_reason(cells, said):
    found = difference_of_models(*cells)
    assert math.isnan(found.difference)
    assert (found.questions, found.population) == (None, None)
    assert math.isnan(found.p_value("questions"))
    assert any(said in note for note in found.notes)
    assert found.to_dict()["candidate_minus_baseline"] is None
    assert str(found) == "—"


@pytest.mark.parametrize(
    "cells",
    [(([3], [2]), ([0], [1]), "a"), (([-1], [2]), ([0], [1]), "a"), (([1, 1], [2, 2]), ([0], [1]), "a")],
    ids=["more flagged than kept", "negative", "shapes"],
)
def test_counts_that_cannot_be_are_refused(cells):
    with pytest.raises(ValueError, match="flagged and kept must have one shape"):
        difference_of_models(*cells)


def test_record_says_itself_in_one_line():
    cells = ([5] * 12, [10] * 12), ([0] * 12, [10] * 12)
    assert str(difference_of_models(*cells, range(12))).startswith("+50.0 points [+")
    assert str(difference_of_models(*cells, [0] * 12)).endswith("1 questions, these questions only")


# Groups of seeds


def test_groups_of_one_seed_each_are_two_models_with_a_note():
    k1, n, k0, question = [3, 2, 4, 3], [10] * 4, [0, 0, 1, 0], list("abcd")
    models, groups = (
        difference_of_models((k1, n), (k0, n), question),
        difference_of_groups(([k1], [n]), ([k0], [n]), question),
    )
    assert bounds(groups) == pytest.approx(bounds(models))
    assert [note for note in groups.notes if note.startswith("one seed of the")] == [
        "one seed of the candidate: how far seeds differ is unknown",
        "one seed of the baseline: how far seeds differ is unknown",
    ]


def test_seeds_that_differ_widen_both_intervals():
    """The same answers in all: seeds at 40 % each, then at 10, 40 and 70 %."""
    n, base, question = np.full((3, 30), 10), (np.full((1, 30), 1), np.full((1, 30), 10)), range(30)
    same = difference_of_groups((np.full((3, 30), 4), n), base, question)
    apart = difference_of_groups((np.repeat([[1], [4], [7]], 30, axis=1), n), base, question)
    assert same.difference == pytest.approx(apart.difference)
    assert apart.seed_rates[0] == pytest.approx((0.1, 0.4, 0.7))
    for name in ("questions", "population"):
        narrow, wide = getattr(same, name), getattr(apart, name)
        assert wide[0] < narrow[0]
        assert wide[1] > narrow[1]


def test_interval_over_seeds_is_never_narrower_than_t_over_them():
    """The baseline is one model that never flags, so that seeds alone vary: t with 4 degrees (scipy)."""
    k = np.repeat([[2], [3], [4], [5], [3]], 30, axis=1)
    t = stats.ttest_1samp([0.2, 0.3, 0.4, 0.5, 0.3], 0).confidence_interval()
    found = difference_of_groups((k, np.full((5, 30), 10)), (np.zeros((1, 30)), np.full((1, 30), 10)), range(30))
    for interval in (found.questions, found.population):
        assert interval[0] <= t.low + 1e-12
        assert interval[1] >= t.high - 1e-12


def test_few_clean_seeds_exclude_little():
    """Three seeds that never flag say less of a recipe than one says of itself, and ten say more than three."""
    one = np.zeros((1, 96)), np.full((1, 96), 10)
    upper = {}
    for n in (1, 3, 10):
        found = difference_of_groups((np.zeros((n, 96)), np.full((n, 96), 10)), one, range(96))
        upper[n] = found.population[1]
    assert upper[1] < upper[10] < upper[3] < 1


def test_cells_and_seeds_that_are_missing_in_a_group_are_noted():
    nan = math.nan
    k, n = [[1, nan, 2], [0, 1, nan], [0, 0, 0]], [[4, nan, 4], [4, 4, nan], [0, 0, 0]]
    found = difference_of_groups((k, n), ([[0, 0, 0]], [[4, 4, 4]]), ["a", "b", "c"])
    assert found.n_kept == (16, 12)
    assert "2 prompts not asked of every seed of the candidate" in found.notes
    assert "1 of 3 seeds of the candidate kept no answer and are left out" in found.notes


# Properties


@relaxed
@given(CELLS)
def test_exchanging_the_models_turns_the_sign(cells):
    (k1, n1), (k0, n0), question = columns(cells)
    one, two = difference_of_models((k1, n1), (k0, n0), question), difference_of_models((k0, n0), (k1, n1), question)
    assert one.difference == pytest.approx(-two.difference, nan_ok=True)
    low_q, high_q, low_p, high_p = bounds(one)
    assert bounds(two) == pytest.approx([-high_q, -low_q, -high_p, -low_p], nan_ok=True)


@relaxed
@given(CELLS)
def test_exchanging_flagged_and_clear_turns_the_sign(cells):
    (k1, n1), (k0, n0), question = columns(cells)
    clear = [np.subtract(n, k) for n, k in ((n1, k1), (n0, k0))]
    one = difference_of_models((k1, n1), (k0, n0), question)
    two = difference_of_models((clear[0], n1), (clear[1], n0), question)
    assert one.difference == pytest.approx(-two.difference, nan_ok=True)
    low_q, high_q, low_p, high_p = bounds(one)
    assert bounds(two) == pytest.approx([-high_q, -low_q, -high_p, -low_p], nan_ok=True, abs=1e-9)
    assert two.p_value("population") == pytest.approx(one.p_value("population"), nan_ok=True)


@relaxed
@given(CELLS)
def test_intervals_have_width_hold_the_difference_and_stay_within_minus_one_to_one(cells):
    found = difference_of_models(*columns(cells))
    for interval in (found.questions, found.population):
        if interval is not None:
            assert -1 <= interval[0] <= found.difference <= interval[1] <= 1
            assert interval[0] < interval[1]
    if found.population is not None:
        assert found.population[0] <= found.questions[0] + 1e-12
        assert found.population[1] >= found.questions[1] - 1e-12


@relaxed
@given(CELLS, st.randoms(use_true_random=False))
def test_order_of_cells_and_names_of_questions_do_not_matter(cells, random):
    shuffled = random.sample(cells, len(cells))
    (k1, n1), (k0, n0), question = columns(shuffled)
    one, two = (
        difference_of_models(*columns(cells)),
        difference_of_models((k1, n1), (k0, n0), [f"q{q}" for q in question]),
    )
    assert [one.difference, *bounds(one)] == pytest.approx([two.difference, *bounds(two)], nan_ok=True, abs=1e-9)


@relaxed
@given(CELLS)
def test_higher_level_is_wider(cells):
    """Over these questions it holds the narrower one; over questions like these it is longer (see `Contrast`)."""
    low, high = (difference_of_models(*columns(cells), level=level) for level in (0.8, 0.99))
    if low.questions is not None:
        assert high.questions[0] <= low.questions[0]
        assert high.questions[1] >= low.questions[1]
    if low.population is not None:
        assert high.population[1] - high.population[0] >= low.population[1] - low.population[0]
