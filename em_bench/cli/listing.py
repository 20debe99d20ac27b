"""`em-bench list`: what there is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from em_bench.errors import Fault, OperatorError

if TYPE_CHECKING:
    from em_bench.judging.judge import Judge

__all__ = ["command"]

WHAT = ("sets", "judges", "suites", "models", "arms", "configs")


@click.command("list")
@click.argument("what", type=click.Choice(WHAT), default="sets")
@click.option("--prices", type=click.Path(path_type=Path), help="Price file, as of em-bench plan: what suites cost.")
@click.option("--model", help="The model under test that suites are priced for.")
@click.option("--grader", help="The model that grades in it. Default: each judge's own.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", help="Default: table.")
def command(what: str, prices: Path | None, model: str | None, grader: str | None, form: str) -> None:
    """List question sets, judges, suites, models, arms, or configs (files for inspect eval --run-config).

    The table counts what is many; --format json has it whole. A suite whose cost cannot be told, for want of a
    published file or a price, has none; the reasons come at the end, and the command then fails.

    Example: em-bench list judges
    """
    from em_bench.cli.shared import print_json, print_table

    kinds = {"sets": _sets, "judges": _judges, "suites": _suites, "models": _models, "arms": _arms, "configs": _configs}
    given = {"--prices": prices, "--model": model, "--grader": grader}
    if any(given.values()) and (what != "suites" or prices is None or model is None):
        found = f"list {what} {' '.join(name for name, value in given.items() if value)}"
        expected = "list suites --prices FILE --model MODEL"
        raise OperatorError(Fault("options", found, expected, "em-bench plan says more."))
    rows = kinds[what]()
    faults: list[Fault] = []
    if prices is not None and model is not None:
        costs, faults = _suite_costs(prices, model, grader)
        rows = [{**row, "cost_usd": costs[row["suite"]]} for row in rows]
    if form == "json":
        print_json(rows)
    else:
        columns = [name for name in rows[0] if name not in _LONG] if rows else []
        print_table(columns, [[_cell(column, row[column]) for column in columns] for row in rows], _NUMERIC)
    if faults:
        raise OperatorError(faults)


_LONG = ("measured", "recipe", "leaves_out", "published")
"""What only `--format json` has room for."""
_NUMERIC = ("questions", "prompts", "samples", "answers", "judge_calls", "cost_usd")


_MOST_LISTED = 3
"""A cell that would hold more than these says how many they are."""


def _cell(column: str, value: object) -> str:
    if isinstance(value, list) and len(value) > _MOST_LISTED:
        return f"{len(value)} {column.removesuffix('s')}s"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return f"{value:.2f}"
    return (
        {True: "yes", False: "no", None: "—"}.get(value, str(value)) if isinstance(value, bool | None) else str(value)
    )


def _sets() -> list[dict[str, Any]]:
    from em_bench.questions import PinnedSet, canonical_names, describe_set, own_set_names

    found = [describe_set(name) for name in [*own_set_names(), *canonical_names()]]
    return [
        {
            "set": each.name,
            "title": each.title,
            "flag": each.flag,
            "version": each.version,
            "questions": each.n_questions,
            "prompts": each.n_prompts,
            "samples": each.sampling.samples,
            "arms": list(each.arms),
            "judge": each.judge,
            "leaves_out": list(each.leave_out),
            "published": each.asset.url if isinstance(each, PinnedSet) else "",
        }
        for each in sorted(found, key=lambda each: each.name)
    ]


def _arms() -> list[dict[str, Any]]:
    from em_bench.questions import arm_names, read_arm

    found = [read_arm(name) for name in arm_names()]
    return [{"arm": arm.name, "title": arm.title, "why": arm.why} for arm in found]


def _configs() -> list[dict[str, Any]]:
    from em_bench.content import content_folder, content_names

    folder = content_folder("tasks") / "run_configs"
    paths = [folder / f"{name}.yaml" for name in content_names(folder)]
    titles = [path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ") for path in paths]
    return [{"config": p.stem, "title": title, "path": str(p)} for p, title in zip(paths, titles, strict=True)]


def _judges() -> list[dict[str, Any]]:
    from em_bench.judging.cards import said_card
    from em_bench.judging.judges import judge_names, read_judge

    found = [read_judge(name) for name in judge_names()]
    return [
        {
            "judge": each.name,
            "needs": _needs(each),
            "exam": "; ".join(f"{card['lane'].partition('/')[2]} {said_card(card)}".strip() for card in each.cards)
            or "not examined",
            "experimental": each.experimental,
            "kind": each.kind,
            "version": each.version,
            "readout": "" if each.is_offline else each.readout,
            "constructs": list(each.constructs),
            "measured": each.measured or "",
        }
        for each in found
    ]


_EXTRAS = {"insecure_code": "extra code"}
"""What a program needs beside the core."""


def _needs(judge: Judge) -> str:
    if judge.members:
        return "; ".join(dict.fromkeys(_needs(member) for member in judge.members))
    if judge.kind == "classifier" and judge.model is not None:
        return f"extra local, {judge.model}"
    grader = "" if judge.is_offline else f"a grader (default {judge.default_model or 'none'})"
    needed = (_EXTRAS.get(judge.program or "", ""), judge.scorer or "", grader)
    return ", ".join(part for part in needed if part) or "nothing"


def _suites() -> list[dict[str, Any]]:
    """Return the suites with the answers they ask for and the calls of graders that give probabilities."""
    from em_bench.judging.judges import read_judge
    from em_bench.questions import describe_set, planned_answers, read_suite, suite_names

    rows = []
    for name in suite_names():
        suite = read_suite(name)
        answers = [(item, planned_answers(item)) for item in suite.sets]
        calls = [
            n * len(part.criteria)
            for item, n in answers
            for part, _ in read_judge(item.judge or describe_set(item.set).judge).parts
            if not part.is_offline
        ]
        counts = {"answers": sum(n for _, n in answers), "judge_calls": sum(calls)}
        rows.append({"suite": name, "title": suite.title, **counts, "sets": [item.set for item in suite.sets]})
    return rows


def _suite_costs(prices: Path, model: str, grader: str | None) -> tuple[dict[str, float | None], list[Fault]]:
    """Return what each suite costs in US dollars, by its name, and why that cannot be told of some (None)."""
    from em_bench.questions import read_suite, suite_names
    from em_bench.results.plan_request import PlanRequest
    from em_bench.results.planning import suite_cost_usd
    from em_bench.results.prices import read_prices

    known = read_prices(prices)
    costs: dict[str, float | None] = {}
    faults: dict[tuple[str, str | None], list[Fault]] = {}
    for name in suite_names():
        items = read_suite(name).sets
        cost = 0.0
        for item in items:
            if (item.set, item.judge) in faults:
                continue  # a file that cannot be fetched takes half a minute to ask for
            try:
                cost += suite_cost_usd(PlanRequest(model, grader, [item], prices=known))
            except OperatorError as error:
                faults[item.set, item.judge] = error.faults
        costs[name] = None if any((item.set, item.judge) in faults for item in items) else cost
    return costs, list(dict.fromkeys(fault for found in faults.values() for fault in found))


def _models() -> list[dict[str, Any]]:
    from em_bench.models.card import read_cards

    return [
        {
            "card": card.id,
            "model": [match.model for match in card.match],
            "access": card.access,
            "family": card.family or "",
            "base": card.base or "",
            "recipe": card.recipe or "",
        }
        for card in read_cards()
    ]
