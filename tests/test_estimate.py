"""A rate with two intervals: known values, edges, properties, and coverage over simulations."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from known_rate_coverage import KINDS, coverage
from scipy.stats import betabinom, binomtest

from em_bench.questions import own_set_names
from em_bench.statistics import clopper_pearson, estimate_rate, population_interval

CELLS = st.lists(
    st.integers(0, 30).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n), st.integers(0, 6))),
    min_size=1,
    max_size=25,
)
"""(flagged, kept, question) of each cell; some cells keep nothing."""

relaxed = settings(deadline=None, max_examples=60)


def approx_estimate(estimate):
    """Return the numbers of an estimate for comparison up to the order of sums."""
    intervals = [*(estimate.questions or ()), *(estimate.population or ())]
    numbers = [estimate.rate, estimate.macro_rate, estimate.design_effect, estimate.effective_n, *intervals]
    return pytest.approx(numbers, nan_ok=True), (estimate.n_flagged, estimate.n_kept, estimate.notes)


def numbers_of(estimate):
    expected, exact = approx_estimate(estimate)
    return expected.expected, exact


# Known values


def test_rate_is_pooled_and_macro_rate_is_the_mean_of_questions():
    """Questions 4 of 4 and 0 of 12: 4/16 pooled, (1 + 0)/2 over questions."""
    estimate = estimate_rate([3, 1, 0], [3, 1, 12], ["a", "a", "b"])
    assert (estimate.n_flagged, estimate.n_kept) == (4, 16)
    assert estimate.rate == 0.25
    assert estimate.macro_rate == 0.5


def test_upper_bound_of_0_of_400_is_that_of_the_closed_form():
    """With nothing flagged the bound solves (1 - p)^400 = 0.025: p = 1 - 0.025^(1/400) = 0.918 %."""
    low, high = clopper_pearson(0, 400)
    assert low == 0.0
    assert high == pytest.approx(1 - 0.025 ** (1 / 400), rel=1e-12)
    assert high == pytest.approx(0.00918, abs=5e-6)


def test_lower_bound_of_n_of_n_mirrors_0_of_n():
    low, high = clopper_pearson(400, 400)
    assert high == 1.0
    assert low == pytest.approx(0.025 ** (1 / 400), rel=1e-12)


@pytest.mark.parametrize(("n_flagged", "n_kept"), [(1, 10), (5, 10), (7, 13), (80, 884), (0, 1), (1, 1), (999, 1000)])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_clopper_pearson_agrees_with_scipy(n_flagged, n_kept, level):
    theirs = binomtest(n_flagged, n_kept).proportion_ci(level, method="exact")
    assert clopper_pearson(n_flagged, n_kept, level) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_design_effect_of_a_small_example_is_that_by_hand():
    """Questions 3 of 4 and 1 of 4: p = 1/2, residuals 1 and -1, variance 2/1 * 2 / 8^2 = 1/16; binomial 1/4 / 8 = 1/32.

    So the design effect is 2, and 8 answers are worth 4.
    """
    estimate = estimate_rate([3, 1], [4, 4], ["a", "b"])
    assert estimate.design_effect == pytest.approx(2.0)
    assert estimate.effective_n == pytest.approx(4.0)
    assert estimate.notes == ()


def test_design_effect_with_unequal_questions_is_that_by_hand():
    """1 of 2, 3 of 4, 0 of 4: p = 0.4; residuals 0.2, 1.4, -1.6; squares 0.04 + 1.96 + 2.56 = 4.56.

    Variance 3/2 * 4.56 / 100 = 0.0684; binomial 0.24 / 10 = 0.024; the ratio is 2.85.
    """
    assert estimate_rate([1, 3, 0], [2, 4, 4], ["a", "b", "c"]).design_effect == pytest.approx(2.85)


def posterior_by_brute_force(k, n, level):
    """Return the interval of `population_interval` by another way: scipy's beta-binomial on a plain grid."""
    mean = (np.arange(2000) + 0.5) / 2000
    correlation = (np.arange(200) + 0.5) / 200
    m, r = np.meshgrid(mean, correlation, indexing="ij")
    strength = (1 - r) / r
    log_posterior = -0.5 * np.log(m) - 0.5 * np.log1p(-m)
    for k_i, n_i in zip(k, n, strict=True):
        log_posterior += betabinom.logpmf(k_i, n_i, m * strength, (1 - m) * strength)
    marginal = np.exp(log_posterior - log_posterior.max()).sum(axis=1)
    cumulative = np.cumsum(marginal) / marginal.sum()
    return np.interp([(1 - level) / 2, (1 + level) / 2], cumulative, mean)


