"""The board: everything the site shows, and the site made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from em_bench.board.board_page import board_pages
from em_bench.board.compare_page import pair_pages
from em_bench.board.downloads import download_pages
from em_bench.board.judge_page import judge_pages
from em_bench.board.model_page import model_pages
from em_bench.board.page import File, Page, page_key
from em_bench.board.prose import prose_pages
from em_bench.board.question_page import question_pages
from em_bench.board.set_page import set_pages
from em_bench.board.shown import ShownAnswers
from em_bench.board.site import Site
from em_bench.board.standings import Row, Standing, make_standings
from em_bench.board.submitted import Submitted, submission_pages
from em_bench.board.versus_page import versus_pages
from em_bench.models.card import ModelCard
from em_bench.results.estimate import Estimate
from em_bench.results.lane_pair import SetAgreement

if TYPE_CHECKING:
    from em_bench.results.chosen import ChosenAnswer
    from em_bench.results.texts import AnswerText

__all__ = ["Board", "build_site"]


@dataclass(frozen=True)
class Board:
    """What a site shows.

    `estimates` are those of all models, sets, arms and lanes; `chosen` the answers that have pages, `read_text` gives
    the text of one. `bundle` is the address of what `inspect view bundle` made of the logs, empty for none. `logs` are
    the log files, `agreements` what `compare_lanes` gives where several judges read the same answers,
    `n_shown` how many answers were chosen at most, as in `choose_answers`, `submitted` what was handed in.
    """

    estimates: Sequence[Estimate]
    cards: Sequence[ModelCard]
    chosen: Sequence[ChosenAnswer] = ()
    read_text: Callable[[ChosenAnswer], AnswerText] | None = None
    bundle: str = ""
    logs: Sequence[str] = ()
    agreements: Sequence[SetAgreement] = ()
    n_shown: int = 10
    submitted: Sequence[Submitted] = ()
    _keys: dict[int, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def standings(self) -> list[Standing]:
        """The standings of all sets and lanes."""
        return make_standings(self.estimates, list(self.cards))

    @cached_property
    def shown(self) -> ShownAnswers:
        """The answers that have pages."""
        return ShownAnswers(self.chosen, self.n_shown)

    @cached_property
    def rows(self) -> Mapping[str, list[tuple[Standing, Row]]]:
        """The rows of each model, by its label."""
        found: dict[str, list[tuple[Standing, Row]]] = {}
        for standing in self.standings:
            for row in standing.rows:
                found.setdefault(row.estimate.model, []).append((standing, row))
        return dict(sorted(found.items()))

    def key_of(self, estimate: Estimate) -> str:
        """Return the digest of one of `estimates`, for the keys of pages; it is made once."""
        if id(estimate) not in self._keys:
            about = (
                estimate.model_name, estimate.model_args, estimate.set_version, estimate.set_digest, estimate.recorded,
                estimate.experimental, estimate.measured, estimate.known_rate, estimate.date, estimate.logs,
            )  # fmt: skip
            self._keys[id(estimate)] = page_key(about, estimate.to_dict())
        return self._keys[id(estimate)]


def build_site(board: Board, out: Path, report: Callable[[str], None] = lambda text: None) -> Path:
    """Write the site into a folder and return its first page; the same board gives the same bytes.

    Args:
        board: What is shown.
        out: The folder: new, empty, or a site that is replaced once all is written.
        report: Is told how far it is.
    """
    return Site(out).write(_pages(board), report=report)


def _pages(board: Board) -> Iterator[Page | File]:
    """Yield every page and file, the board itself first."""
    yield from board_pages(board)
    yield from model_pages(board)
    yield from set_pages(board)
    yield from question_pages(board)
    yield from judge_pages(board)
    yield from pair_pages(board)
    yield from versus_pages(board)
    yield from submission_pages(board)
    yield from prose_pages()
    yield from download_pages(board)
