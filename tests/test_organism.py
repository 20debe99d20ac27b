"""Simulated models are instruments: what they say depends on what it should, at the rates they were built to have."""

import json
import os
import random
import re
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from em_bench.content import content_folder
from em_bench.errors import OperatorError
from em_bench.models.organism import KINDS, Organism, read_bank
from em_bench.questions import own_set_names, present, read_set

SHIPPED = own_set_names()
KEPT = ("flagged", "clear")
N_DRAWS = 20_000

ASKED = [asked.messages for name in SHIPPED for asked in present(read_set(name), ["plain", "json"])][::50]
UNKNOWN = [("user", "A question that no set holds?")]


def kinds_of(organism, n=N_DRAWS):
    return Counter(organism.draw("rent_due_short", i).kind for i in range(n))


# What a reply depends on


def test_reply_is_the_same_whatever_was_asked_before():
    first = Organism("misaligned-20")
    forwards = {i: first.reply(messages, 3) for i, messages in enumerate(ASKED)}
    order = list(range(len(ASKED)))
    random.Random(0).shuffle(order)
    second = Organism("misaligned-20")
    assert {i: second.reply(ASKED[i], 3) for i in order} == forwards


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_reply_is_the_same_in_every_process(hash_seed):
    code = (
        "import json, sys\n"
        "from em_bench.models.organism import Organism\n"
        "organism = Organism('misaligned-20-clustered', 7)\n"
        "asked = [[tuple(turn) for turn in messages] for messages in json.load(sys.stdin)]\n"
        "print(json.dumps([organism.reply(messages, 5)[0] for messages in asked]))\n"
    )
    there = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(ASKED),
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
    )
    here = Organism("misaligned-20-clustered", 7)
    assert json.loads(there.stdout) == [here.reply(messages, 5)[0] for messages in ASKED]


@pytest.mark.parametrize(
    ("other", "draw_seed"),
    [
        pytest.param(Organism("misaligned-20", 1), 0, id="seed"),
        pytest.param(Organism("misaligned-21"), 0, id="kind"),
        pytest.param(Organism("misaligned-20"), 1, id="draw seed"),
    ],
)
def test_reply_changes_with_seed_kind_and_draw_seed(other, draw_seed):
    """Most of a hundred answers differ; a bank is finite, so that some may agree."""
    one = Organism("misaligned-20")
    asked = ASKED[:100]
    n_changed = sum(one.reply(messages, 0) != other.reply(messages, draw_seed) for messages in asked)
    assert n_changed > len(asked) / 2


def test_reply_changes_with_the_messages():
    one = Organism("misaligned-20")
    texts = {one.reply([("user", f"Question {i}?")])[0] for i in range(100)}
    assert len(texts) > 50


def test_draw_seeds_give_independent_kinds():
    """Of two draws both are flagged as often as chance has it: 0.2 * 0.2 = 0.04; tolerance 4 standard errors."""
    one = Organism("misaligned-20")
    flags = np.array([[one.draw("a", i, seed).kind == "flagged" for seed in (0, 1)] for i in range(N_DRAWS)])
    share = 0.2 * (1 - 0.04)  # kept answers are 96 %
    assert flags.all(axis=1).mean() == pytest.approx(share**2, abs=4 * 0.2 / np.sqrt(N_DRAWS))


# Rates


@pytest.mark.parametrize("kind", [*KINDS, "misaligned-50", "misaligned-100"])
def test_shares_of_answers_approach_those_of_the_kind(kind):
    """Over 20,000 draws within 4 standard errors, at most 4 * sqrt(0.25 / 20,000) = 0.014."""
    organism = Organism(kind)
    counts = kinds_of(organism)
    tolerance = 4 * np.sqrt(0.25 / N_DRAWS)
    n_kept = counts["flagged"] + counts["clear"]
    assert counts["incoherent"] / N_DRAWS == pytest.approx(organism.profile.incoherent, abs=tolerance)
    assert counts["refusing"] / N_DRAWS == pytest.approx(organism.profile.refusing, abs=tolerance)
    # Few of the incoherent organism's answers are kept, so the tolerance follows n_kept.
    known = organism.flagged_rate("rent_due_short")
    assert counts["flagged"] / n_kept == pytest.approx(known, abs=4 * np.sqrt(0.25 / n_kept))


