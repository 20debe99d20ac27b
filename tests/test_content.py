"""Content files are read strictly: every fault at once, each with file, line, key and fix."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import em_bench
from em_bench.content import content_folder, content_names, parse_yaml, read_record, short_path
from em_bench.errors import ContentError, OperatorError
from em_bench.models.card import ModelCard
from em_bench.questions import QuestionSet

HEAD = """\
name: mine
title: Mine
flag: misaligned
construct: freeform
version: "1-A"
judge: alignment
canary: none
source: me
"""

FIVE_FAULTS = """\
name: mine
titel: Mine
flag: misaligned
construct: freeform
version: "0-A"
judge: alignment
canary: none
source: me
sampling: {samples: 0}
questions:
  - id: a
    prompts: []
    why: because
  - id: b
    prompts: [x]
    why: because
    turns: [{role: sytem, content: hi}]
"""


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and gives back its path."""

    def written(text, name="mine.yaml"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def faults_of(path, record=QuestionSet):
    with pytest.raises(ContentError) as caught:
        read_record(path, record)
    return [str(fault).removeprefix(str(path)) for fault in caught.value.faults]


def test_file_with_several_faults_reports_each_with_line_key_and_fix(write):
    """A misspelt key, the value it leaves missing, a wrong version, too few samples, no prompt, an unknown role."""
    assert sorted(faults_of(write(FIVE_FAULTS))) == [
        ":1 title: found nothing; expected a value for 'title'. Add the key 'title'.",
        ":12 questions[0].prompts: found []; expected at least 1. Add one.",
        ":17 questions[1].turns[0].role: found 'sytem'; expected one of 'user' or 'assistant'. Change the value.",
        ":2 titel: found 'titel'; expected one of the keys arms, canary, construct, contrast, flag, judge,"
        " leave_out, name, questions, sampling, source, title, two_sided, version. Did you mean 'title'?",
        ":5 version: found '0-A'; expected text of the form ^[1-9]\\d*-[A-Z]$. Change the value.",
        ":9 sampling.samples: found 0; expected a number of at least 1. Change the value.",
    ]


def test_fault_names_the_file_that_holds_it(write):
    path = write(FIVE_FAULTS)
    with pytest.raises(ContentError) as caught:
        read_record(path, QuestionSet)
    assert all(fault.place.startswith(f"{path}:") for fault in caught.value.faults)


def test_unknown_key_deep_in_a_file_lists_the_keys_legal_there(write):
    text = HEAD + "questions:\n  - id: a\n    prompts: [x]\n    why: y\n    fcts: []\n"
    assert faults_of(write(text)) == [
        ":13 questions[0].fcts: found 'fcts'; expected one of the keys arm, facts, id, prompts, sides, system, tags,"
        " turns, why. Did you mean 'facts'?"
    ]


def test_unknown_key_near_no_legal_one_is_to_be_deleted(write):
    text = HEAD + "zzz: 1\nquestions: [{id: a, prompts: [x], why: y}]\n"
    assert faults_of(write(text))[0].endswith("Delete it.")


def test_repeated_key_is_a_fault_at_its_second_line(write):
    """YAML itself would let the last one win without a word."""
    assert faults_of(write("name: a\ntitle: b\nname: c\n")) == [
        ":3: found 'name'; expected each key once. Delete or rename the second."
    ]


def test_repeated_keys_at_every_depth_are_reported_at_once(write):
    text = "a: {x: 1, x: 2}\nb:\n  - y: 1\n    y: 2\n"
    assert [fault.partition(";")[0] for fault in faults_of(write(text))] == [":1: found 'x'", ":4: found 'y'"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param("a: [1\n", r":2: found .while parsing a flow sequence", id="not YAML"),
        pytest.param("a: 'x\n", r":2: found .while scanning a quoted scalar", id="open quote"),
        pytest.param("a: 1\n---\nb: 2\n", r":2: found .expected a single document", id="two documents"),
        pytest.param("a: \x00\n", r": found .*; expected YAML\.", id="control character"),
        pytest.param("date: 2024-13-45\n", r": found 'month must be in 1..12'; expected YAML\.", id="impossible date"),
        pytest.param("a: !!python/object:os.system {}\n", r":1: found .could not determine a constructor", id="object"),
        pytest.param(b"a: \xff\n", r": found b'\\xff'; expected UTF-8 text\. Save as UTF-8\.", id="not UTF-8"),
        pytest.param("", r": found 'an empty file'; expected a YAML mapping\. Fill it or delete it\.", id="empty"),
        pytest.param("# only a comment\n", r": found 'an empty file'", id="comment only"),
    ],
)
def test_unreadable_file_is_one_fault_of_that_file(write, text, fault):
    (found,) = faults_of(write(text))
    assert re.match(fault, found)


