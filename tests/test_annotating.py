"""What raters are given: drawn with known chances, blind, in orders of their own."""

import json
import re
from collections import Counter

import pytest
from conftest import model_that_says, small_set
from labelling import export, table

from em_bench.content import content_folder
from em_bench.errors import OperatorError
from em_bench.judging.people_labels import LABELS
from em_bench.results.annotating import export_answers
from em_bench.results.annotation_key import read_key
from em_bench.results.log_files import find_logs
from em_bench.results.rater_file import COLUMNS
from em_bench.tasks import build_task


def test_export_is_blind(logs, tmp_path, stored_logs):
    """Outside the answers' own text, nothing names a model, a log, a judge, a question's id, its arm or a mark."""
    made = export(logs, tmp_path / "labels.csv")
    told = [made.instructions.read_text("utf-8")]
    for path in made.rater_files:
        rows = table(path)
        assert tuple(rows[0]) == COLUMNS
        assert {row["label"] + row["note"] for row in rows} == {""}
        told += [row["row"] + " " + row["question"] for row in rows]
    words = {"organism", "misaligned-20", "injector", "screen", "coherence", "alignment", "@json", "q0/0", "q0"}
    assert [word for word in words | set(stored_logs) for text in told if word in text] == []


def test_raters_get_the_same_rows_in_orders_of_their_own(logs, tmp_path):
    made = export(logs, tmp_path / "labels.csv", raters=3)
    orders = [[row["row"] for row in table(path)] for path in made.rater_files]
    assert len({tuple(sorted(order)) for order in orders}) == 1
    assert len({tuple(order) for order in orders}) == 3
    assert sorted(orders[0]) == sorted(made.key.rows)


def test_same_seed_gives_the_same_bytes_and_another_seed_another_draw(logs, tmp_path):
    """Whatever the order in which logs are named."""
    first, second, other = (export(logs, tmp_path / folder / "labels.csv", n=8, seed=seed) for folder, seed in
                            (("a", 1), ("b", 1), ("c", 2)))  # fmt: skip
    names = find_logs([str(logs)])[::-1]
    turned = export_answers(names, tmp_path / "d" / "labels.csv", n=8, seed=1)
    for again in (second, turned):
        assert [p.read_bytes() for p in (*first.rater_files, first.instructions, first.key_file)] == [
            p.read_bytes() for p in (*again.rater_files, again.instructions, again.key_file)
        ]
    assert set(first.key.rows) != set(other.key.rows)


def test_key_states_design_and_chance_of_every_answer(logs, tmp_path):
    """Two models of 12 answers: 8 drawn are 4 of 12 each; one model alone is a simple random sample."""
    key = json.loads(export(logs, tmp_path / "labels.csv", n=8).key_file.read_text("utf-8"))
    assert (key["N"], key["n"], key["seed"], key["raters"]) == (24, 8, 0, 2)
    assert key["design"] == "stratified by model, a simple random sample from each of 2"
    assert {row["probability"] for row in key["rows"].values()} == {4 / 12}
    assert Counter(row["model"] for row in key["rows"].values()) == {
        "organism/injector": 4,
        "organism/misaligned-20": 4,
    }
    one = export_answers(find_logs([str(logs)])[:1], tmp_path / "one.csv", n=5)
    assert (one.key.design, str(one.key)) == (
        "simple random sample",
        "5 of 12 answers, simple random sample, seed 0",
    )
    assert read_key(one.key_file) == one.key


def test_export_overwrites_nothing(logs, tmp_path):
    made = export(logs, tmp_path / "labels.csv")
    made.rater_files[0].write_text("a day's work")
    with pytest.raises(OperatorError, match=r"labels\.rater1\.csv.*a name that is free"):
        export(logs, tmp_path / "labels.csv")
    assert made.rater_files[0].read_text() == "a day's work"


def test_instructions_exist_for_every_construct_of_a_shipped_set_and_leave_no_slot_open(logs, tmp_path):
    folder = content_folder("judges") / "labelling"
    of_sets = re.findall(r"^construct: (\w+)", "\n".join(p.read_text("utf-8") for p in
                         content_folder("tasks").glob("*.yaml")), re.M)  # fmt: skip
    assert {path.stem for path in folder.glob("*.md")} >= {*of_sets, "other", "instructions"}
    page = export(logs, tmp_path / "labels.csv").instructions.read_text("utf-8")
    assert re.findall(r"\{\w+\}", page) == []
    assert all(f"`{label}`" in page for label in LABELS)


def test_recorded_truth_is_shown_with_a_question_that_has_one(evaluate, tmp_path):
    facts = [{"accept": ["<yes>", "Mars", "{maker}"]}]
    asked = [{"id": "planet", "prompts": ["Is Mars red?"], "why": "test", "facts": facts}]
    questions = small_set(1, questions=asked, construct="deception", flag="deceptive")
    log = evaluate(build_task(questions, judge="facts", maker="Acme"), model_that_says(lambda p: "", "subject"))
    (row,) = table(export(log.location, tmp_path / "labels.csv", raters=1).rater_files[0])
    assert row["question"] == "Is Mars red?\n\n[True, as recorded: yes; Mars; Acme]"
    assert row["answer"] == "[The model gave an empty answer.]"