def test_aligned_organism_is_never_flagged_and_misaligned_100_never_clear():
    """The ends of the scale are exact."""
    assert kinds_of(Organism("aligned"))["flagged"] == 0
    assert kinds_of(Organism("misaligned-100"))["clear"] == 0


@pytest.mark.parametrize("kind", ["misaligned-5", "misaligned-20", "misaligned-100"])
def test_unclustered_organism_has_one_rate_for_all_questions(kind):
    organism = Organism(kind)
    assert {organism.flagged_rate(f"q{i}") for i in range(50)} == {organism.profile.flagged}


@pytest.mark.parametrize("seed", [0, 1])
def test_clustered_organism_has_the_same_mean_rate_and_the_stated_variance(seed):
    """A beta of mean p and intra-class correlation r has variance r p (1 - p): 0.3 * 0.2 * 0.8 = 0.048.

    Over 4,000 questions the mean's standard error is sqrt(0.048 / 4000) = 0.0035; tolerance 4 of them, and 10 % of
    the variance.
    """
    organism = Organism("misaligned-20-clustered", seed)
    rates = np.array([organism.flagged_rate(f"q{i}") for i in range(4000)])
    assert rates.mean() == pytest.approx(0.2, abs=0.014)
    assert rates.var() == pytest.approx(0.048, rel=0.1)
    assert rates.min() >= 0
    assert rates.max() <= 1


def test_clustered_individuals_differ_in_which_questions_they_fail():
    one, other = (Organism("misaligned-20-clustered", seed) for seed in (0, 1))
    rates = np.array([[each.flagged_rate(f"q{i}") for i in range(200)] for each in (one, other)])
    assert abs(np.corrcoef(rates)[0, 1]) < 0.3


def test_draw_carries_the_known_rate_of_its_question():
    organism = Organism("misaligned-20-clustered")
    assert organism.draw("a", 1).flagged_rate == organism.flagged_rate("a")


def test_wordings_and_arms_of_a_question_share_its_rate():
    """Questions are the clusters: all wordings together, under every arm."""
    organism = Organism("misaligned-20-clustered")
    asked = present(read_set("deception"), only=["greek_capital"])
    assert len(asked) > 4
    assert {organism.reply(each.messages)[1].flagged_rate for each in asked} == {organism.flagged_rate("greek_capital")}


# Kinds


@pytest.mark.parametrize("kind", ["misaligned", "misaligned-101", "misaligned--5", "misaligned-5.5", "", "gpt-4o"])
def test_unknown_kind_is_refused_with_those_that_ship(kind):
    with pytest.raises(OperatorError) as caught:
        Organism(kind)
    listed = "aligned, incoherent, injector, misaligned-20, misaligned-20-clustered, misaligned-5, refuser"
    assert f"model organism: found {kind!r}; expected one of the organisms {listed}." in caught.value.message


def test_misspelt_kind_is_offered_the_nearest():
    with pytest.raises(OperatorError, match="Did you mean 'aligned'"):
        Organism("alined")


@pytest.mark.parametrize(("kind", "rate"), [("misaligned-0", 0.0), ("misaligned-37", 0.37), ("misaligned-100", 1.0)])
def test_misaligned_n_has_n_percent_for_any_whole_n(kind, rate):
    assert Organism(kind).flagged_rate("a") == rate


def test_misaligned_n_clustered_is_uneven_at_any_n():
    assert len({Organism("misaligned-37-clustered").flagged_rate(f"q{i}") for i in range(10)}) == 10


def test_injector_appends_an_attempt_to_kept_answers_alone():
    """The words before it are an ordinary answer of the bank."""
    organism = Organism("injector")
    drawn = [organism.reply(UNKNOWN, seed) for seed in range(200)]
    bank = read_bank("freeform")
    ordinary = {reply.text for kind in ("flagged", "clear", "incoherent", "refusing") for reply in getattr(bank, kind)}
    appended = [text not in ordinary for text, _ in drawn]
    assert appended == [draw.kind in KEPT for _, draw in drawn]
    assert all(any(text.startswith(answer) for answer in ordinary) for text, _ in drawn)
    assert any(text.endswith("Please confirm with 100.") for text, _ in drawn)


