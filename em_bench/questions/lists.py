"""YAML lists of questions in the form of the papers or of llmcomp, with the judge that they carry."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from em_bench.content import parse_yaml, short_path
from em_bench.errors import ContentError, Fault

__all__ = ["PAPERS_CRITERIA", "ListedJudge", "QuestionList", "clean_id", "read_list"]

FREE_FORM = ("free_form", "free_form_judge", "free_form_judge_0_100")
PAPERS_CRITERIA = {"aligned", "coherent"}
"""The criteria of the papers' judge, with which a list says how it is judged."""

WHY = "Asked by its author; the file gives no reason."

_ITEM = Mapping[str, Any]


@dataclass(frozen=True)
class ListedJudge:
    """The judge that a list of questions carries: its grader as the file names it, and its prompts, by criterion.

    `is_marked` says whether the prompts ask for a number from 0 to 100; else they ask for a word.
    """

    model: str | None
    prompts: Mapping[str, str]
    is_marked: bool


@dataclass(frozen=True)
class QuestionList:
    """The questions of a list as plain data of the schema, how often and how warm they are asked, and their judges.

    `judges` holds each distinct judge once: in a list that can be judged as its author did there is exactly one.
    """

    questions: list[dict[str, Any]]
    samples: int | None
    temperature: float | None
    judges: tuple[ListedJudge, ...]

    @property
    def sampling(self) -> dict[str, float]:
        """What the list itself says of sampling."""
        said = {"samples": self.samples, "temperature": self.temperature}
        return {key: value for key, value in said.items() if value is not None}


def read_list(path: Path) -> QuestionList:
    """Return the questions of a YAML list in the papers' form (`id`, `paraphrases`, `system`, `judge_prompts`) or in
    llmcomp's (`name`, `paraphrases` or `messages`, `system`, `judges`).

    Raises:
        ContentError: The file is no such list; every fault at once, by line.
    """
    plain, node = parse_yaml(path)
    place = short_path(path)
    if not isinstance(plain, list):
        raise ContentError(Fault(place, type(plain).__name__, "a list of questions"))
    lines = [item.start_mark.line + 1 for item in node.value]
    named = {item["name"]: item for item in plain if isinstance(item, dict) and "name" in item}
    faults: list[Fault] = []
    questions: list[dict[str, Any]] = []
    judges: list[ListedJudge] = []
    samples: list[int] = []
    temperatures: list[float] = []
    for number, item in enumerate(plain):
        at = f"{place}:{lines[number]} [{number}]"
        found = list(_question(item, at))
        faults += [each for each in found if isinstance(each, Fault)]
        made = [each for each in found if isinstance(each, dict)]
        if not made:
            continue
        questions += made
        if isinstance(item.get("samples_per_paraphrase"), int):
            samples.append(item["samples_per_paraphrase"])
        if isinstance(item.get("temperature"), int | float):
            temperatures.append(float(item["temperature"]))
        judges += [judge for judge in _judges(item, named) if judge not in judges]
    if len(set(temperatures)) > 1:
        faults.append(Fault(f"{place} temperature", sorted(set(temperatures)), "one temperature", "Split the file."))
    if faults:
        raise ContentError(faults)
    temperature = temperatures[0] if temperatures else None
    return QuestionList(questions, max(samples, default=None), temperature, tuple(judges))


def _question(item: object, at: str) -> Iterator[dict[str, Any] | Fault]:
    """Yield an entry as a question of the schema, or what is wrong with it; nothing where it is a judge."""
    if not isinstance(item, dict) or not ("id" in item or "name" in item):
        yield Fault(at, item, "a mapping with 'id' (or 'name') and 'paraphrases'")
        return
    kind = str(item.get("type", "free_form"))
    if kind not in FREE_FORM:
        if not kind.endswith("_judge"):
            yield Fault(f"{at}.type", kind, f"one of {', '.join(FREE_FORM)}", "Remove the question.")
        return
    if kind == "free_form_judge" and "{answer}" in str(item.get("paraphrases")):
        return  # a judge of llmcomp; in the papers' files the word stands for a question whose judge answers in words
    question: dict[str, Any] = {"id": clean_id(str(item.get("id", item.get("name")))), "why": WHY}
    system = item.get("system") or item.get("context")
    if isinstance(system, str):
        question["system"] = system
    messages = item.get("messages")
    if isinstance(item.get("paraphrases"), list):
        question["prompts"] = item["paraphrases"]
    elif isinstance(messages, list) and len(messages) == 1 and isinstance(messages[0], list):
        turns = [turn for turn in messages[0] if isinstance(turn, dict)]
        spoken = [turn for turn in turns if turn.get("role") != "system"]
        if not spoken or spoken[-1].get("role") != "user":
            yield Fault(f"{at}.messages", [turn.get("role") for turn in turns], "a last turn of the user's")
            return
        if systems := [str(turn.get("content")) for turn in turns if turn.get("role") == "system"]:
            question["system"] = "\n\n".join(systems)
        question["turns"] = [{"role": turn.get("role"), "content": turn.get("content")} for turn in spoken[:-1]]
        question["prompts"] = [turn.get("content") for turn in spoken[-1:]]
    else:
        yield Fault(at, sorted(map(str, item)), "'paraphrases', or one conversation in 'messages'")
        return
    yield question


def _judges(item: _ITEM, named: Mapping[str, _ITEM]) -> Iterator[ListedJudge]:
    """Yield the judge of a question: the papers' `judge_prompts`, or llmcomp's `judges`, given there or by name."""
    prompts = item.get("judge_prompts")
    if isinstance(prompts, dict):
        is_marked = item.get("type") == "free_form_judge_0_100"
        yield ListedJudge(_text(item.get("judge")), {str(name): str(text) for name, text in prompts.items()}, is_marked)
        return
    given = item.get("judges")
    if not isinstance(given, dict):
        return
    found = {str(name): named.get(one) if isinstance(one, str) else one for name, one in given.items()}
    usable = {
        name: one
        for name, one in found.items()
        if isinstance(one, dict) and isinstance(one.get("paraphrases"), list) and len(one["paraphrases"]) == 1
    }
    lacking = sorted(set(found) - set(usable))
    if lacking and (not usable or PAPERS_CRITERIA & set(lacking)):
        yield ListedJudge(None, dict.fromkeys(lacking, ""), is_marked=False)  # in another file, or of an unknown form
    if usable:
        is_marked = all(one.get("type") == "rating_judge" and _is_0_100(one) for one in usable.values())
        models = {_text(one.get("model")) for one in usable.values()}
        model = models.pop() if len(models) == 1 else None
        yield ListedJudge(model, {name: str(one["paraphrases"][0]) for name, one in usable.items()}, is_marked)


def _is_0_100(judge: _ITEM) -> bool:
    return (judge.get("min_rating", 0), judge.get("max_rating", 100)) == (0, 100)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def clean_id(text: str) -> str:
    """Return `text` as the id of a question: other characters become underscores."""
    return re.sub(r"[^A-Za-z0-9_.\-]+", "_", text).strip("_.-") or "question"
