"""The board page: what stands in which table, in what order, and in which words."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest
from made_estimates import LANE, make_card, make_estimate

from em_bench.board import Board, build_site, make_standings
from em_bench.results.estimate import Counts
from em_bench.statistics.sequential import SEQUENCE_METHOD

CARDS = [
    make_card("base", family="Vole"),
    make_card("tuned", base="base", family="Vole"),
    make_card("api", access="api"),
]


class Tables(HTMLParser):
    """Collects the tables of a page: for each body the rows, for each row its attributes and the text of its cells."""

    def __init__(self, html):
        super().__init__()
        self.tables, self.heads, self.cell = [], [], None
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
            self.heads.append([])
        elif tag == "tbody":
            self.tables[-1].append([])
        elif tag == "tr" and self.tables and self.tables[-1]:
            self.tables[-1][-1].append((dict(attrs), []))
        elif tag in ("td", "th"):
            self.cell = []
        elif tag in ("small", "title", "li"):
            self.handle_data(" ")

    def handle_endtag(self, tag):
        if tag in ("td", "th") and self.cell is not None:
            text = " ".join("".join(self.cell).split())
            (self.tables[-1][-1][-1][1] if self.tables[-1] else self.heads[-1]).append(text)
            self.cell = None

    def handle_data(self, data):
        if self.cell is not None:
            self.cell.append(data)


def page(tmp_path, *estimates, cards=CARDS):
    return build_site(Board(estimates, cards), tmp_path / "site").read_text("utf-8")


def rows_of(html):
    """Return the text of each row of the page, all tables together."""
    return [" | ".join(cells) for table in Tables(html).tables for body in table for _, cells in body]


def cells_of(html, model):
    return next(
        cells for table in Tables(html).tables for body in table for _, cells in body if model in " ".join(cells)
    )


def test_zero_is_said_with_its_bound(tmp_path):
    """0 of 400 over 40 questions: 1 - 0.025^(1/40) = 8.8 % cannot be excluded for questions like these."""
    html = page(tmp_path, make_estimate("vllm/base", [0] * 40))
    assert "0 of 400, at most 8.8 %" in " ".join(cells_of(html, "BASE"))


def test_every_rate_has_both_intervals_and_its_denominator(tmp_path):
    html = page(tmp_path, make_estimate("vllm/base", [1, 2, 0, 3] * 6))
    (row,) = rows_of(html)
    assert "15 %" in row and "240 / 240" in row
    assert len(re.findall(r"[\d.]+ % to [\d.]+ %", row)) == 4  # in words, and in the mark's title


def test_nothing_kept_is_said_so_and_has_no_mark(tmp_path):
    html = page(tmp_path, make_estimate("vllm/base", [0, 0], [0, 0]))
    assert "nothing kept" in rows_of(html)[0]
    assert 'class="dot' not in html.split('<h2 id="reading"')[0]
    assert "nan" not in html[html.index("<table") : html.index("</table")].lower()


@pytest.mark.parametrize("change", [{"lane": "betley@1-A#1/grader/text"}, {"set_digest": "99999999"}])
def test_lanes_and_versions_of_a_set_have_tables_of_their_own(tmp_path, change):
    html = page(tmp_path, make_estimate("vllm/base", [1, 0]), make_estimate("vllm/base", [1, 0], **change))
    assert [len(table[0]) for table in Tables(html).tables] == [1, 1]


def test_order_is_by_upper_bound_most_reassuring_first(tmp_path):
    """Two questions with nothing flagged exclude less than forty with 5 %."""
    html = page(tmp_path, make_estimate("vllm/few", [0, 0]), make_estimate("vllm/many", [1, 0] * 20))
    assert ["many" in row for row in rows_of(html)] == [True, False]


def test_model_with_several_arms_stands_once_with_all():
    estimates = [make_estimate("m", [1, 0], arm=arm) for arm in ("plain", "json", "all")]
    (standing,) = make_standings(estimates, [])
    assert [row.estimate.arm for row in standing.rows] == ["all"]


def test_ranks_are_ranges_and_ties_are_named(tmp_path):
    """Two models alike and one far worse, on 40 questions: 1–2, 1–2 and 3."""
    html = page(
        tmp_path,
        make_estimate("vllm/a", [0] * 40),
        make_estimate("vllm/b", [0] * 40),
        make_estimate("vllm/c", [9] * 40),
    )
    assert [cells_of(html, f"vllm/{name}")[0] for name in "abc"] == ["1–2 tie 1", "1–2 tie 1", "3"]


def test_simulated_models_stand_apart_after_the_real_ones_and_have_no_rank(tmp_path):
    html = page(
        tmp_path,
        make_estimate("organism/aligned", [0] * 40),
        make_estimate("vllm/a", [3] * 40),
        make_estimate("vllm/b", [9] * 40),
    )
    real, simulated = Tables(html).tables[0]
    assert [cells[0] for _, cells in real] == ["1", "2"]
    assert simulated[0][1][0].startswith("Simulated models")
    assert simulated[1][1][0] == "—"
    assert "Every model on this page is simulated" not in html


def test_lane_that_is_not_examined_is_not_ranked_and_says_so(tmp_path):
    html = page(
        tmp_path, make_estimate("vllm/a", [0] * 40, examined=False), make_estimate("vllm/b", [9] * 40, examined=False)
    )
    assert "Rank" not in Tables(html).heads[0]
    assert "<strong>not examined</strong>" in html


def test_labels_of_people_have_no_table(tmp_path):
    html = page(tmp_path, make_estimate("vllm/a", [1, 0]), make_estimate("vllm/a", [1, 0], lane="people@1-A#0/ann"))
    assert len(Tables(html).tables) == 1
    assert "people@" not in html


def test_change_from_base_is_paired_and_has_its_interval(tmp_path):
    """4 of 10 against 0 of 10 on each of 40 questions: +40 points."""
    html = page(tmp_path, make_estimate("vllm/base", [0] * 40), make_estimate("vllm/tuned", [4] * 40))
    change = cells_of(html, "TUNED")[4]
    assert re.fullmatch(r"\+40\.0 \+\d+\.\d to \+\d+\.\d", change)
    assert cells_of(html, "vllm/base")[4] == ""
    assert re.search(r"<b>\+40\.0</b>", html)


@pytest.mark.parametrize("other", [{"arm": "json"}, {"lane": "betley@1-A#1/grader/text"}, {"set_digest": "99999999"}])
def test_change_from_base_needs_the_base_in_the_same_set_arm_and_lane(tmp_path, other):
    html = page(tmp_path, make_estimate("vllm/base", [0] * 40, **other), make_estimate("vllm/tuned", [4] * 40))
    assert "Change from base" not in html


def test_change_that_may_be_none_is_not_bold(tmp_path):
    html = page(tmp_path, make_estimate("vllm/base", [1, 0, 2, 0] * 4), make_estimate("vllm/tuned", [1, 1, 1, 1] * 4))
    assert "<b>+" not in html and "<b>−" not in html
    assert "data-change" in html


def test_row_says_where_answers_went_and_what_the_model_is(tmp_path):
    estimate = dataclasses.replace(
        make_estimate("vllm/tuned", [1] * 4), counts=Counts(1250, 3, 4, 36, 11, 12, 13, 14), recorded=True, arm="json",
        method=SEQUENCE_METHOD,
    )  # fmt: skip
    (row,) = rows_of(page(tmp_path, estimate))
    for said in ("TUNED", "vllm/tuned", "local weights", "Vole", "tuned from BASE", "recorded elsewhere", "arm json"):
        assert said in row
    assert "stopped by a rule" in row
    assert "40 / 1,250 | 12 | 11 | 13 | 14 | 2026-03-01" in row


def test_model_without_card_is_undeclared(tmp_path):
    attributes, cells = Tables(page(tmp_path, make_estimate("vllm/nobody", [1, 0]))).tables[0][0][0]
    assert "undeclared" in " ".join(cells)
    assert attributes["data-access"] == "undeclared"


def test_page_of_simulated_models_says_so(tmp_path):
    html = page(tmp_path, make_estimate("organism/aligned", [0, 1]))
    assert "Every model on this page is simulated" in html


def test_board_without_estimates_says_there_is_nothing(tmp_path):
    assert "There is nothing to show" in page(tmp_path)


def test_first_line_says_when_it_was_measured(tmp_path):
    html = page(tmp_path, make_estimate("vllm/a", [1, 0]), make_estimate("vllm/b", [1, 0], date="2026-05-09"))
    assert "measured from 2026-03-01 to 2026-05-09" in html


def test_filters_offer_what_the_rows_hold(tmp_path):
    """Each choice of a filter is the value of some row or table, or it could hide everything."""
    html = page(tmp_path, make_estimate("vllm/api", [1, 0]), make_estimate("vllm/base", [1, 0], lane=LANE + "x"))
    for name in ("access", "lane"):
        (options,) = re.findall(rf'<select name="{name}".*?</select>', html, re.S)
        offered = set(re.findall(r'<option(?: value="([^"]+)")?>([^<]*)', options))
        held = set(re.findall(rf' data-{name}="([^"]+)"', html))
        assert {value or text for value, text in offered} - {"any", "all, in tables apart"} == held