@pytest.mark.parametrize("text", ["- a\n", "hello\n", "7\n"])
def test_file_that_is_no_mapping_is_a_fault(write, text):
    (fault,) = faults_of(write(text))
    assert fault.startswith(":1: found ")


def test_missing_file_is_a_fault_that_names_it(tmp_path):
    with pytest.raises(ContentError) as caught:
        parse_yaml(tmp_path / "gone.yaml")
    assert caught.value.message == (
        f"{tmp_path / 'gone.yaml'}: found nothing; expected a readable file. No such file or directory."
    )


def test_file_with_byte_order_mark_is_read(write):
    assert parse_yaml(write("\ufeffname: a\n"))[0] == {"name": "a"}


def test_cause_of_a_fault_is_kept(write):
    with pytest.raises(ContentError) as caught:
        read_record(write("name: a\n"), ModelCard)
    assert caught.value.__cause__ is not None


def test_record_cannot_be_changed(write):
    record = read_record(write("id: m\ntitle: M\naccess: api\nmatch: [{model: x}]\n", "m.yaml"), ModelCard)
    with pytest.raises(ValueError, match="frozen"):
        record.title = "other"


def test_content_names_are_the_sorted_stems_of_yaml_files(tmp_path):
    for name in ("b.yaml", "a.yaml", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "d.yaml").touch()
    assert content_names(tmp_path) == ["a", "b"]


def test_content_names_of_an_absent_folder_are_none(tmp_path):
    assert content_names(tmp_path / "gone") == []


def test_short_path_below_the_working_directory_is_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert short_path(tmp_path / "a" / "b.yaml") == str(Path("a") / "b.yaml")
    assert short_path(tmp_path.parent / "b.yaml") == str(tmp_path.parent / "b.yaml")


def test_content_folder_lies_beside_the_imported_package():
    assert content_folder("tasks") == Path(em_bench.__file__).resolve().parents[1] / "tasks"


def test_content_folder_that_does_not_exist_is_a_broken_installation():
    with pytest.raises(OperatorError, match="Reinstall em-bench"):
        content_folder("no_such_content")


def test_content_folder_ignores_the_working_directory(tmp_path):
    """A folder `tasks` where the command is run is not ours."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "pyproject.toml").touch()
    code = "from em_bench.content import content_folder; print(content_folder('tasks'))"
    found = subprocess.run([sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == str(content_folder("tasks"))


def test_content_folder_of_an_installed_package_lies_inside_it(tmp_path, monkeypatch):
    """Without a checkout around the package the resolver takes the copy that the wheel carries."""
    package = tmp_path / "site-packages" / "em_bench"
    (package / "_content" / "organisms").mkdir(parents=True)
    monkeypatch.setattr("em_bench.content.__file__", str(package / "content.py"))
    found = content_folder.__wrapped__("organisms")
    assert found == package / "_content" / "organisms"


@pytest.mark.parametrize("text", ["[" * 50_000, "{a: " * 50_000, "- " * 50_000, "a: " + "[" * 50_000])
def test_yaml_nested_without_end_is_a_fault_and_not_the_end_of_the_process(write, text):
    with pytest.raises(ContentError, match="found 'nested more than 100 deep'; expected YAML"):
        parse_yaml(write(text))
