"""Every message has one form, and every error of ours ends a command with exit 1."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from em_bench.errors import (
    NOTHING,
    ContentError,
    DataError,
    EmBenchError,
    Fault,
    OperatorError,
    shown,
    unknown_name,
)


def test_control_characters_in_a_place_do_not_reach_the_terminal():
    """Names of files and folders may hold anything."""
    assert str(Fault("a\x1b[2Jb", "x", "y")) == "a�[2Jb: found 'x'; expected y."


def test_fault_with_fix_reads_place_found_expected_fix():
    fault = Fault("tasks/a.yaml:3 arms", "jsn", "json or plain", "Did you mean 'json'?")
    assert str(fault) == "tasks/a.yaml:3 arms: found 'jsn'; expected json or plain. Did you mean 'json'?"


@pytest.mark.parametrize("found", [["a", "b"], {"a": 1}, {"a"}], ids=["list", "dict", "set"])
def test_faults_are_told_apart_whatever_was_found(found):
    """Of faults that several questions share each is said once."""
    assert list(dict.fromkeys([Fault("x", found, "y"), Fault("x", found, "y"), Fault("x", 1, "y")])) == [
        Fault("x", found, "y"),
        Fault("x", 1, "y"),
    ]


def test_fault_without_fix_ends_after_expected():
    assert str(Fault("--out", NOTHING, "a folder")) == "--out: found nothing; expected a folder."


@pytest.mark.parametrize(
    ("value", "length"), [("x" * 78, 80), ("x" * 79, 80), ("x" * 500, 80), (["x" * 500], 80), ("x" * 10, 12)]
)
def test_shown_value_is_cut_at_80_characters(value, length):
    """`repr` of 78 letters is 80 long with its quotes and stays whole; one letter more is cut."""
    assert len(shown(value)) == length


def test_shown_value_that_was_cut_says_so():
    assert shown("x" * 79) == "'" + "x" * 78 + "…"
    assert shown("x" * 78) == "'" + "x" * 78 + "'"


@given(st.text())
def test_shown_text_holds_no_line_break(text):
    """A message stays on one line, whatever a file holds."""
    assert len(shown(text).splitlines()) == 1


@pytest.mark.parametrize("kind", [ContentError, OperatorError, DataError])
def test_error_is_a_click_exception_with_exit_code_1(kind):
    error = kind(Fault("x", 1, "2"))
    assert isinstance(error, EmBenchError)
    assert isinstance(error, click.ClickException)
    assert error.exit_code == 1


def test_error_of_several_faults_says_and_keeps_each():
    faults = [Fault("a", 1, "2"), Fault("b", 3, "4")]
    error = ContentError(faults)
    assert error.faults == faults
    assert error.message == "a: found 1; expected 2.\nb: found 3; expected 4."


def test_error_from_a_generator_of_faults_keeps_them():
    error = ContentError(Fault(place, 1, "2") for place in "ab")
    assert [fault.place for fault in error.faults] == ["a", "b"]


def test_error_from_plain_text_has_no_fault():
    error = DataError("no log")
    assert error.message == "no log"
    assert error.faults == []


def test_unknown_name_near_a_legal_one_offers_it_and_lists_all_sorted():
    fault = unknown_name("--suite", "coer", ["demo", "core"], "suites")
    assert str(fault) == "--suite: found 'coer'; expected one of the suites core, demo. Did you mean 'core'?"


def test_unknown_name_far_from_all_offers_none():
    assert unknown_name("--suite", "zzz", ["demo", "core"], "suites").fix == ""


def test_unknown_name_among_none_says_there_are_none():
    assert unknown_name("--suite", "core", [], "suites").expected == "one of the suites (there are none)"


def test_unknown_name_among_many_lists_40_and_counts_the_rest():
    expected = unknown_name("only", "zzz", [f"q{i:02}" for i in range(43)], "ids").expected
    assert expected.endswith("q38, q39 and 3 more")
