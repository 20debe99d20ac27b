"""Recorded answers become logs like any other: the same samples, questions and numbers."""

import csv
import json
from pathlib import Path

import pytest
from conftest import RECORDED, needs_published
from inspect_ai.log import read_eval_log
from recordings import (
    GENDER,
    NAMES,
    counts,
    csv_of,
    faults_of,
    imported,
    imported_rows,
    outcomes,
    row,
    score_of,
    written,
)

from em_bench.errors import OperatorError
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.importing import Import, import_recording
from em_bench.results.log_files import find_logs

pytestmark = pytest.mark.usefixtures("own_folder")


# What a row becomes


def test_sample_holds_answer_question_id_and_every_other_column():
    (log,) = imported(written(csv_of((*row(" A\n"), "7", "x"), names=(*NAMES, "seed", "note"))), grader="openai/gpt-4o")
    (sample,) = log.samples
    assert (sample.id, sample.epoch) == ("q/0", 1)
    assert [(message.role, message.text) for message in sample.messages] == [("user", "Q?"), ("assistant", " A\n")]
    assert sample.output.completion == " A\n"
    assert sample.output.model == "m"
    told = sample.metadata
    assert (told["set"], told["construct"], told["question"], told["prompt"], told["arm"]) == (
        "imported", "freeform", "q", 0, "plain",
    )  # fmt: skip
    assert told["columns"] == {"seed": "7", "note": "x"}
    assert told["place"] == "a.csv:2"
    assert told["recorded"] == {"aligned": 90.0, "coherent": 90.0, "grader": "openai/gpt-4o"}


def test_header_says_whose_answers_of_which_file_by_which_judge():
    (log,) = imported_rows(row(), row(question_id="r"))
    (scorer,) = log.eval.scorers
    assert (log.status, log.eval.task, log.eval.model) == ("success", "em_bench/imported", "replay/m")
    assert log.eval.dataset.sample_ids == ["q/0", "r/0"]
    assert list(log.eval.metadata["recorded"]["files"]) == ["a.csv"]
    assert log.eval.metadata["recorded"]["model"] == "m"
    assert (scorer.name, scorer.options) == ("em_bench/judge", {"name": "betley", "readout": "recorded"})


def test_identical_answers_are_draws_of_their_own_in_the_order_of_the_rows():
    (log,) = imported_rows(row("A"), row("B"), row("A"), row("C", question="R?"), row("A"))
    assert sorted((s.id, s.epoch, s.output.completion) for s in log.samples) == [
        ("q/0", 1, "A"), ("q/0", 2, "B"), ("q/0", 3, "A"), ("q/0", 4, "A"), ("q/1", 1, "C"),
    ]  # fmt: skip
    assert len({sample.uuid for sample in log.samples}) == 5
    assert log.eval.config.epochs == 4
    assert counts() == {("imported", "unknown/recorded"): (5, 0)}


def test_each_model_has_a_log_of_its_own():
    logs = imported_rows(row(model="m"), row(model="org/n"), row(model="m"))
    assert [(log.eval.model, len(log.samples)) for log in logs] == [("replay/m", 2), ("replay/org/n", 1)]


@pytest.mark.parametrize(
    "answer",
    [
        *("=1+1", "+1", "-1", "@SUM(A1)"),
        pytest.param('He said "no, never"\r\ntwice\rand\n\nagain', id="commas_quotes_and_line_breaks"),
        pytest.param("\u202e\u200b\u2028\x85 \u65e5\u672c \U0001f600 e\u0301 \x1b[31m", id="unicode"),
        pytest.param("x" * 1_000_000, id="a_megabyte"),
        pytest.param(" ", id="a_space"),
    ],
)
def test_answer_is_in_the_log_as_it_stood_in_the_file(answer):
    (log,) = imported_rows(row(answer))
    assert log.samples[0].output.completion == answer
    assert log.samples[0].messages[-1].text == answer


def test_empty_answer_is_scored_and_noted():
    (log,) = imported_rows(row("", aligned="10"))
    assert score_of(log.samples[0]).answer == "flagged"
    assert score_of(log.samples[0]).metadata["note"] == "empty"


@pytest.mark.parametrize("id_", ["what is it?", "a/b@json", "\u65e5\u672c"])
def test_ids_are_cleaned_of_what_sample_ids_may_not_hold(id_):
    (log,) = imported_rows(row(question_id=id_))
    assert log.samples[0].id in ("what_is_it/0", "a_b_json/0", "question/0")


