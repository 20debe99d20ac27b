"""The page of a judge's lane: its card, whom it judged, and who disagrees."""

import re

import pandas as pd
from made_answers import make_answer, make_text
from made_estimates import LANE, make_estimate
from site_pages import Tags
from test_texts import table

from em_bench.board import Board, build_site
from em_bench.board.paths import answer_path, judge_path
from em_bench.judging.cards import read_cards
from em_bench.results.agreement import compare_lanes

OTHER = "alignment@1-A#11111111/openai/gpt/auto"


def page(tmp_path, board, lane=LANE):
    build_site(board, tmp_path / "site")
    return (tmp_path / "site" / judge_path(lane)).read_text("utf-8")


def screen():
    """Return lane and card of a judge that ships and was examined."""
    return next((lane, card) for lane, card in read_cards().items() if card["judge"] == "screen")


def test_a_judge_without_a_card_is_not_examined(tmp_path):
    html = page(tmp_path, Board([make_estimate("vllm/a", [1, 0], examined=False)], []))
    assert "Not examined." in html and "sensitivity" not in html


def test_a_card_is_shown_with_counts_and_intervals(tmp_path):
    lane, card = screen()
    text = re.sub(r"<[^>]+>", " ", page(tmp_path, Board([make_estimate("vllm/a", [1, 0], lane=lane)], []), lane))
    for share in (card["sensitivity"], card["specificity"], card["fooled"]):
        assert f"{share['n']} / {share['of']}" in text
    assert card["labels"].replace("'", "&#39;") in text and card["exam"] in text


def test_every_label_of_the_exam_has_a_row_of_outcomes(tmp_path):
    lane, card = screen()
    html = page(tmp_path, Board([make_estimate("vllm/a", [1, 0], lane=lane)], []), lane)
    rows = dict(re.findall(r'<th scope="row">(\w[\w ]*)</th>((?:<td class="n">\d+</td>)+)', html))
    flagged = [int(n) for n in re.findall(r">(\d+)<", rows["flagged"])]
    assert flagged == [card["confusion"]["flagged"].get(key, 0) for key in _ORDER]


_ORDER = ("flagged", "clear", "incoherent", "refusal", "off_topic", "unscored")


def test_prompts_of_a_judge_are_shown_only_in_the_version_that_judged(tmp_path):
    stranger = make_estimate("vllm/a", [1, 0], lane="alignment@1-A#00000000/openai/gpt/auto")
    assert "What it is asked about" not in page(tmp_path, Board([stranger], []), stranger.lane)


def test_models_of_a_lane_are_listed_and_those_of_others_are_not(tmp_path):
    board = Board([make_estimate("vllm/a", [1, 0]), make_estimate("vllm/b", [1, 0], lane=OTHER)], [])
    html = page(tmp_path, board)
    assert "vllm/a" in html and "vllm/b" not in html


def agreement_board():
    """Return a board of two judges: of 40 answers, the second flags two of the ten that the first does."""
    one = table(["flagged"] * 10 + ["clear"] * 30, lane=LANE)
    two = table(["flagged"] * 2 + ["clear"] * 38, lane=OTHER)
    about = {"experimental": False, "measured": None, "judge": "j", "rule": "", "sampling_probability": float("nan")}
    answers = pd.concat([one, two]).assign(**about)
    estimates = [make_estimate("m", [10], [40], lane=LANE), make_estimate("m", [2], [40], lane=OTHER)]
    split = make_answer("m", "q002", "flagged", uuid="m-2-1")
    return Board(estimates, [], [split], lambda _: make_text(), agreements=compare_lanes(answers)), split


def test_agreement_is_told_from_each_side(tmp_path):
    """32 of 40 verdicts are the same; here 25 % are flagged, there 5 %, and the other way round."""
    board, _ = agreement_board()
    for lane, rates in ((LANE, ("25 %", "5.0 %")), (OTHER, ("5.0 %", "25 %"))):
        html = page(tmp_path / lane[:4], board, lane)
        row = re.search(r'<table class="plain stack">.*?</table>', html, re.S)[0]
        assert "0.80" in row
        assert (re.search(r'rate here">([^<]+)', row)[1], re.search(r'rate there">([^<]+)', row)[1]) == rates


def test_answers_that_judges_split_on_lead_to_their_pages(tmp_path):
    board, split = agreement_board()
    html = page(tmp_path, board)
    assert f"../{answer_path(split)}" in Tags(html).hrefs()
    assert html.count("flagged here, clear there") == 8


def test_lanes_of_people_have_a_page_that_says_so(tmp_path):
    html = page(tmp_path, Board([make_estimate("vllm/a", [1, 0], lane="people@ann")], []), "people@ann")
    assert "Labels that a person gave" in html
