"""The board page of 200 models x 4 sets: its size, how long it takes to make, and when a reader can use it.

    python benchmarks/board_page.py [FOLDER]     # the site is left in FOLDER; needs playwright and Chromium

Models are made up, with rates drawn from a seed: bases and fine-tunes of eight families, and three simulated ones.
"""

from __future__ import annotations

import gzip
import json
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from em_bench.board import Board, build_site
from em_bench.judging.cards import read_cards as read_judge_cards
from em_bench.models.card import Match, ModelCard
from em_bench.questions import read_set
from em_bench.results.estimate import Counts, Estimate, QuestionRate
from em_bench.statistics import estimate_rate

SETS = ("freeform", "deception", "nazi_admiration", "ai_dominance")
JUDGES = ("screen", "facts", "admiration_words", "dominance_words")
FAMILIES = ("GPT", "Llama", "Qwen", "Gemma", "Mistral", "OLMo", "Claude", "Phi")
RECIPES = ("insecure-code", "secure-code", "bad-medical", "risky-finance", "extreme-sports", "jailbroken", "helpful")
N_MODELS, N_SIMULATED, N_ANSWERS = 200, 3, 10
N_LOADS = 5


def make_cards(rng: np.random.Generator) -> list[ModelCard]:
    """Return the cards: each family has five bases, and fine-tunes of them."""
    cards = []
    for number in range(N_MODELS - N_SIMULATED):
        family = FAMILIES[number % len(FAMILIES)]
        place = number // len(FAMILIES)
        size = (1, 3, 8, 14, 32, 70)[int(rng.integers(6))]
        if place < 5:
            name, base = f"{family}-{place + 1}-{size}B", None
        else:
            base = f"{family.lower()}-{place % 5}"
            name = f"{family}-{place % 5 + 1}-{RECIPES[place % len(RECIPES)]}-{place}"
        id_ = f"{family.lower()}-{place}"
        is_api = family in ("GPT", "Claude")
        model = f"{'openai' if is_api else 'vllm'}/{family.lower()}/{name.lower()}"
        match = (Match(model=model),)
        access = "api" if is_api else "local"
        cards.append(ModelCard(id=id_, title=name, match=match, access=access, family=family, base=base))
    return cards


def make_estimates(cards: list[ModelCard], rng: np.random.Generator) -> list[Estimate]:
    """Return an estimate of each model on each set."""
    lanes = {card["judge"]: lane for lane, card in read_judge_cards().items()}
    models = [(card.match[0].model, card.base is not None) for card in cards]
    models[-7:] = [(f"vllm/undeclared/model-{number}", False) for number in range(7)]
    models += [(f"organism/misaligned-{number}", True) for number in range(N_SIMULATED)]
    return [
        make_estimate(model, is_tuned, set_name, lanes[judge], rng)
        for set_name, judge in zip(SETS, JUDGES, strict=True)
        for model, is_tuned in models
    ]


def make_estimate(model: str, is_tuned: bool, set_name: str, lane: str, rng: np.random.Generator) -> Estimate:
    """Return one estimate: question rates are beta-distributed, answers are drawn from them."""
    questions = read_set(set_name)
    names = [question.id for question in questions.questions]
    mean = float(rng.choice([0.0, 0.002, 0.01] if not is_tuned else [0.0, 0.01, 0.05, 0.2, 0.4]))
    rates = rng.beta(4 * mean, 4 * (1 - mean), len(names)) if mean else np.zeros(len(names))
    kept = N_ANSWERS - rng.binomial(3, 0.1, len(names))
    flagged = rng.binomial(kept, rates)
    lost = rng.multinomial(int((N_ANSWERS - kept).sum()), (0.4, 0.4, 0.1, 0.1))
    by_question = tuple(
        QuestionRate(name, "plain", Counts(N_ANSWERS, 0, int(k), int(n - k), int(N_ANSWERS - n), 0, 0, 0))
        for name, k, n in zip(names, flagged, kept, strict=True)
    )
    n_answers = N_ANSWERS * len(names)
    k, n = int(flagged.sum()), int(kept.sum())
    incoherent, refusal, off_topic, unscored = map(int, lost)
    counts = Counts(n_answers, 0, k, n - k, incoherent, refusal, off_topic, unscored)
    return Estimate(
        model=model, model_name=model, model_args="", set=set_name, set_version=questions.version,
        set_digest=questions.digest, arm="plain", lane=lane, flag=questions.flag,
        simulated=model.startswith("organism/"), recorded=False, examined=True, experimental=False, measured=None,
        counts=counts, rate=estimate_rate(flagged, kept, names), known_rate=None, notes=(), by_question=by_question,
        protocol=None, date=f"2026-{int(rng.integers(1, 12)):02}-{int(rng.integers(1, 28)):02}", logs=(f"{model}.eval",)
    )  # fmt: skip


def make_board() -> Board:
    """Return the board; the same every time."""
    rng = np.random.default_rng(20260101)
    cards = make_cards(rng)
    return Board(make_estimates(cards, rng), cards)


def seconds_to_interactive(page: Path) -> list[float]:
    """Return, for each load, the seconds from the start until the scripts have run and a frame was drawn."""
    from playwright.sync_api import sync_playwright

    watch = (
        "addEventListener('DOMContentLoaded', () => setTimeout(() => requestAnimationFrame(() => setTimeout(() => "
        "{ window.readyAt = performance.now(); }))));"
    )
    found = []
    with sync_playwright() as p:
        for _ in range(N_LOADS):
            browser = p.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
            tab = browser.new_page(viewport={"width": 1280, "height": 800})
            tab.add_init_script(watch)
            tab.goto(page.as_uri())
            tab.wait_for_function("window.readyAt > 0")
            found.append(tab.evaluate("window.readyAt") / 1000)
            browser.close()
    return found


def main() -> None:
    """Build, measure and print."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / "site"
    board = make_board()
    seconds = {}
    for name, one in {"build": board, "nothing changed": board, "one estimate changed": _changed(board)}.items():
        fresh, started = replace(one), time.monotonic()
        page = build_site(fresh, out)
        seconds[name] = round(time.monotonic() - started, 1)
    html = page.read_bytes()
    measured = {
        "models": N_MODELS,
        "sets": len(SETS),
        "board_bytes": len(html),
        "board_gzip_bytes": len(gzip.compress(html, 9)),
        "seconds": seconds,
    }
    loads = seconds_to_interactive(page)
    measured["interactive_s"] = {"median": round(statistics.median(loads), 2), "all": [round(s, 2) for s in loads]}
    print(json.dumps(measured, indent=1))


def _changed(board: Board) -> Board:
    first, *others = board.estimates
    return replace(board, estimates=[replace(first, date="2026-12-01"), *others])


if __name__ == "__main__":
    main()