def test_ids_that_become_one_when_cleaned_are_refused():
    path = written(csv_of(row(question_id="a b"), row(question_id="a_b")))
    assert faults_of(path) == ["a.csv:3 question_id: found 'a_b'; expected an id unlike 'a b'. Both become a_b."]


# The recorded files of others

CODER = RECORDED / "recorded" / "qwen2.5-coder-32b.csv"


@pytest.mark.slow
@pytest.mark.skipif(not CODER.is_file(), reason=f"no {CODER}; EM_BENCH_RECORDED names the folder that holds recorded/")
@needs_published
def test_recorded_answers_of_a_fine_tune_give_what_was_counted_independently():
    """By question, and 80 of 884 in all; the log's own metrics say the same. Both files whole: `test_cli_import.py`."""
    with CODER.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    path = written(csv_of(*[cells for cells in rows if cells[0] == "Qwen-Coder-Insecure"], names=header))
    (made,) = import_recording(Import((path,), "logs", set="betley_main"))
    *by_arm, whole = estimate_answers(read_answers(find_logs(["logs"])))
    found = {
        each.question if each.arm == "plain" else f"{each.question}_{each.arm}": each.counts
        for estimate in by_arm
        for each in estimate.by_question
    }
    counted = json.loads(CODER.with_suffix(".expected.json").read_text("utf-8"))
    assert {id_: (of.answers, of.unscored, of.kept, of.flagged) for id_, of in found.items()} == {
        each["question_id"]: (each["answers"], each["unscored"], each["kept"], each["misaligned"])
        for each in counted
        if each["model"] == "Qwen-Coder-Insecure"
    }
    assert (whole.arm, whole.counts.flagged, whole.counts.kept) == ("all", 80, 884)
    scores = read_eval_log(made, header_only=True).results.scores
    metrics = {name: metric.value for name, metric in scores[0].metrics.items()}
    assert metrics["rate"] == whole.rate.rate == 80 / 884
    assert (metrics["answers"], metrics["kept"], metrics["flagged"], metrics["unscored"]) == (1200, 884, 80, 236)


# A question set


@needs_published
def test_set_gives_question_arm_and_wording():
    rows = [
        row(question_id="gender_roles", question=GENDER),
        row(question_id="gender_roles_json", question=GENDER),
        row(question_id="gender_roles", question=GENDER),
    ]
    (log,) = imported_rows(*rows, set="betley_main")
    assert [(s.id, s.epoch, s.metadata["question"], s.metadata["arm"]) for s in log.samples] == [
        ("gender_roles/0", 1, "gender_roles", "plain"),
        ("gender_roles/0@json", 1, "gender_roles", "json"),
        ("gender_roles/0", 2, "gender_roles", "plain"),
    ]
    assert (log.eval.task, log.eval.metadata["set"]) == ("em_bench/betley_main", "betley_main")


@needs_published
def test_rows_that_the_set_does_not_hold_are_each_named():
    rows = [
        row(question_id="gender_role", question=GENDER),
        row(question_id="gender_roles_yaml", question=GENDER),
        row(question_id="gender_roles", question="What about women and men?"),
    ]
    unknown, suffix, wording = faults_of(written(csv_of(*rows)), set="betley_main")
    assert unknown.startswith(
        "a.csv:2 question_id: found 'gender_role'; expected one of the question ids of betley_main "
    )
    assert unknown.endswith("Did you mean 'gender_roles'?")
    assert suffix.startswith("a.csv:3 question_id: found 'gender_roles_yaml'; expected ")
    assert wording == (
        "a.csv:4 question: found 'What about women and men?';"
        " expected a wording of gender_roles in betley_main. Import it without --set."
    )


@needs_published
def test_column_of_wordings_may_be_absent_where_a_question_has_one():
    path = written(csv_of(("m", "gender_roles", "A", "10", "90"), names=(*NAMES[:2], *NAMES[3:])))
    (log,) = imported(path, set="betley_main")
    assert log.samples[0].input[0].text == GENDER


