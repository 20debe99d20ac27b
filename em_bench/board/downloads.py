"""What readers take with them: every estimate and every question's counts as files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from em_bench import __version__
from em_bench.board.citation import bibtex
from em_bench.board.page import File, Page, page_key
from em_bench.board.submitted import borne_out
from em_bench.results.estimate import Estimate
from em_bench.results.table import csv_text, flat_table

if TYPE_CHECKING:
    import pandas as pd

    from em_bench.board.board import Board

__all__ = ["download_pages"]

FOLDER = "downloads"


def download_pages(board: Board) -> Iterator[Page | File]:
    """Yield the files, and the page that says what is in them."""
    has_parquet = find_spec("pyarrow") is not None
    key = page_key([board.key_of(each) for each in board.estimates], repr(board.submitted))
    view = {"folder": FOLDER, "has_parquet": has_parquet}
    yield Page("downloads.html", "downloads.html", page_key(view), lambda: view)
    yield File(f"{FOLDER}/estimates.csv", key, lambda: _csv(_estimates(board)))
    yield File(f"{FOLDER}/estimates.json", key, lambda: _json(board))
    yield File(f"{FOLDER}/questions.csv", key, lambda: _csv(flat_table(list(board.estimates), by_question=True)))
    if has_parquet:
        yield File(f"{FOLDER}/estimates.parquet", key, lambda: _parquet(board))
    yield File(f"{FOLDER}/em_bench.bib", page_key(__version__), lambda: bibtex().encode())


def _estimates(board: Board) -> pd.DataFrame:
    """Return the table that `em-bench results` prints, with what each row traces back to."""
    estimates = list(board.estimates)
    traced = [_trace(board, each) for each in estimates]
    return flat_table(estimates).assign(
        **{name: [each[name] for each in traced] for name in (*_ABOUT, "badge", "logs")}
    )


def _trace(board: Board, estimate: Estimate) -> dict[str, str]:
    """Return what an estimate rests on; `badge` is the least that submissions of its logs have earned, else ""."""
    about = {name: str(getattr(estimate, name)) for name in _ABOUT}
    return about | {"badge": borne_out(estimate, board.submitted)[0] or "", "logs": "; ".join(estimate.logs)}


_ABOUT = ("model_name", "model_args", "set_version", "set_digest", "date")


def _csv(table: pd.DataFrame) -> bytes:
    return csv_text(table).encode("utf-8", "replace")


def _json(board: Board) -> bytes:
    plain = [each.to_dict() | _trace(board, each) | {"logs": list(each.logs)} for each in board.estimates]
    return json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def _parquet(board: Board) -> bytes:
    file = io.BytesIO()
    _estimates(board).to_parquet(file, engine="pyarrow", index=False)
    return file.getvalue()
