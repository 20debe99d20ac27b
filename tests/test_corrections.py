"""Corrected rates beside the uncorrected: by the judge's card, by labels of people."""

import math

import pandas as pd
import pytest

from em_bench.judging.two_phase import CHANCES
from em_bench.results.answers import COLUMNS
from em_bench.results.estimates import estimate_answers

LANE = "facts@1-A#0/none"
RATER = "people@1-A/alice"


def table(outcomes: list[str], labels: dict[int, str], lane: str = LANE) -> pd.DataFrame:
    """Return an answers table: one lane with these outcomes, ten answers a question, and a rater's labels of some."""
    rows = []
    for of_lane, listed in ((lane, dict(enumerate(outcomes))), (RATER, labels)):
        for number, outcome in listed.items():
            row = dict.fromkeys(COLUMNS, "") | dict.fromkeys(CHANCES, math.nan)
            row |= {
                "model": "m", "set": "s", "set_digest": "d", "flag": "deceptive", "prompt": 0, "arm": "plain",
                "lane": of_lane, "recorded": False, "experimental": False, "measured": None, "reason": None,
                "note": None, "arm_digest": "a", "left_out": None, "question": f"q{number // 10}", "epoch": number % 10,
                "id": f"q{number // 10}/0", "outcome": outcome, "uuid": str(number),
            }  # fmt: skip
            rows.append(row)
    return pd.DataFrame(rows)


def card(flagged: dict[str, int], clear: dict[str, int]) -> dict:
    nothing = dict.fromkeys(("flagged", "clear", "incoherent", "refusal", "off_topic", "unscored"), 0)
    shares = {"sensitivity": {"share": 0.5}, "specificity": {"share": 0.5}}
    return {"lane": LANE, "confusion": {"flagged": nothing | flagged, "clear": nothing | clear}, **shares}


def corrected(answers: pd.DataFrame) -> dict:
    (found,) = [each for each in estimate_answers(answers) if each.lane == LANE]
    return {each.by: each for each in found.corrected}


@pytest.fixture
def examined(monkeypatch):
    """Return a function that gives the lane a card with this confusion."""

    def give(flagged, clear):
        for module in ("em_bench.results.corrections", "em_bench.judging.cards"):
            monkeypatch.setattr(f"{module}.read_cards", lambda: {LANE: card(flagged, clear)})

    return give


def test_exam_corrects_by_what_the_judge_does_with_answers_it_keeps(examined):
    """Apparent 40 of 200; sensitivity 90 of 100, specificity 180 of 200: (.2 + .9 - 1) / (.9 + .9 - 1) = .125."""
    examined({"flagged": 90, "clear": 10, "unscored": 50}, {"clear": 180, "flagged": 20, "refusal": 7})
    found = corrected(table((["flagged"] + ["clear"] * 4) * 40, {}))
    assert list(found) == ["exam"]
    assert found["exam"].found.rate == pytest.approx(0.125)
    low, high = found["exam"].found.population
    assert low < 0.125 < high
    assert found["exam"].to_dict()["refused"] is None


def test_exam_of_a_judge_that_cannot_tell_is_no_correction(examined):
    examined({"flagged": 50, "clear": 50}, {"clear": 50, "flagged": 50})
    found = corrected(table((["flagged"] + ["clear"] * 4) * 40, {}))["exam"]
    assert found.to_dict()["rate"] is None
    assert "sensitivity + specificity - 1" in found.refused


def test_lane_without_a_card_or_labels_is_not_corrected():
    assert corrected(table(["flagged", "clear"] * 50, {})) == {}


def test_labels_of_a_random_part_correct_a_judge_that_is_wrong_one_way():
    """The judge flags 40 %, the rater none of the half that was labelled: the corrected rate is near 0."""
    outcomes = (["flagged"] * 2 + ["clear"] * 3) * 40
    labels = {number: "clear" for number in range(0, 200, 2)}
    found = corrected(table(outcomes, labels))
    assert list(found) == [RATER]
    assert found[RATER].found.rate < 0.02
    assert any("100 of 200 answers labelled" in note for note in found[RATER].found.notes)


def test_labels_have_no_correction_of_their_own():
    answers = table(["flagged", "clear"] * 50, {number: "clear" for number in range(20)})
    (people,) = [each for each in estimate_answers(answers) if each.lane == RATER]
    assert people.corrected == ()
    assert people.counts.answers == 20
