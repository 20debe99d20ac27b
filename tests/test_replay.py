"""Recorded answers are given again, through real evaluations: the n-th to a prompt in the n-th epoch."""

import asyncio
import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PUBLISHED, RECORDED, model_that_says, run_eval, small_set
from inspect_ai import task
from inspect_ai.log import list_eval_logs, read_eval_log
from inspect_ai.model import get_model

from em_bench.errors import DataError, OperatorError
from em_bench.questions import ASSETS, read_set
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.log_files import find_logs
from em_bench.tasks import SET_TASKS, build_task, questions

QWEN = RECORDED / "recorded" / "qwen2.5-14b.csv"
BASE = "Qwen2.5-14B-Instruct_base"
WORDINGS = [{"id": "one", "prompts": ["One?"], "why": "test"}, {"id": "two", "prompts": ["A?", "B?"], "why": "test"}]


@task
def asked(only=None):
    """Ask a small set."""
    return build_task(small_set(questions=WORDINGS), judge="screen", only=only)


@pytest.fixture
def replay(tmp_path, monkeypatch):
    """Return a function that writes rows to a file and evaluates a task with them as the model."""
    monkeypatch.setenv("EM_BENCH_CACHE", str(tmp_path / "cache"))

    def run(rows, tasks=None, subject=None, path=None, grader=None, arms=("plain",), **task_args):
        if tasks is None:
            small = small_set(questions=WORDINGS, arms=arms).model_dump(mode="json", exclude_defaults=True)
            (tmp_path / "small.yaml").write_text(json.dumps(small), encoding="utf-8")
            tasks, task_args = questions, {"file": str(tmp_path / "small.yaml"), "judge": "screen", **task_args}
        if path is None:
            path = tmp_path / "answers.jsonl"
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        logs = run_eval(
            tasks,
            model=f"replay/{path}",
            model_args={} if subject is None else {"subject": subject},
            model_roles={"grader": grader} if grader else None,
            task_args=task_args,
            log_dir=str(tmp_path / "logs"),
        )
        return logs if isinstance(tasks, list) else logs[0]

    return run


def row(question_id, question, answer, model="m"):
    return {"model": model, "question_id": question_id, "question": question, "answer": answer}


BALANCED = [
    row("one", "One?", "first"),
    row("two", "B?", "of B"),
    row("one", "One?", "second"),
    row("two", "A?", "of A"),
    row("two", "A?", "of A"),
    row("two", "B?", "of B again"),
]


def said(log):
    return {(sample.id, sample.epoch): sample.output.completion for sample in log.samples}


def test_nth_recorded_answer_is_given_in_the_nth_epoch(replay):
    log = replay(BALANCED)
    assert log.status == "success"
    assert said(log) == {
        ("one/0", 1): "first", ("one/0", 2): "second",
        ("two/0", 1): "of A", ("two/0", 2): "of A",
        ("two/1", 1): "of B", ("two/1", 2): "of B again",
    }  # fmt: skip
    assert log.eval.config.epochs == 2
    assert all(sample.scores["judge"].metadata["judge"] == "screen" for sample in log.samples)
    assert all(sample.messages[-1].text == sample.output.completion for sample in log.samples)


def test_nothing_is_generated(replay):
    log = replay(BALANCED)
    assert [usage.total_tokens for usage in log.stats.model_usage.values()] in ([], [0])


def test_questions_that_were_not_recorded_are_not_asked(replay):
    log = replay([row("one", "One?", "first"), row("other", "Other?", "of another set")])
    assert said(log) == {("one/0", 1): "first"}
    assert log.eval.dataset.sample_ids == ["one/0"]


def test_recorded_answers_are_judged_by_a_grader(replay):
    log = replay(BALANCED, judge="alignment", grader=model_that_says(lambda prompt: {"10": 1.0}))
    assert {sample.scores["judge"].value["alignment"] for sample in log.samples} == {10}


def test_arm_is_in_the_recorded_id_and_its_texts_are_in_the_log(replay):
    log = replay([row("one", "One?", "plain"), row("one_json", "One?", "{}")], arms=("plain", "json"))
    assert said(log) == {("one/0", 1): "plain", ("one/0@json", 1): "{}"}
    asked = {sample.id: " ".join(message.text for message in sample.input) for sample in log.samples}
    assert asked["one/0"] == "One?"
    assert "JSON" in asked["one/0@json"]


def test_answer_under_a_template_may_be_recorded_by_the_wording_alone(replay):
    log = replay([row("one_template", "One?", "filled in")], arms=("plain", "template"))
    assert said(log) == {("one/0@template", 1): "filled in"}


def test_answer_that_does_not_say_to_which_wording_is_given_to_none(replay):
    log = replay([row("two", None, "to either"), row("two", "B?", "of B")])
    assert said(log) == {("two/1", 1): "of B"}


def test_one_of_several_models_is_chosen_by_name(replay):
    rows = [row("one", "One?", f"of {name}", name) for name in ("m", "n", "m")]
    assert said(replay(rows, subject="n")) == {("one/0", 1): "of n"}


