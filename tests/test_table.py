"""Numbers as people and spreadsheets read them."""

import csv
import io
import math

import pandas as pd
import pytest

from em_bench.cli.shared import plain_text
from em_bench.results.table import csv_text, percent


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (0.0, "0 %"),
        (0.0002, "0.02 %"),
        (7e-8, "under 0.01 %"),
        (0.003, "0.3 %"),
        (0.0214, "2.1 %"),
        (0.125, "13 %"),
        (0.2, "20 %"),
        (1.0, "100 %"),
        (math.nan, "—"),
        (None, "—"),
    ],
)
def test_percent_has_sensible_digits(share, said):
    assert percent(share) == said


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-x", "@SUM(A1)", "＝1+1", "＋1", "－x", "＠SUM(A1)", " =1+1"])
def test_csv_cells_that_a_spreadsheet_would_run_are_defused(cell):
    text = csv_text(pd.DataFrame({"model": [cell], "rate": [-0.5]}))
    assert text.splitlines()[1] == f"'{cell},-0.5"


@pytest.mark.parametrize("cell", ["a\r=1+1", "a\r\n=1+1", "\r=1+1"])
def test_csv_cells_hold_no_return_at_which_a_spreadsheet_begins_a_row(cell):
    text = csv_text(pd.DataFrame({"model": [cell]}))
    assert "\r" not in text
    ((read,),) = list(csv.reader(io.StringIO(text, newline="")))[1:]
    assert read.lstrip("'").split() == cell.split()


def test_plain_text_has_no_control_characters():
    """A model's name must not move the cursor or colour the terminal."""
    assert plain_text("a\x1b[31mb\u202ec") == "a�[31mb�c"
