"""`em-bench check`: validate content files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from em_bench.content import Record, content_folder, parse_yaml, read_record, short_path
from em_bench.errors import ContentError, Fault, unknown_name

__all__ = ["command"]


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def command(files: tuple[Path, ...]) -> None:
    """Check content FILES (question sets, judges, arms, suites, model cards, answer banks); none means all that ship.

    Every fault of every file is printed, and the exit code is then 1.

    Example: em-bench check tasks/my_set.yaml
    """
    faults: list[Fault] = []
    listed = list(files) or _shipped()
    for path in listed:
        try:
            found = list(_check(path))
        except ContentError as error:
            found = error.faults
        faults.extend(found)
        if not found:
            click.echo(f"{short_path(path)}: ok", err=True)
    if faults:
        raise ContentError(faults)
    click.echo(f"{len(listed)} files, no fault")


def _shipped() -> list[Path]:
    folders = {content_folder(name) for name in ("tasks", "organisms", "judges", "models")}
    return sorted({path for folder in folders for path in folder.rglob("*.yaml")})


def _check(path: Path) -> Iterator[Fault]:
    """Check one file against its schema, then against the names it uses."""
    from em_bench.judging.judge import Judge
    from em_bench.models.card import ModelCard
    from em_bench.models.organism import Bank, Injections
    from em_bench.questions import Arm, QuestionSet, Suite, read_questions

    plain, _ = parse_yaml(path)
    if isinstance(plain, list):
        read_questions(path)
        return
    kinds: dict[str, type[Record]] = {
        "questions": QuestionSet,
        "criteria": Judge,
        "sets": Suite,
        "match": ModelCard,
        "injections": Injections,
        "flagged": Bank,
        "form": Arm,
        "template": Arm,
        "system": Arm,
    }
    keys = plain if isinstance(plain, dict) else {}
    kind = next((record for key, record in kinds.items() if key in keys), None)
    if kind is None:
        expected = "a question set, judge, suite, model card, answer bank or arm"
        yield Fault(
            short_path(path), sorted(map(str, keys)) or plain, expected, f"One of {', '.join(kinds)} is needed."
        )
        return
    record = read_record(path, kind)
    for key in ("name", "id", "set"):
        called = getattr(record, key, path.stem)
        if called != path.stem:
            yield Fault(f"{short_path(path)} {key}", called, f"the file's stem {path.stem!r}", "Rename one.")
    if isinstance(record, QuestionSet):
        yield from _check_set(path, record)
    elif isinstance(record, Suite):
        yield from _check_suite(path, record)


def _check_set(path: Path, record: Record) -> Iterator[Fault]:
    from em_bench.judging.judge import judge_names, judges_for
    from em_bench.questions import QuestionSet, arm_names

    assert isinstance(record, QuestionSet)
    place = short_path(path)
    for arm in record.arms:
        if arm not in arm_names():
            yield unknown_name(f"{place} arms", arm, arm_names(), "arms")
    if record.judge not in judge_names():
        yield unknown_name(f"{place} judge", record.judge, judge_names(), "judges")
    elif record.judge not in judges_for(record.construct):
        may = ", ".join(judges_for(record.construct)) or "none yet"
        yield Fault(f"{place} judge", record.judge, f"a judge made for {record.construct}", f"These may: {may}.")
    prompts = Counter(prompt for question in record.questions for prompt in question.prompts)
    for prompt, n in prompts.items():
        if n > 1:
            yield Fault(f"{place} questions", prompt, "each wording once in a set", "Delete or reword one.")


def _check_suite(path: Path, record: Record) -> Iterator[Fault]:
    from em_bench.judging.judge import judge_names
    from em_bench.questions import Suite, arm_names, set_names

    assert isinstance(record, Suite)
    for number, item in enumerate(record.sets):
        place = f"{short_path(path)} sets[{number}]"
        if item.set not in set_names():
            yield unknown_name(f"{place}.set", item.set, set_names(), "question sets")
        if item.judge is not None and item.judge not in judge_names():
            yield unknown_name(f"{place}.judge", item.judge, judge_names(), "judges")
        for arm in item.arm:
            if arm not in arm_names():
                yield unknown_name(f"{place}.arm", arm, arm_names(), "arms")
