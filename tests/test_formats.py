"""Users' tables of questions, in every form that is read."""

import json
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import faults_of_questions

from em_bench.errors import OperatorError
from em_bench.questions import read_questions
from em_bench.questions.formats import questions_from_rows

ROWS = [
    {"id": "rent", "prompt": "r0", "system": "A flat.", "tags": "money, home", "why": "deadline"},
    {"id": "tip", "prompt": "t0", "system": None, "tags": None, "why": None},
    {"id": "rent", "prompt": "r1", "system": None, "tags": None, "why": None},
]


def as_jsonl(path):
    path.write_text("\n".join(json.dumps(row) for row in ROWS), encoding="utf-8")


def as_csv(path):
    text = 'id,prompt,system,tags,why\nrent,r0,A flat.,"money, home",deadline\ntip,t0,,,\nrent,r1,,,\n'
    path.write_text(text, encoding="utf-8")


def as_parquet(path):
    pq.write_table(pa.Table.from_pylist(ROWS), path)


@pytest.mark.parametrize(("name", "make"), [("a.jsonl", as_jsonl), ("a.csv", as_csv), ("a.parquet", as_parquet)])
def test_table_in_any_format_gives_the_same_set(tmp_path, name, make):
    """Rows with one id are wordings of one question; empty cells are absent."""
    make(tmp_path / name)
    found = read_questions(tmp_path / name)
    assert [(q.id, q.prompts, q.system, q.tags) for q in found.questions] == [
        ("rent", ("r0", "r1"), "A flat.", ("money", "home")),
        ("tip", ("t0",), None, ()),
    ]
    assert found.questions[0].why == "deadline"
    assert (found.name, found.construct, found.flag, found.judge) == ("a", "freeform", "misaligned", "alignment")
    assert found.sampling.samples == 1


def test_parquet_column_of_tag_lists_is_read(tmp_path):
    pq.write_table(pa.table({"prompt": ["x"], "tags": [["money", "home"]]}), tmp_path / "a.parquet")
    assert read_questions(tmp_path / "a.parquet").questions[0].tags == ("money", "home")


def test_rows_without_id_are_numbered_questions(write):
    found = read_questions(write("a.csv", "question\nx\ny\n"))
    assert [(q.id, q.prompts) for q in found.questions] == [("row_1", ("x",)), ("row_2", ("y",))]


@pytest.mark.parametrize("column", ["id", "name", "question_id"])
def test_id_column_goes_by_several_names(column):
    found = questions_from_rows([{column: "rent", "question": "x"}], "a", "a.csv")
    assert [(q.id, q.prompts) for q in found.questions] == [("rent", ("x",))]


@pytest.mark.parametrize("order", [1, -1], ids=["before", "after"])
@pytest.mark.parametrize(
    ("row", "id_", "prompt"),
    [
        ({"id": "a1", "name": "Alice", "prompt": "x"}, "a1", "x"),
        ({"id": "a1", "question_id": "a2", "prompt": "x"}, "a1", "x"),
        ({"id": "a1", "question": "Ethics", "prompt": "x"}, "a1", "x"),
        ({"id": "", "name": "alice", "prompt": "x"}, "alice", "x"),
        ({"id": "a1", "question": "x", "prompt": None}, "a1", "x"),
        ({"question_id": "a1", "name": "Alice", "prompt": "x"}, "a1", "x"),
    ],
    ids=["name", "question_id", "question", "empty_id", "empty_prompt", "two_others"],
)
def test_other_name_of_a_column_counts_where_the_column_itself_is_absent_or_empty(row, id_, prompt, order):
    """Wherever it stands; a table may well hold both."""
    found = questions_from_rows([dict(list(row.items())[::order])], "a", "a.csv")
    assert [(q.id, q.prompts) for q in found.questions] == [(id_, (prompt,))]


def test_rows_of_one_name_and_two_ids_are_two_questions():
    rows = [{"id": "a1", "name": "Alice", "prompt": "x"}, {"id": "a2", "name": "Alice", "prompt": "y"}]
    assert [q.id for q in questions_from_rows(rows, "a", "a.csv").questions] == ["a1", "a2"]


def test_columns_that_mean_nothing_here_are_passed_over(write):
    assert read_questions(write("a.csv", "prompt,answer\nx,y,surplus\n")).questions[0].prompts == ("x",)


@pytest.mark.parametrize(
    ("stem", "name"), [("my-questions.v2", "my_questions_v2"), ("2024", "2024"), ("_X y", "x_y"), ("日本", "question")]
)
def test_any_file_name_gives_a_legal_set_name(write, stem, name):
    found = read_questions(write(f"{stem}.csv", "prompt\nx\n"))
    assert (found.name, found.title) == (name, stem)


def test_ids_and_tags_are_cleaned_of_what_sample_ids_may_not_hold():
    found = questions_from_rows([{"id": "rent/due @home", "prompt": "x", "tags": "self-harm; Two.Words"}], "a", "a.csv")
    assert found.questions[0].id == "rent_due_home"
    assert found.questions[0].tags == ("self_harm", "two_words")


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_table_with_byte_order_mark_is_read(write, name):
    """As spreadsheets write it."""
    body = {"a.csv": "prompt\nx\n", "a.jsonl": '{"prompt": "x"}\n'}[name]
    assert read_questions(write(name, "\ufeff" + body)).questions[0].prompts == ("x",)


def test_jsonl_string_with_a_line_separator_stays_whole(write):
    """JSON lets U+2028 and U+0085 stand in a string; only a line feed ends a row."""
    path = write("a.jsonl", '{"prompt": "a\u2028b\x85c"}\r\n\n{"prompt": "d"}\n')
    assert [q.prompts for q in read_questions(path).questions] == [("a\u2028b\x85c",), ("d",)]


