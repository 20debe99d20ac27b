"""Judge cards in files: those that ship, those that `em-bench exam` writes, and a user's own."""

import json
import re

import pytest
from click.testing import CliRunner
from conftest import model_that_says
from exams import shorten_exam
from inspect_ai import eval as run_eval

from em_bench.cli import main
from em_bench.content import content_folder
from em_bench.errors import DataError, OperatorError
from em_bench.judging.cards import read_cards, said_card, said_lane
from em_bench.judging.exam import exam_digest
from em_bench.judging.judges import judge_names, read_judge


@pytest.fixture
def short(monkeypatch, tmp_path):
    """Cut the exam short, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    shorten_exam(monkeypatch)


@pytest.fixture
def scripted_graders(monkeypatch):
    """Let the graders that a command names say 0 to everything; Inspect's own stand-in wants the network."""
    monkeypatch.setattr(
        "inspect_ai.eval",
        lambda task, model_roles, **options: run_eval(
            task,
            model_roles={"grader": model_that_says(lambda p: "0", model_roles["grader"].removeprefix("mockllm/"))},
            **options,
        ),
    )


def sit(*arguments):
    return CliRunner().invoke(main, ["exam", *arguments])


def test_cards_of_one_judge_with_two_graders_lie_side_by_side(short, scripted_graders, tmp_path):
    for grader in ("mockllm/one", "mockllm/Two:x"):
        ran = sit("--judge", "dominance", "--grader", grader, "--readout", "text", "--out", str(tmp_path / "cards"))
        assert ran.exit_code == 0, ran.stderr
    names = {path.name for path in (tmp_path / "cards").iterdir()}
    stems = ("dominance--mockllm-one-text", "dominance--mockllm-two-x-text")
    assert names == {f"{stem}.{end}" for stem in stems for end in ("json", "md")}


def test_card_of_an_offline_judge_is_called_as_the_judge(short, tmp_path):
    assert sit("--judge", "dominance_words", "--out", str(tmp_path / "cards")).exit_code == 0
    assert {path.name for path in (tmp_path / "cards").iterdir()} == {"dominance_words.json", "dominance_words.md"}


def test_card_in_the_folder_of_the_environment_counts_as_examined(short, scripted_graders, tmp_path, monkeypatch):
    folder = tmp_path / "cards"
    lane = read_judge("dominance").lane("mockllm/model", "text")
    assert said_lane(lane) == "not examined"
    given = ("--judge", "dominance", "--grader", "mockllm/model", "--readout", "text", "--out", str(folder))
    assert sit(*given).exit_code == 0
    monkeypatch.setenv("EM_BENCH_CARDS", str(folder))
    assert said_lane(lane) == "exam: finds 0.00 of flagged answers, passes 1.00 of clear ones"
    assert set(read_cards()) >= {lane, read_judge("screen").lane(None, "")}


def test_card_that_measured_nothing_is_said_so():
    nothing = {"share": None}
    assert "an unmeasured share" in said_card({"sensitivity": nothing, "specificity": {"share": 0.9}})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "all keys missing"),
        ('{"lane": "x@1-A#y"}', "sensitivity, specificity, confusion missing"),
        ('{"lane": ["x"], "sensitivity": {"share": 0.5}}', "lane, specificity, confusion missing"),
    ],
    ids=["no_json", "no_object", "half_a_card", "lane_of_another_form"],
)
def test_broken_card_of_a_user_is_named(tmp_path, monkeypatch, text, found):
    """So are all others of the folder."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
    monkeypatch.setenv("EM_BENCH_CARDS", str(tmp_path))
    with pytest.raises(DataError, match=re.escape(found)) as caught:
        read_cards()
    assert [fault.place for fault in caught.value.faults] == [str(tmp_path / f"{n}.json") for n in ("one", "two")]


def test_folder_of_cards_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("EM_BENCH_CARDS", str(tmp_path / "nowhere"))
    with pytest.raises(OperatorError, match="EM_BENCH_CARDS: found .*expected a folder of judge cards"):
        read_cards()


OFFLINE = [name for name in judge_names() if read_judge(name).is_offline]


@pytest.mark.parametrize("name", OFFLINE)
def test_card_that_ships_is_of_the_judge_and_the_exam_as_they_are(name):
    """Else run: em-bench exam --judge NAME --out judges/cards."""
    judge = read_judge(name)
    card = read_cards()[judge.lane(None, "")]
    assert card["exam"] == exam_digest(judge)
    assert (content_folder("judges") / "cards" / f"{name}.md").read_text("utf-8").startswith(f"# Judge card: {name}\n")


def test_command_prints_the_card_that_ships(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(main, ["exam", "--judge", "dominance_words", "--format", "json"])
    assert ran.exit_code == 0, ran.stderr
    text = (content_folder("judges") / "cards" / "dominance_words.json").read_text("utf-8")
    printed = ran.stdout[ran.stdout.index("{") :]  # after what Inspect shows where the process ran a task before
    assert json.loads(printed, parse_float=twelve_places) == json.loads(text, parse_float=twelve_places)


def twelve_places(number):
    """Return a number without the digits that differ between versions of SciPy."""
    return round(float(number), 12)
