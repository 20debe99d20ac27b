"""The benchmark of calls: its runs stop and show what the package says, and its screen is as good as the recorded."""

import json
import math

import numpy as np
import pytest
from conftest import ROOT
from fewer_calls import HABIT, Case, Shown, Way, least, taken
from fewer_calls_designs import AUC, CALIBRATED_AT, OVERSHOOT, connections, measure, screen_chances
from fewer_calls_summary import summary
from scipy.stats import mannwhitneyu

from em_bench.statistics import estimate_rate
from em_bench.statistics.sequential import kept_for_width, with_sequence

NEVER_FLAGGED = Case(1e-12, 0.1)


def test_stopping_nothing_flagged_stops_after_the_round_that_settles_it():
    """As many whole rounds of 20 as the package's own count takes, and what is then under way."""
    rounds = math.ceil(kept_for_width(0.1, 0.0) / 20)
    found = measure(Way("stopping", 20, 200, 0.1), NEVER_FLAGGED, n_runs=1)
    assert found.asked == found.judged == 20 * rounds + round(OVERSHOOT * connections(20))


def test_stopping_nothing_flagged_shows_what_results_would():
    rounds = math.ceil(kept_for_width(0.1, 0.0) / 20)
    fixed = estimate_rate([0] * 20, [rounds] * 20, range(20))
    low, high = with_sequence(fixed, 0, 20 * rounds, 0.1).population
    found = measure(Way("stopping", 20, 200, 0.1), NEVER_FLAGGED, n_runs=1)
    assert found.half_width == pytest.approx((high - low) / 2)


def test_stopping_plan_runs_out_counts_the_plan_and_no_more():
    assert measure(Way("stopping", 20, 2, 0.01), Case(0.2, 0.3), n_runs=5).asked == 40


def test_measure_error_is_that_of_clustered_answers():
    """Variance p (1 - p) (c + (1 - c) / n) / m = 0.16 (0.3 + 0.007) / 8 for 8 questions x 100."""
    found = measure(HABIT, Case(0.2, 0.3))
    assert found.error == pytest.approx(math.sqrt(0.16 * 0.307 / 8), rel=0.03)


def test_screen_chances_have_the_recorded_auc_and_are_calibrated_where_they_were():
    rng = np.random.default_rng(1)
    flagged = (rng.random(200_000) < CALIBRATED_AT).astype(float)
    chances = screen_chances(flagged, rng)
    bad, good = chances[flagged == 1], chances[flagged == 0]
    assert mannwhitneyu(bad, good).statistic / (bad.size * good.size) == pytest.approx(AUC, abs=0.005)
    assert chances.mean() == pytest.approx(CALIBRATED_AT, abs=0.002)


def test_taken_of_the_habit_is_two_judge_calls_an_answer():
    """1,600 judge calls, 20 at once, 2 s each: 160 s."""
    found = taken(HABIT, Shown(800, 800, 0.1, 1, 0.1))
    assert (found["subject_calls"], found["judge_calls"], found["seconds"]) == (800, 1600, 160)


def test_least_what_8_questions_cannot_show_is_none():
    """At the smallest width that 8 questions allow, 1 - 0.025 ** (1/8) if none is flagged."""
    assert least("field", NEVER_FLAGGED, 0.5 * (1 - 0.025 ** (1 / 8)) - 0.001, None) is None


def test_page_shows_what_was_measured():
    written = json.loads((ROOT / "benchmarks/fewer_calls.json").read_text("utf-8"))
    assert summary(written) in (ROOT / "benchmarks/fewer_calls.md").read_text("utf-8")