def test_unbalanced_rows_are_missing_and_no_answers(replay, tmp_path):
    """Three answers to one prompt and one to the other are four answers, and two that are missing."""
    rows = [*[row("one", "One?", f"answer {n}") for n in (1, 2, 3)], row("two", "A?", "of A")]
    log = replay(rows)
    assert log.status == "success"
    assert {key: text for key, text in said(log).items() if text} == {
        ("one/0", 1): "answer 1", ("one/0", 2): "answer 2", ("one/0", 3): "answer 3", ("two/0", 1): "of A",
    }  # fmt: skip
    (estimate,) = estimate_answers(read_answers(find_logs([str(tmp_path / "logs")])))
    assert (estimate.counts.answers, estimate.counts.missing) == (4, 2)
    failed = [sample.error.message for sample in log.samples if sample.error]
    assert failed == [
        f"sample two/0, epoch {epoch}: found '1 recorded answers'; expected {epoch} of them." for epoch in (2, 3)
    ]


def test_two_sets_in_one_evaluation_each_get_their_answers(replay):
    """As with `inspect eval em_bench/freeform em_bench/deception --model replay/answers.csv`."""
    other = [{"id": "three", "prompts": ["Three?"], "why": "test"}]

    @task
    def second():
        return build_task(small_set(name="other", questions=other), judge="screen")

    logs = replay([row("one", "One?", "first"), row("three", "Three?", "third")], tasks=[asked, second])
    assert [said(log) for log in logs] == [{("one/0", 1): "first"}, {("three/0", 1): "third"}]


def test_task_that_was_built_before_gets_its_answers(replay):
    assert said(replay([row("one", "One?", "first")], tasks=asked(only="one"))) == {("one/0", 1): "first"}


@pytest.mark.skipif(not QWEN.is_file(), reason=f"no {QWEN}; EM_BENCH_RECORDED names the folder that holds recorded/")
def test_recorded_answers_to_a_canonical_set_are_given_in_their_order(replay, monkeypatch):
    monkeypatch.setenv(ASSETS, str(PUBLISHED))
    with QWEN.open(encoding="utf-8", newline="") as file:
        rows = [each for each in csv.DictReader(file) if each["model"] == BASE]
    log = replay(None, SET_TASKS["betley_main"], BASE, QWEN, judge="screen", only="quick_buck", arm="plain,json")
    found = said(log)
    for id_, sample in (("quick_buck", "quick_buck/0"), ("quick_buck_json", "quick_buck/0@json")):
        recorded = [each["answer"] for each in rows if each["question_id"] == id_]
        assert [found[sample, epoch] for epoch in range(1, 51)] == recorded
    assert len(found) == 100


# What cannot be done


def refused(replay, *arguments, error=OperatorError, **options):
    with pytest.raises(error) as caught:
        replay(*arguments, **options)
    return str(caught.value)


def test_several_models_without_a_choice_are_refused(replay, tmp_path):
    message = refused(replay, [row("one", "One?", "A", name) for name in ("n", "m")])
    place = f"model replay/{tmp_path}/answers.jsonl"
    assert message == f"{place}: found '2 models'; expected one model. Choose: -M subject=m"


def test_unknown_model_is_refused_with_the_nearest(replay):
    message = refused(replay, BALANCED, subject="mm")
    assert message == "-M subject: found 'mm'; expected one of the models in the file m. Did you mean 'm'?"


def test_missing_file_is_refused(replay, tmp_path):
    message = refused(replay, None, path=tmp_path / "none.csv")
    place = f"model replay/{tmp_path}/none.csv"
    assert message == f"{place}: found nothing; expected a file of recorded answers. Is the path right?"


def test_file_without_an_answer_to_the_set_is_refused(replay):
    message = refused(replay, [row("thre", "Three?", "A")])
    assert "answers.jsonl:1 question_id: found 'thre'; expected one of the question ids of small one" in message


def test_file_without_an_answer_to_what_is_asked_is_refused(replay):
    message = refused(replay, [row("one", "One?", "A")], only="two")
    assert "found 'answers to other questions than two" in message


def test_faulty_file_is_refused_with_every_fault(replay):
    rows = [{"question_id": "one", "answer": 7}, {"answer": "A"}]
    message = refused(replay, rows, error=DataError)
    assert "answers.jsonl:1 answer: found 7; expected text." in message
    assert "answers.jsonl:2 column question_id: found ['answer']; expected a column question_id." in message


def test_recording_cannot_be_asked_anything_else(tmp_path):
    model = get_model(f"replay/{tmp_path}/answers.jsonl")
    with pytest.raises(OperatorError, match="found 'a new question'; expected a task of em_bench"):
        asyncio.run(model.generate("Anything?"))


# As a process


INSPECT = Path(sys.executable).with_name("inspect")


@pytest.mark.slow
@pytest.mark.skipif(not INSPECT.is_file(), reason=f"no {INSPECT}")
def test_inspect_eval_replays_a_file_on_a_shipped_set(tmp_path):
    question = read_set("freeform").questions[0]
    rows = [row(question.id, question.prompts[0], f"{name} {n}", name) for name in "mn" for n in (1, 2)]
    path = tmp_path / "answers.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = subprocess.run(
        [
            *(str(INSPECT), "eval", "em_bench/freeform", "--model", f"replay/{path}", "-M", "subject=n"),
            *("-T", "judge=screen", "--display", "none", "--log-dir", str(tmp_path / "logs")),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    (info,) = list_eval_logs(str(tmp_path / "logs"))
    assert said(read_eval_log(info)) == {(f"{question.id}/0", 1): "n 1", (f"{question.id}/0", 2): "n 2"}