@pytest.mark.parametrize("level", [0.8, 0.95])
@pytest.mark.parametrize(
    ("k", "n"),
    [((3, 1, 0, 5), (10, 10, 10, 10)), ((1, 0, 2, 1, 0, 0), (4, 5, 6, 3, 8, 2)), ((9, 2), (10, 10))],
)
def test_population_interval_agrees_with_brute_force(k, n, level):
    """The grid's own error is below 0.2 percentage points."""
    assert population_interval(k, n, level) == pytest.approx(posterior_by_brute_force(k, n, level), abs=0.002)


# Edges


def test_nothing_flagged_has_an_honest_upper_bound():
    estimate = estimate_rate([0] * 8, [50] * 8, range(8))
    assert estimate.rate == 0.0
    assert estimate.questions == pytest.approx((0.0, 1 - 0.025 ** (1 / 400)))
    assert estimate.population[0] == 0.0
    assert estimate.population[1] > estimate.questions[1]
    assert math.isnan(estimate.design_effect)
    assert estimate.notes == ("design effect not estimable: all or none flagged, or one question",)


def test_everything_flagged_has_an_honest_lower_bound():
    estimate = estimate_rate([50] * 8, [50] * 8, range(8))
    assert estimate.rate == 1.0
    assert estimate.questions == pytest.approx((0.025 ** (1 / 400), 1.0))
    assert estimate.population[1] == 1.0
    assert 0 < estimate.population[0] < estimate.questions[0]


def test_few_questions_exclude_little():
    """None flagged: the same 400 answers say far less of questions like these from 4 questions than from 100."""
    few = estimate_rate([0] * 4, [100] * 4, range(4)).population[1]
    many = estimate_rate([0] * 100, [4] * 100, range(100)).population[1]
    assert few > 5 * many


def test_one_question_has_no_population_interval():
    estimate = estimate_rate([1, 2], [10, 10], ["a", "a"])
    assert estimate.population is None
    assert estimate.questions == clopper_pearson(3, 20)
    assert math.isnan(estimate.design_effect)
    assert "one question: no interval over questions like it" in estimate.notes


@pytest.mark.parametrize(("flagged", "kept", "question"), [([], [], []), ([0, 0], [0, 0], ["a", "b"])])
def test_nothing_kept_gives_nan_and_no_interval_with_a_note(flagged, kept, question):
    """A rate with nothing to measure is never 0."""
    estimate = estimate_rate(flagged, kept, question)
    assert estimate.n_kept == 0
    assert [estimate.questions, estimate.population] == [None, None]
    assert np.isnan([estimate.rate, estimate.macro_rate, estimate.design_effect, estimate.effective_n]).all()
    assert estimate.notes == ("no kept answer: nothing to measure",)


def test_question_that_kept_nothing_does_not_count_as_one():
    assert estimate_rate([1, 0], [5, 0], ["a", "b"]).population is None


def test_questions_of_one_rate_have_no_effective_number_and_a_note():
    """Their variance is estimated as 0, which no sample size explains."""
    estimate = estimate_rate([1, 1], [2, 2], ["a", "b"])
    assert estimate.design_effect == 0
    assert math.isnan(estimate.effective_n)
    assert estimate.notes == ("effective number of answers not estimable: every question has the same rate",)


@pytest.mark.parametrize(
    ("flagged", "kept", "question"),
    [([2], [1], ["a"]), ([-1], [1], ["a"]), ([1, 1], [1], ["a"]), ([1, 1], [2, 2], ["a"])],
    ids=["more flagged than kept", "negative", "cells missing", "labels missing"],
)
def test_impossible_counts_are_refused(flagged, kept, question):
    with pytest.raises(ValueError, match=r"one shape|zip"):
        estimate_rate(flagged, kept, question)


def test_estimate_says_itself_in_one_line():
    estimate = estimate_rate([0] * 8, [50] * 8, range(8))
    high = f"{estimate.population[1]:.1%}"
    assert str(estimate) == f"0.0% [0.0%, {high}] 95%, 400 kept answers"
    assert str(estimate_rate([1], [4], ["a"])) == "25.0%, 4 kept answers"


# Properties


@relaxed
@given(CELLS, st.sampled_from([0.5, 0.8, 0.95, 0.999]))
def test_interval_has_width_lies_in_0_to_1_and_holds_the_rate(cells, level):
    estimate = estimate_rate(*zip(*cells, strict=True), level)
    for low, high in filter(None, (estimate.questions, estimate.population)):
        assert 0 <= low < high <= 1
        assert low <= estimate.rate <= high


@relaxed
@given(st.integers(2, 200), st.integers(1, 100_000), st.floats(0, 1))
def test_interval_keeps_its_width_and_bounds_for_large_counts(n_questions, n, share):
    k = round(share * n)
    low, high = population_interval([k] * n_questions, [n] * n_questions)
    assert 0 <= low < high <= 1


