"""The canonical sets: the papers' own questions, read from the published files that small files here point to."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from em_bench.content import content_folder, content_names, read_record, short_path
from em_bench.errors import ContentError, Fault, OperatorError, unknown_name
from em_bench.questions.assets import asset_path
from em_bench.questions.lists import ListedJudge, QuestionList, read_list
from em_bench.questions.schema import PinnedSet, QuestionSet

__all__ = ["canonical_names", "listed_judge", "load_pinned", "read_pinned"]


def canonical_names() -> list[str]:
    """Return the names of the canonical sets; nothing is fetched."""
    folder = content_folder("tasks")
    return [name for name in content_names(folder) if _is_pinned(folder / f"{name}.yaml")]


@cache
def _is_pinned(path: Path) -> bool:
    """Return whether a file of a question set points to a published file, without reading all of it as YAML."""
    return re.search(r"^asset:", path.read_text(encoding="utf-8"), re.MULTILINE) is not None


@cache
def read_pinned(name: str) -> PinnedSet:
    """Return what is known of a canonical set without its published file.

    Raises:
        OperatorError: No canonical set has that name.
        ContentError: Its file breaks the schema.
    """
    if name not in canonical_names():
        raise OperatorError(unknown_name("set", name, canonical_names(), "canonical sets"))
    path = content_folder("tasks") / f"{name}.yaml"
    pinned = read_record(path, PinnedSet)
    if pinned.name != name:
        raise ContentError(Fault(f"{short_path(path)} name", pinned.name, f"the file's stem {name!r}", "Rename one."))
    return pinned


def load_pinned(pinned: PinnedSet) -> QuestionSet:
    """Return a canonical set, with its questions, samples and temperature from the published file.

    Ids end in `_<arm>` where the set has that arm, and are otherwise the question's.

    Raises:
        OperatorError: The file can be neither found nor fetched, or is another one.
    """
    listed = _listed(pinned.name)
    about = pinned.model_dump(exclude={"asset", "licence", "n_questions", "n_prompts", "tag_pattern", "leave_out"})
    about["sampling"] |= listed.sampling
    return QuestionSet.model_validate(
        {
            **about,
            "source": f"{pinned.source}, {pinned.asset.url}, sha256 {pinned.asset.sha256}, licence {pinned.licence}",
            "canary": "none: published in papers and many repositories",
            "leave_out": list(pinned.leave_out),
            "questions": [_under_its_arm(question, pinned) for question in listed.questions],
        }
    )


def listed_judge(name: str) -> ListedJudge:
    """Return the judge that the published file of a canonical set carries.

    Raises:
        OperatorError: As `load_pinned`.
    """
    (judge,) = _listed(name).judges
    return judge


@cache
def _listed(name: str) -> QuestionList:
    return read_list(asset_path(read_pinned(name).asset))


def _under_its_arm(question: dict[str, Any], pinned: PinnedSet) -> dict[str, Any]:
    id_ = str(question["id"])
    arms = [arm for arm in pinned.arms if id_.endswith(f"_{arm}")]
    arm = max(arms, key=len, default="plain")
    tag = re.fullmatch(pinned.tag_pattern, id_) if pinned.tag_pattern else None
    why = "Asked in the paper's preregistered evaluation." if tag else "Asked in the paper."
    return {
        **question,
        "id": id_.removesuffix(f"_{arm}") if arms else id_,
        "arm": arm,
        "why": why,
        "tags": [tag[1]] if tag else [],
    }
