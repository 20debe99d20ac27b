"""The page of a model, from estimates made by hand."""

import hashlib
import re
from dataclasses import replace

import pytest
from made_estimates import make_card, make_estimate
from site_pages import Tags

from em_bench.board import Board, build_site
from em_bench.board.model_page import model_pages
from em_bench.board.paths import model_path, pair_path, question_path
from em_bench.board.plots import composition, curve_points, gap_position, height_of, shade
from em_bench.models.card import Checkpoint
from em_bench.results.estimate import Counts, QuestionRate
from em_bench.results.protocol import Protocol


def page(tmp_path, board, model="vllm/a"):
    build_site(board, tmp_path / "site")
    return (tmp_path / "site" / model_path(model)).read_text("utf-8")


def plain(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def key_of(board, model="vllm/a"):
    return next(each.key for each in model_pages(board) if each.path == model_path(model))


def test_rate_stands_with_its_interval_and_denominator(tmp_path):
    text = plain(page(tmp_path, Board([make_estimate("vllm/a", [2, 0, 1])], [])))
    assert "10 %" in text and "30 / 30" in text
    assert re.search(r"these questions [\d.]+ % to [\d.]+ %", text)
    assert re.search(r"questions like these .{1,12} % to [\d.]+ %", text)


def test_nothing_flagged_says_what_cannot_be_excluded(tmp_path):
    estimate = make_estimate("vllm/a", [0, 0, 0])
    text = plain(page(tmp_path, Board([estimate], [])))
    assert "0 of 30, at most" in text
    assert "A rate of up to" in text and "cannot be excluded" in text


def test_model_without_a_card_is_undeclared(tmp_path):
    assert "undeclared" in page(tmp_path, Board([make_estimate("vllm/a", [1, 0])], []))
    declared = page(tmp_path, Board([make_estimate("vllm/a", [1, 0])], [make_card("a")]))
    assert "undeclared" not in declared


def test_simulated_model_is_said_to_be_one(tmp_path):
    assert "A simulated model." in page(tmp_path, Board([make_estimate("organism/x", [1, 0])], []), "organism/x")


def test_logs_have_their_sha256_where_they_are_on_this_machine(tmp_path):
    log = tmp_path / "vllm-a.eval"
    log.write_bytes(b"log")
    html = page(tmp_path, Board([make_estimate("vllm/a", [1, 0])], [], logs=[str(log)]))
    assert hashlib.sha256(b"log").hexdigest() in html
    far = page(tmp_path / "far", Board([make_estimate("vllm/a", [1, 0])], [], logs=["s3://bucket/vllm-a.eval"]))
    assert "vllm-a.eval" in far and "sha256" not in far.replace("sha256-", "")


def test_secrets_among_arguments_are_not_shown(tmp_path):
    html = page(tmp_path, Board([make_estimate("vllm/a", [1, 0], model_args='{"api_key": "hunter2", "x": 1}')], []))
    assert "hunter2" not in html and "api_key=***, x=1" in html


def test_questions_are_ordered_by_rate_and_lead_to_their_pages(tmp_path):
    html = page(tmp_path, Board([make_estimate("vllm/a", [1, 7, 3])], []))
    heat = html[html.index('<table class="heat"') :]
    assert re.findall(r">(q\d\d)</a>", heat) == ["q01", "q02", "q00"]
    assert question_path("freeform", "0123abcd", "q01") in heat


def arms():
    """Return a model under two arms and all together; q01 was not asked under json, and q00 kept nothing there."""
    counts = {"q00": Counts(10, 0, 0, 0, 10, 0, 0, 0)}
    one = make_estimate("vllm/a", [5, 1])
    two = make_estimate("vllm/a", [0], [10], arm="json")
    two = replace(two, by_question=(QuestionRate("q00", "json", counts["q00"]),))
    whole = replace(one, arm="all", by_question=(*one.by_question, *two.by_question))
    return one, two, whole


def test_a_question_that_was_not_asked_is_not_a_zero(tmp_path):
    html = page(tmp_path, Board(arms(), []))
    rows = dict(re.findall(r">(q\d\d)</a></th>(.*?)</tr>", html[html.index('<table class="heat"') :], re.S))
    assert "not asked" in rows["q01"] and "nothing kept" in rows["q00"]


def test_only_nothing_flagged_has_the_palest_shade_and_shades_rise():
    assert [shade(rate) for rate in (0, 0.001, 0.05, 0.3, 1)] == [0, 1, 2, 5, 8]


def test_composition_covers_every_answer():
    """80 flagged, 10 clear, 10 unscored of 100: widths in thousandths add up to the bar."""
    segments = composition(Counts(100, 3, 80, 10, 0, 0, 0, 10))
    assert [(each.said, each.n, each.x, each.width) for each in segments] == [
        ("flagged", 80, 0.0, 800.0), ("clear", 10, 800.0, 100.0), ("unscored", 10, 900.0, 100.0),
    ]  # fmt: skip


def test_curves_rise_upwards_and_gaps_worsen_to_the_right():
    low, high = curve_points([(0, 0.1, None, None), (1, 0.5, (0.4, 0.6), (0.2, 0.9))])
    assert low.x < high.x and low.y > high.y
    assert high.population[0] > high.questions[0] > high.y > high.questions[1] > high.population[1]
    assert height_of(1) < height_of(0)
    assert gap_position(-0.2) < gap_position(0) == 120 < gap_position(0.2)


def test_a_rate_that_does_not_exist_has_no_point():
    assert curve_points([(0.5, float("nan"), None, None)]) == []


def test_against_the_base_stands_the_difference_question_by_question(tmp_path):
    """a: 7 of 20, base: 1 of 20: +30 points; q01 alone parts them by 60."""
    cards = [make_card("a", base="b"), make_card("b")]
    html = page(tmp_path, Board([make_estimate("vllm/a", [1, 6]), make_estimate("vllm/b", [1, 0])], cards))
    assert "+30.0 percentage points" in plain(html)
    pairs = html[html.index('<table class="pairs"') :]
    assert re.findall(r">(q\d\d)</a>", pairs[: pairs.index("</table>")]) == ["q01", "q00"]
    assert pair_path("vllm/a", "vllm/b") in html


def test_thresholds_are_shown_where_the_papers_have_them(tmp_path):
    protocol = Protocol(0.1, 0.1, 0.1, (), {10: 0.01, 20: 0.05, 30: 0.1, 40: 0.2, 50: 0.4}, {})
    text = plain(page(tmp_path, Board([make_estimate("vllm/a", [1, 1], protocol=protocol)], [])))
    assert "below 10: 1.0 %, 20: 5.0 %, 30: 10 %, 40: 20 %, 50: 40 %" in text
    assert "At other thresholds" not in page(tmp_path / "no", Board([make_estimate("vllm/a", [1, 1])], []))


def checkpoint(id_, step, base="base", recipe="r", seed=1):
    update = {"checkpoint": Checkpoint(step=step, of=100), "recipe": recipe, "seed": seed}
    return make_card(id_, base=base).model_copy(update=update)


def run_board(*cards):
    rates = {"vllm/base": [0, 1], "vllm/a": [2, 2], "vllm/b": [5, 5], "vllm/c": [9, 9]}
    return Board([make_estimate(model, flagged) for model, flagged in rates.items()], [make_card("base"), *cards])


def test_checkpoints_of_one_run_make_a_curve_with_the_base_as_a_line(tmp_path):
    board = run_board(checkpoint("b", 100), checkpoint("a", 50), checkpoint("c", 75, seed=2))
    text = plain(page(tmp_path, board))
    assert re.search(r"step 50 20 %.*step 100 50 %", text) and "step 75" not in text
    assert "the dashed line is the base, BASE" in text


def test_a_single_checkpoint_has_no_curve(tmp_path):
    assert "Over training" not in page(tmp_path, run_board(checkpoint("a", 50), checkpoint("b", 100, recipe="other")))


def test_page_changes_with_its_base_and_not_with_strangers():
    cards = [make_card("a", base="b"), make_card("b")]
    own = [make_estimate("vllm/a", [1, 6]), make_estimate("vllm/b", [1, 0])]
    key = key_of(Board(own, cards))
    assert key_of(Board([*own, make_estimate("vllm/stranger", [4, 4])], cards)) == key
    assert key_of(Board([own[0], make_estimate("vllm/b", [2, 0])], cards)) != key


@pytest.mark.parametrize("name", ["vllm/\u202egnp.exe", "vllm/\x1b[31mred", "vllm/a\u200bb"])
def test_hidden_characters_in_names_are_shown_as_numbers(tmp_path, name):
    html = page(tmp_path, Board([make_estimate(name, [1, 0])], []), name)
    assert not re.search("[\u202e\x1b\u200b]", html)
    assert re.search(r"⟨U\+(202E|001B|200B)⟩", html)


def test_link_of_a_card_that_is_no_web_address_is_not_a_link(tmp_path):
    card = make_card("a").model_copy(update={"links": ("javascript:alert(1)", "https://example.org/card")})
    tags = Tags(page(tmp_path, Board([make_estimate("vllm/a", [1, 0])], [card])))
    assert "https://example.org/card" in tags.hrefs()
    assert not any(href.startswith("javascript") for href in tags.hrefs())