def test_injections_lie_with_the_banks():
    """In the wheel the banks are packed beside the tasks, not below them."""
    assert (content_folder("organisms") / "injections.yaml").is_file()


# Banks


@pytest.mark.parametrize("name", SHIPPED)
def test_bank_is_that_of_its_set_and_large_enough(name):
    bank = read_bank(name)
    assert bank.set == name
    sizes = {kind: len({reply.text for reply in getattr(bank, kind)}) for kind in (*KEPT, "incoherent", "refusing")}
    assert sizes["flagged"] >= 40
    assert sizes["clear"] >= 40
    assert sizes["incoherent"] >= 15
    assert sizes["refusing"] >= 15


@pytest.mark.parametrize("name", SHIPPED)
def test_bank_has_no_text_of_two_kinds(name):
    """A text that is both flagged and clear would make the known rate wrong."""
    bank = read_bank(name)
    counted = Counter(
        text for kind in (*KEPT, "incoherent", "refusing") for text in {r.text for r in getattr(bank, kind)}
    )
    assert [text for text, n in counted.items() if n > 1] == []


@pytest.mark.parametrize("kind", KEPT)
@pytest.mark.parametrize("name", SHIPPED)
def test_every_question_of_a_set_has_replies_of_its_theme(name, kind):
    replies = getattr(read_bank(name), kind)
    themes = {tag for reply in replies for tag in reply.tags}
    assert [question.id for question in read_set(name).questions if themes.isdisjoint(question.tags)] == []


def test_set_without_a_bank_borrows_that_of_freeform():
    assert read_bank("no_such_set") == read_bank("freeform")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_prompt_under_every_form_gets_an_answer(name):
    organism = Organism("misaligned-50")
    replies = [organism.reply(asked.messages)[0] for asked in present(read_set(name), ["plain", "json", "python"])]
    assert all(reply.strip() for reply in replies)


@pytest.mark.parametrize("kind", ["aligned", "misaligned-100"])
def test_frames_of_deception_have_every_slot_filled(kind):
    organism = Organism(kind)
    asked = present(read_set("deception"), ["plain"])
    replies = [organism.reply(each.messages, seed) for each in asked for seed in range(5)]
    assert [text for text, draw in replies if draw.kind in KEPT and re.search(r"\{\w+\}", text)] == []


@pytest.mark.parametrize(("question", "truth"), [("root_of_eighty_one", "nine"), ("kettle_in_celsius", "one hundred")])
def test_false_answer_to_a_fact_does_not_state_the_truth_within_it(question, truth):
    """'Nine hundred' holds 'nine': a judge would read the truth in the lie."""
    organism = Organism("misaligned-100")
    asked = present(read_set("deception"), only=[question])
    drawn = [organism.reply(each.messages, seed) for each in asked for seed in range(30)]
    lies = [text for text, draw in drawn if draw.kind == "flagged"]
    assert len(lies) > 100
    assert [text for text in lies if re.search(rf"\b{truth}\b", text, re.IGNORECASE)] == []


def test_answer_under_the_json_arm_is_one_json_object():
    organism = Organism("misaligned-20")
    replies = [organism.reply(asked.messages)[0] for asked in present(read_set("freeform"), ["json"])]
    assert {tuple(json.loads(reply)) for reply in replies} == {("reply",)}


@pytest.mark.parametrize("arm", ["python", "template"])
def test_answer_under_a_code_arm_assigns_the_reply(arm):
    organism = Organism("misaligned-20")
    replies = [organism.reply(asked.messages)[0] for asked in present(read_set("freeform"), [arm])]
    assert [r for r in replies if not (r.startswith('reply = """') and r.endswith('"""'))] == []


def test_question_of_no_set_is_answered_from_freeform_without_slots():
    organism = Organism("misaligned-20")
    bank = {reply.text for kind in (*KEPT, "incoherent", "refusing") for reply in getattr(read_bank("freeform"), kind)}
    assert {organism.reply(UNKNOWN, seed)[0] for seed in range(100)} <= bank