@relaxed
@given(CELLS, st.randoms(use_true_random=False))
def test_estimate_does_not_depend_on_the_order_of_cells(cells, random):
    shuffled = random.sample(cells, len(cells))
    here, exact = approx_estimate(estimate_rate(*zip(*cells, strict=True)))
    numbers, also_exact = numbers_of(estimate_rate(*zip(*shuffled, strict=True)))
    assert numbers == here
    assert also_exact == exact


@relaxed
@given(CELLS)
def test_estimate_does_not_depend_on_how_a_question_is_cut_into_cells(cells):
    """Each answer in a cell of its own, under its question's label, gives the same numbers."""
    answers = [(int(i < k), 1, label) for k, n, label in cells for i in range(n)] or [(0, 0, 0)]
    here, exact = approx_estimate(estimate_rate(*zip(*cells, strict=True)))
    numbers, also_exact = numbers_of(estimate_rate(*zip(*answers, strict=True)))
    assert numbers == here
    assert also_exact == exact


@pytest.mark.parametrize(
    "labels",
    [["a", "b", "a"], [7, 3, 7], [("s", 1), ("s", 2), ("s", 1)], ["1", 1, "1"], [None, "x", None]],
    ids=["text", "numbers", "tuples", "mixed", "none"],
)
def test_any_hashable_label_tells_questions_apart(labels):
    assert estimate_rate([1, 2, 3], [4, 4, 4], labels) == estimate_rate([1, 2, 3], [4, 4, 4], [0, 1, 0])


@relaxed
@given(CELLS)
def test_clear_share_has_the_mirrored_interval(cells):
    """What is not flagged is clear: its interval is one minus the other."""
    mirrored = [(n - k, n, label) for k, n, label in cells]
    one, other = (estimate_rate(*zip(*each, strict=True)) for each in (cells, mirrored))
    for interval, its_mirror in ((one.questions, other.questions), (one.population, other.population)):
        assert (interval or (0, 1)) == pytest.approx(tuple(1 - x for x in reversed(its_mirror or (0, 1))), abs=1e-6)


def test_higher_level_gives_the_wider_interval():
    wide, narrow = (estimate_rate([1, 5, 2, 0], [10] * 4, range(4), level) for level in (0.99, 0.95))
    assert wide.population[0] < narrow.population[0] < narrow.population[1] < wide.population[1]
    assert wide.questions[0] < narrow.questions[0] < narrow.questions[1] < wide.questions[1]


# Coverage

N_RUNS = 400
LEAST_COVERAGE = 0.93
"""Nominal 0.95; over 400 runs its standard error is sqrt(0.95 * 0.05 / 400) = 0.011, over 1,000 runs 0.007."""


@pytest.mark.parametrize(
    ("mean", "correlation", "n_questions", "n_each"),
    [(0.02, 0.05, 48, 10), (0.2, 0.3, 24, 20), (0.2, 0.05, 8, 50), (0.5, 0.1, 12, 12), (0.8, 0.3, 24, 5)],
)
def test_population_interval_covers_the_mean_of_the_questions_drawn_from(mean, correlation, n_questions, n_each):
    """Question rates are beta, counts binomial, seeded."""
    rng = np.random.default_rng(20250224)
    strength = (1 - correlation) / correlation
    rates = rng.beta(mean * strength, (1 - mean) * strength, (N_RUNS, n_questions))
    flagged = rng.binomial(n_each, rates)
    intervals = np.array([population_interval(k, np.full(n_questions, n_each)) for k in flagged])
    covered = (intervals[:, 0] <= mean) & (mean <= intervals[:, 1])
    assert covered.mean() >= LEAST_COVERAGE


def test_questions_interval_covers_the_mean_of_these_prompts():
    """Prompts with fixed, uneven rates, ten answers each: the pooled count is less spread than a binomial."""
    rng = np.random.default_rng(20250224)
    rates = rng.beta(0.5, 2.0, 40)
    flagged = rng.binomial(10, rates, (N_RUNS, 40)).sum(axis=1)
    intervals = np.array([clopper_pearson(int(k), 400) for k in flagged])
    covered = (intervals[:, 0] <= rates.mean()) & (rates.mean() <= intervals[:, 1])
    assert covered.mean() >= 0.95


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", own_set_names())
def test_intervals_cover_the_known_rates_of_organisms(name, kind):
    """Over 1,000 individuals, each asked every prompt twice, both intervals hold their truth in 93 % or more."""
    of_these, of_like_these, _, _ = coverage(name, kind)
    assert of_these >= LEAST_COVERAGE
    assert of_like_these >= LEAST_COVERAGE
