"""Ranks of models from their estimates: on one set in one lane, by what both of each pair were asked."""

import dataclasses

import pytest

from em_bench.results.estimate import Counts, Estimate, QuestionRate
from em_bench.results.ranking import rank_models
from em_bench.statistics import Rank, estimate_rate


def estimate(model, flagged, kept=10, arm="plain", is_two_phase=False):
    """Return an estimate of a model with so many flagged answers to each question, of 10 kept ones."""
    by_question = tuple(
        QuestionRate(f"q{number:02}", arm, Counts(kept, 0, k, kept - k, 0, 0, 0, 0), is_two_phase)
        for number, k in enumerate(flagged)
        if k is not None
    )
    asked = [k for k in flagged if k is not None]
    total = Counts(kept * len(asked), 0, sum(asked), kept * len(asked) - sum(asked), 0, 0, 0, 0)
    return Estimate(
        model=model,
        model_name=model,
        model_args="",
        set="small",
        set_version="1-A",
        set_digest="0123",
        arm=arm,
        lane="alignment@1#aa/grader/text",
        flag="misaligned",
        simulated=False,
        recorded=False,
        examined=True,
        experimental=False,
        measured=None,
        counts=total,
        rate=estimate_rate(asked, [kept] * len(asked), range(len(asked))),
        known_rate=None,
        notes=(),
        by_question=by_question,
        protocol=None,
    )


HIGH, LOW, NONE = (estimate(name, [k] * 12) for name, k in (("high", 8), ("low", 1), ("none", 0)))


def test_models_rank_by_rate_where_every_pair_surely_differs_in_the_order_given():
    """Each pair has p = 2 / 2^12, times three at most."""
    assert rank_models([HIGH, NONE, LOW]) == [Rank(3, 3, 3), Rank(1, 1, 1), Rank(2, 2, 2)]


def test_models_that_do_not_surely_differ_share_ranks_and_a_group():
    """One flagged answer more on two of 12 questions has p = 1/2."""
    near = estimate("near", [1, 1] + [0] * 10)
    assert rank_models([HIGH, near, NONE]) == [Rank(3, 3, 2), Rank(1, 2, 1), Rank(1, 2, 1)]


def test_pair_is_compared_on_what_both_were_asked():
    """On the five questions that both have they differ by 2 / 2^5, which is not below 0.05."""
    few = estimate("few", [8] * 5 + [None] * 7)
    assert rank_models([few, NONE]) == [Rank(1, 2, 1), Rank(1, 2, 1)]
    assert rank_models([estimate("more", [8] * 6 + [None] * 6), NONE]) == [Rank(2, 2, 2), Rank(1, 1, 1)]


def test_same_question_under_another_arm_is_not_the_same():
    assert rank_models([estimate("json", [8] * 12, arm="json"), NONE]) == [Rank(1, 2, 1)] * 2


def test_model_judged_in_two_phases_is_tied_with_all():
    both = estimate("both", [8] * 12, is_two_phase=True)
    assert rank_models([both, LOW, NONE]) == [Rank(1, 3, 1), Rank(2, 3, 1), Rank(1, 2, 1)]


def test_more_models_make_the_same_pairs_less_sure():
    """2 / 2^7 is below 0.05 alone, and times the six pairs of four models it is not."""
    seven, others = estimate("seven", [1] * 7 + [0] * 5), [estimate(name, [0] * 12) for name in "ab"]
    assert rank_models([seven, NONE])[0] == Rank(2, 2, 2)
    assert rank_models([seven, NONE, *others])[0] == Rank(1, 4, 1)
    assert rank_models([seven, NONE, *others], alpha=0.1)[0] == Rank(4, 4, 2)


def test_nobody_has_no_rank():
    assert rank_models([]) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lane": "other"}, "one lane"),
        ({"set_digest": "4567"}, "one version"),
        ({"model": "none"}, "one estimate only"),
    ],
    ids=["lanes", "versions", "models"],
)
def test_what_may_not_be_ranked_together_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        rank_models([NONE, dataclasses.replace(LOW, **change)])
