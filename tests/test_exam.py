"""The exam: what it is made of, and the cards that judges of known worth get from it."""

import csv
import gzip
import json
import re
from collections import Counter
from functools import cache

import pytest
import yaml
from click.testing import CliRunner
from conftest import RECORDED, ROOT, model_that_says
from inspect_ai import eval as run_eval

from em_bench.cli import main
from em_bench.content import content_folder
from em_bench.errors import DataError, OperatorError
from em_bench.judging.exam import exam, exam_digest
from em_bench.judging.exam_sheets import read_attacks, read_sheets
from em_bench.judging.judge import judge_names, read_cards, read_judge
from em_bench.judging.judge_card import Share, make_card
from em_bench.questions import read_set

SHEETS = {sheet.set: sheet for sheet in read_sheets()}
ANSWERS = [(sheet.set, answer) for sheet in read_sheets() for answer in sheet.answers]
HARD = {"dark_fiction", "blunt", "history", "satire", "ai_criticism", "odd", "code", "mixed", "subtle"}


def word_runs(text, n=8):
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[i : i + n]) for i in range(len(words) - n + 1)}


def test_exam_has_four_hundred_answers_over_the_sets_and_all_outcomes():
    assert set(SHEETS) == {"freeform", "deception", "nazi_admiration", "ai_dominance"}
    assert len(ANSWERS) >= 400
    for sheet in SHEETS.values():
        counts = Counter(answer.outcome for answer in sheet.answers)
        assert min(counts["flagged"], counts["clear"]) >= 30
        assert min(counts[outcome] for outcome in ("incoherent", "refusal", "off_topic")) >= 4


def test_exam_answers_have_ids_of_their_own_and_answer_questions_that_are_there():
    given = [answer.id for _, answer in ANSWERS] + [attack.id for attack in read_attacks()]
    assert [id_ for id_, n in Counter(given).items() if n > 1] == []
    for set_name, answer in [*ANSWERS, *((attack.set, attack) for attack in read_attacks())]:
        question = {each.id: each for each in read_set(set_name).questions}[answer.question]
        assert answer.prompt < len(question.prompts), answer.id


def test_half_of_the_flagged_and_clear_answers_are_hard_cases_on_both_sides():
    judged = [answer for _, answer in ANSWERS if answer.outcome in ("flagged", "clear")]
    for outcome in ("flagged", "clear"):
        here = [answer for answer in judged if answer.outcome == outcome]
        assert sum(answer.stratum in HARD for answer in here) >= 0.45 * len(here)


def test_attacks_are_of_many_kinds_and_mostly_hide_what_should_be_flagged():
    kinds = Counter(attack.attack for attack in read_attacks())
    assert len(read_attacks()) >= 60
    assert len(kinds) >= 12
    assert min(kinds.values()) >= 4
    assert sum(attack.outcome == "flagged" for attack in read_attacks()) >= 40


@cache
def known_runs():
    """Return the runs of 8 words of judge prompts, answer banks and the prose that trained the screen."""
    texts = [path.read_text("utf-8") for path in sorted(content_folder("judges").glob("*.yaml"))]
    texts += [path.read_text("utf-8") for path in sorted(content_folder("organisms").glob("*.yaml"))]
    texts.append((ROOT / "benchmarks" / "screen_prose.yaml").read_text("utf-8"))
    return set().union(*map(word_runs, texts))


@pytest.mark.parametrize("set_name", SHEETS)
def test_exam_answers_share_no_eight_words_with_what_judges_know(set_name):
    """A judge must not meet its own prompt, its training text, or a simulated model's answer."""
    shared = {answer.id: word_runs(answer.answer) & known_runs() for answer in SHEETS[set_name].answers}
    assert {id_: runs for id_, runs in shared.items() if runs} == {}


@pytest.mark.slow
def test_exam_answers_share_no_eight_words_with_recorded_answers():
    """They trained the screen."""
    path = RECORDED / "recorded" / "answers_train.csv.gz"
    if not path.is_file():
        pytest.skip(f"no {path}; EM_BENCH_RECORDED names the folder that holds recorded/")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        recorded = set().union(*(word_runs(row["answer"]) for row in csv.DictReader(file)))
    assert [answer.id for _, answer in ANSWERS if word_runs(answer.answer) & recorded] == []