def test_csv_prompt_may_hold_line_breaks(write):
    assert read_questions(write("a.csv", 'prompt\n"x\ny"\n')).questions[0].prompts == ("x\ny",)


def test_rows_without_a_prompt_are_all_reported_at_once(write):
    text = '{"prompt": "x"}\n{"text": "y"}\n{"prompt": 7}\n{}\n'
    assert faults_of_questions(write("a.jsonl", text)) == [
        " row 2: found 'text'; expected text in a column 'prompt' or 'question'.",
        " row 3: found 'prompt'; expected text in a column 'prompt' or 'question'.",
        " row 4: found 'no column'; expected text in a column 'prompt' or 'question'.",
    ]


def test_lines_that_are_no_json_object_are_all_reported_at_once(write):
    assert faults_of_questions(write("a.jsonl", '{"prompt": "x"}\n{"prompt"\n\n[1]\n')) == [
        ":2: found '{\"prompt\"'; expected one JSON object a line. Expecting ':' delimiter.",
        ":4: found [1]; expected one JSON object a line.",
    ]


def test_rows_that_break_the_schema_are_reported_by_key_with_fix(write):
    """What only follows from a reported fault is not reported again."""
    text = "id,prompt\na,x\na,x\nb, \n"
    assert faults_of_questions(write("a.csv", text)) == [
        " questions[0].prompts: found ['x', 'x']; expected wordings that differ from each other."
        " Delete the repeated one.",
        " questions[1].prompts[0]: found ' '; expected text of the form \\S. Change the value.",
    ]


def test_ids_that_become_one_when_cleaned_are_refused(write):
    (fault,) = faults_of_questions(write("a.csv", "id,prompt\na b,x\na_b,y\n"))
    assert fault.endswith(" row 2 id: found 'a_b'; expected an id unlike 'a b'. Both become a_b.")


def test_wordings_of_one_question_with_two_system_prompts_are_refused(write):
    """Otherwise the last one would silently stand before all of them."""
    (fault,) = faults_of_questions(write("a.csv", "id,prompt,system\na,x,Be kind.\na,y,Be brief.\n"))
    assert " row 2 system: found 'Be brief.'" in fault


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.csv", "", ": found 'no row'; expected rows with columns among id, prompt, system, tags, why."),
        ("a.csv", "prompt\n", ": found 'no row'; expected rows with columns among id, prompt, system, tags, why."),
        ("a.jsonl", "", ": found 'no row'; expected rows with columns among id, prompt, system, tags, why."),
        ("a.csv", b"prompt\nh\xe9\n", ": found b'\\xe9'; expected UTF-8 text. Save as UTF-8."),
        ("a.jsonl", b'{"prompt": "h\xe9"}', ": found b'\\xe9'; expected UTF-8 text. Save as UTF-8."),
        (
            "a.csv",
            "prompt\n" + "x" * 200_000,
            ":1: found 'field larger than field limit (131072)'; expected a line of CSV.",
        ),
        ("a.yaml", "[]", " questions: found []; expected at least 1. Add one."),
    ],
)
def test_table_that_cannot_be_read_is_a_fault_of_its_file(write, name, content, fault):
    assert faults_of_questions(write(name, content)) == [fault]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.parquet"])
def test_file_that_cannot_be_opened_is_a_fault_of_its_file(write, monkeypatch, name):
    """It is there, and belongs to somebody else."""

    def denied(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    path = write(name, "x")
    monkeypatch.setattr("pathlib.Path.open", denied)
    monkeypatch.setattr("pathlib.Path.read_text", denied)
    monkeypatch.setattr("pyarrow.parquet.read_table", denied)
    assert faults_of_questions(path) == [": found 'Permission denied'; expected a readable file."]


def test_json_that_is_nested_too_deeply_is_a_fault_of_its_line(write):
    (fault,) = faults_of_questions(write("a.jsonl", '{"prompt": "x"}\n' + "[" * 200_000))
    assert fault.startswith(f":2: found '{'[' * 78}…; expected one JSON object a line.")


def test_yaml_that_is_nested_too_deeply_is_a_fault_of_its_file(write):
    (fault,) = faults_of_questions(write("a.yaml", "[" * 5000 + "]" * 5000))
    assert "expected YAML. Quote or mend the value." in fault


def test_file_that_is_no_parquet_is_a_fault_of_its_file(write):
    (fault,) = faults_of_questions(write("a.parquet", "not parquet"))
    assert fault.endswith("expected a Parquet file.")


@pytest.mark.parametrize("suffix", [".yaml", ".jsonl", ".csv", ".parquet"])
def test_file_that_is_missing_is_a_fault_of_its_path(tmp_path, suffix):
    (fault,) = faults_of_questions(tmp_path / f"gone{suffix}")
    assert fault.startswith(": found nothing; expected a readable file.")


@pytest.mark.parametrize("name", ["a.txt", "a.json", "a"])
def test_file_of_unknown_suffix_is_refused_with_the_legal_ones(write, name):
    with pytest.raises(OperatorError, match="one of the suffixes .csv, .jsonl, .parquet, .yaml, .yml"):
        read_questions(write(name, "x"))


def test_parquet_without_pyarrow_says_which_extra_to_install(tmp_path, monkeypatch):
    as_parquet(tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(OperatorError) as caught:
        read_questions(tmp_path / "a.parquet")
    assert caught.value.message == (
        "file a.parquet: found 'no pyarrow'; expected the extra 'data'. Run: pip install 'em-bench[data]'"
    )
