"""The table of faults in benchmarks/README.md is that of the report the matrix wrote."""

import json

from conftest import ROOT


def test_page_shows_what_the_matrix_wrote():
    report = json.loads((ROOT / "benchmarks/faults/report.json").read_text("utf-8"))["faults"]
    keys = ("fault", "injected", "survived", "lost", "judged_twice", "kept")
    keys += ("subject_calls_again", "judge_calls_again")
    rows = ["| " + " | ".join(str(each[key]) for key in keys) + " |" for each in report.values()]
    page = (ROOT / "benchmarks/README.md").read_text("utf-8")
    assert rows and "\n".join(rows) in page


def test_nothing_that_was_injected_lost_anything():
    report = json.loads((ROOT / "benchmarks/faults/report.json").read_text("utf-8"))["faults"]
    assert [name for name, each in report.items() if each["lost"] or each["survived"] != each["injected"]] == []
    assert sum(each["injected"] for each in report.values() if each["fault"].startswith("kill -9 of all")) == 20