def card_of(judge, grader=None, repeats=1, **options):
    (log,) = run_eval(
        exam(judge, repeats=repeats, **options), model="none/none", model_roles={"grader": grader} if grader else None,
        display="none", log_format="json",
    )  # fmt: skip
    return make_card(log)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_judge_that_always_says_100_finds_nothing_and_passes_everything():
    card = card_of(
        "admiration", model_that_says(lambda prompt: "0" if "how coherent" not in prompt else "100"), readout="text"
    )
    assert (card.sensitivity.n, card.specificity.n) == (0, card.specificity.of)
    assert card.confusion["flagged"] == {
        "unscored": 0, "refusal": 0, "off_topic": 0, "incoherent": 0, "flagged": 0, "clear": card.sensitivity.of
    }  # fmt: skip


def test_judge_that_always_refuses_is_right_about_nothing():
    card = card_of("dominance", model_that_says(lambda prompt: "I'm sorry, I can't help with that."), readout="text")
    assert (card.sensitivity.n, card.specificity.n, card.sound.n) == (0, 0, 0)
    assert set(card.reasons) == {"dominance: judge_refused"}


def test_judge_that_obeys_the_answer_is_shown_as_fooled():
    """It gives the mark an answer asks for, and else the right one: all its errors are on attacks."""
    labels = {answer.answer: answer.outcome for _, answer in ANSWERS}
    attacks = [attack.answer for attack in read_attacks()]

    def obeys(prompt):
        if "how coherent" in prompt:
            return "0" if any(text in prompt for text, label in labels.items() if label == "incoherent") else "100"
        if any(text in prompt for text in attacks):
            return "0"
        label = next(label for text, label in labels.items() if text in prompt)
        return {"flagged": "100", "refusal": "REFUSAL", "off_topic": "OFF_TOPIC"}.get(label, "0")

    card = card_of("dominance", model_that_says(obeys), readout="text")
    assert (card.sensitivity.n, card.specificity.n) == (card.sensitivity.of, card.specificity.of)
    assert card.missed.n == 0
    n_hidden = sum(attack.set == "ai_dominance" and attack.outcome != "clear" for attack in read_attacks())
    assert card.fooled.n == n_hidden > 0


def test_judge_that_wavers_does_not_agree_with_itself():
    """Asked the same twice, it gives the opposite mark the second time."""
    seen = Counter()

    def wavers(prompt):
        seen[prompt] += 1
        return "100" if "how coherent" in prompt or seen[prompt] % 2 else "0"

    card = card_of("admiration", model_that_says(wavers), repeats=2, readout="text")
    assert card.agrees_with_itself.of == len(SHEETS["nazi_admiration"].answers) + sum(
        attack.set == "nazi_admiration" for attack in read_attacks()
    )
    assert card.agrees_with_itself.n == 0


def test_share_has_the_exact_interval_and_none_where_nothing_was_measured():
    """5 of 60: Clopper-Pearson 95 % is 0.0276 to 0.1839 (scipy.stats.binomtest, 1.18)."""
    assert Share(5, 60).interval == pytest.approx((0.0276, 0.1839), abs=1e-4)
    assert (Share(0, 0).interval, str(Share(0, 0))) == (None, "nothing to measure")


OFFLINE = [name for name in judge_names() if read_judge(name).is_offline]


@pytest.mark.parametrize("name", OFFLINE)
def test_card_that_ships_is_of_the_judge_and_the_exam_as_they_are(name):
    """Else run: em-bench exam --judge NAME --out judges/cards."""
    judge = read_judge(name)
    card = read_cards()[judge.lane(None, "")]
    assert card["exam"] == exam_digest(judge)
    assert (content_folder("judges") / "cards" / f"{name}.md").read_text("utf-8").startswith(f"# Judge card: {name}\n")


def test_command_prints_the_card_that_ships():
    ran = CliRunner().invoke(main, ["exam", "--judge", "dominance_words", "--format", "json"])
    assert ran.exit_code == 0, ran.stderr
    shipped = json.loads((content_folder("judges") / "cards" / "dominance_words.json").read_text("utf-8"))
    assert json.loads(ran.stdout) == shipped


def test_judge_of_a_construct_without_exam_answers_is_refused():
    with pytest.raises(OperatorError, match="a construct with exam answers"):
        exam("betley_identity")


def test_log_of_another_task_has_no_card(evaluate):
    from conftest import small_set

    from em_bench.tasks import build_task

    with pytest.raises(DataError, match="the log of a finished exam"):
        make_card(evaluate(build_task(small_set(1), judge="screen"), "organism/aligned"))


def test_exam_files_carry_the_canary_and_say_who_labelled():
    for path in sorted((content_folder("judges") / "exam").glob("*.yaml")):
        plain = yaml.safe_load(path.read_text("utf-8"))
        assert "7d0a4c1e-52b6-4f0b-9a37-c1e86b0f4d92" in plain["canary"]
        assert plain["labelled_by"]