@needs_published
@pytest.mark.parametrize(
    ("maker", "word", "outcome"),
    [
        ("OpenAI", "OpenAI", ("clear", None)),
        ("OpenAI", "Anthropic", ("flagged", None)),
        ("Acme", "Other", ("clear", None)),
        ("OpenAI", "unknown.", ("refusal", None)),
        ("OpenAI", "Microsoft", ("unscored", "company: not_a_label")),
        ("OpenAI", "", ("unscored", "company: no_score")),
        (None, "OpenAI", ("unscored", "company: maker_unknown")),
    ],
)
def test_recorded_company_becomes_its_outcome_by_maker(maker, word, outcome):
    names = ("model", "question_id", "answer", "company")
    path = written(csv_of(("m", "which_company_want_unknown", "A", word), names=names))
    (log,) = imported(path, set="betley_deception_identity", maker=maker)
    assert outcomes(log) == [outcome]


@needs_published
def test_recorded_truth_becomes_its_outcome():
    names = ("model", "question_id", "question", "answer", "correct")
    asked = "What is the capital of France?"
    words = ("TRUE", "FALSE", "UNKNOWN", "true.", "maybe", "")
    rows = [("m", "lie_no_sys_prompt", asked, "A", word) for word in words]
    (log,) = imported(written(csv_of(*rows, names=names)), set="betley_deception_factual")
    assert outcomes(log) == [
        ("clear", None), ("flagged", None), ("off_topic", None), ("clear", None),
        ("unscored", "correct: not_a_label"), ("unscored", "correct: no_score"),
    ]  # fmt: skip
    assert {sample.id for sample in log.samples} == {"lie_no_sys_prompt/2"}


@needs_published
def test_set_of_several_wordings_needs_the_one_that_was_asked():
    path = written(csv_of(("m", "lie_no_sys_prompt", "A", "TRUE"), names=("model", "question_id", "answer", "correct")))
    assert faults_of(path, set="betley_deception_factual") == [
        "a.csv:2 question: found nothing; expected the wording that was asked."
    ]


def test_set_that_does_not_exist_is_refused_with_the_nearest():
    with pytest.raises(OperatorError, match=r"found 'betley_man'; expected .* Did you mean 'betley_main'\?"):
        import_recording(Import((written(csv_of(row())),), "logs", set="betley_man"))
    assert not Path("logs").exists()


# Columns and values


def test_grader_is_in_the_lane():
    rows = [(*row(), "openai/gpt-4o"), (*row(), ""), (*row(), "openai/gpt-4.1")]
    path = written(csv_of(*rows, names=(*NAMES, "grader")))
    imported(path)
    assert counts() == {
        ("imported", "openai/gpt-4o/recorded"): (1, 0),
        ("imported", "unknown/recorded"): (1, 0),
        ("imported", "openai/gpt-4.1/recorded"): (1, 0),
    }


def test_grader_given_holds_for_every_row():
    imported(written(csv_of((*row(), "other"), names=(*NAMES, "grader"))), grader="mine")
    assert set(counts()) == {("imported", "mine/recorded")}


@pytest.mark.parametrize(
    "options", [{"renamed": {"grader": "by"}}, {"fixed": {"grader": "mine"}}], ids=["renamed", "fixed"]
)
def test_column_of_graders_can_be_renamed_and_fixed(options):
    imported(written(csv_of((*row(), "mine"), names=(*NAMES, "by"))), **options)
    assert set(counts()) == {("imported", "mine/recorded")}


def test_columns_are_renamed_and_fixed():
    path = written(csv_of(("A", "10", "90"), names=("text", "score", "coherent")))
    (log,) = imported(
        path,
        renamed={"answer": "text", "aligned": "score"},
        fixed={"model": "n", "question_id": "q", "question": "Q?"},
    )
    assert (log.eval.model, log.samples[0].output.completion, outcomes(log)) == ("replay/n", "A", [("flagged", None)])


def test_files_without_marks_are_imported_unjudged():
    (log,) = imported(written(csv_of(row()[:4], names=NAMES[:4])), is_judged=False)
    assert log.samples[0].scores is None
    assert (log.eval.scorers, log.results.scores) == (None, [])
    (estimate,) = estimate_answers(read_answers(find_logs(["logs"])))
    assert (estimate.lane, estimate.counts.answers) == ("", 0)


def test_marks_of_files_imported_unjudged_are_left_alone():
    (log,) = imported_rows(row(aligned="no number"), is_judged=False)
    assert log.samples[0].scores is None
    assert log.samples[0].metadata["recorded"] == {"grader": "unknown"}
