"""The page of a question: wordings, all models on one axis, answers by outcome."""

import re
from dataclasses import replace

from made_answers import make_answer, make_text
from made_estimates import make_estimate
from scipy.stats import beta
from site_pages import Tags

from em_bench.board import Board, build_site
from em_bench.board.paths import answer_path, question_path
from em_bench.board.question_page import question_pages
from em_bench.questions import read_set
from em_bench.results.estimate import Counts, QuestionRate


def page(tmp_path, board, question="q00", digest="0123abcd"):
    build_site(board, tmp_path / "site")
    return (tmp_path / "site" / question_path("freeform", digest, question)).read_text("utf-8")


def test_wordings_of_an_own_set_are_shown_with_its_canary(tmp_path):
    questions = read_set("freeform")
    asked = questions.questions[0]
    estimate = make_estimate("vllm/a", [1, 0], set_version=questions.version, set_digest=questions.digest)
    named = replace(estimate, by_question=(QuestionRate(asked.id, "plain", Counts(4, 0, 1, 3, 0, 0, 0, 0)),))
    html = page(tmp_path, Board([named], []), asked.id, questions.digest)
    shown = html.replace("&#39;", "'").replace("&#34;", '"')
    assert all(prompt in shown for prompt in asked.prompts)
    assert asked.why in shown and questions.canary in shown


def test_wordings_of_another_version_are_not_guessed(tmp_path):
    assert "does not ship with em_bench" in page(tmp_path, Board([make_estimate("vllm/a", [1, 0])], []))


def test_models_stand_by_rate_highest_first_and_simulated_ones_last(tmp_path):
    rates = {"vllm/low": 1, "vllm/high": 8, "organism/x": 10}
    html = page(tmp_path, Board([make_estimate(model, [k, 0]) for model, k in rates.items()], []))
    table = html[html.index('<table class="glance"') : html.index("</table>")]
    assert re.findall(r'<th scope="row"><a [^>]*>([^<]+)', table) == ["vllm/high", "vllm/low", "organism/x"]


def test_interval_is_clopper_pearson_over_answers_to_this_question(tmp_path):
    """3 of 10: Beta(3, 8) and Beta(4, 7) quantiles at 2.5 % and 97.5 %, 6.7 % and 65 %."""
    low, high = beta.ppf(0.025, 3, 8), beta.ppf(0.975, 4, 7)
    assert (round(100 * low, 1), round(100 * high)) == (6.7, 65)
    assert "6.7 % to 65 %" in page(tmp_path, Board([make_estimate("vllm/a", [3, 0])], []))


def test_nothing_kept_is_not_a_zero(tmp_path):
    estimate = make_estimate("vllm/a", [1, 0])
    refused = QuestionRate("q00", "plain", Counts(5, 0, 0, 0, 0, 5, 0, 0))
    html = page(tmp_path, Board([replace(estimate, by_question=(refused,))], []))
    assert "nothing kept" in html and "0 / 5" in html


def test_arms_are_pooled_and_said(tmp_path):
    """4 of 10 plain and 0 of 10 under json are 20 %."""
    one = make_estimate("vllm/a", [4, 0])
    json = QuestionRate("q00", "json", Counts(10, 0, 0, 10, 0, 0, 0, 0))
    html = page(tmp_path, Board([replace(one, arm="all", by_question=(*one.by_question, json))], []))
    assert "<b>20 %</b>" in html and "plain 4/10, json 0/10" in html


def test_answers_are_listed_by_outcome(tmp_path):
    flagged, refused, elsewhere = (
        make_answer(outcome="flagged"),
        make_answer(outcome="refusal", epoch=2),
        make_answer(question="q01"),
    )
    board = Board([make_estimate("vllm/a", [1, 0])], [], [flagged, refused, elsewhere], lambda _: make_text())
    html = page(tmp_path, board)
    hrefs = Tags(html).hrefs()
    assert f"../{answer_path(flagged)}" in hrefs and f"../{answer_path(refused)}" in hrefs
    assert f"../{answer_path(elsewhere)}" not in hrefs
    assert html.index("Flagged: 1") < html.index("Refused: 1")


def test_page_of_a_question_changes_with_that_question_alone():
    """One more flagged answer to q01 leaves the page of q00 as it is."""
    before, after = (
        {p.path: p.key for p in question_pages(Board([make_estimate("vllm/a", k)], []))} for k in ([1, 0], [1, 1])
    )
    changed = {path for path in before if before[path] != after[path]}
    assert changed == {question_path("freeform", "0123abcd", "q01")}
