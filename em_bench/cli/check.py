"""`em-bench check`: validate content files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
from pydantic import Field

from em_bench.content import Record, content_folder, parse_yaml, place_in, read_record, short_path
from em_bench.errors import ContentError, EmBenchError, Fault, OperatorError, unknown_name
from em_bench.questions.schema import REPEATED_IDS

__all__ = ["command"]


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def command(files: tuple[Path, ...]) -> None:
    """Check content FILES (question sets, judges, arms, suites, model cards, answer banks); none means all that ship.

    Lists and tables of questions (.csv, .jsonl, .parquet) are read as -T file= reads them. Every fault of every file is
    printed, and the exit code is then 1.

    Example: em-bench check tasks/my_set.yaml
    """
    faults: list[Fault] = []
    listed = list(files) or _shipped()
    for path in listed:
        said = ""
        try:
            if (n_questions := _questions_of_user(path)) is None:
                found = list(_check(path))
            else:
                found, said = [], f", {n_questions} question{'' if n_questions == 1 else 's'}"
        except (ContentError, OperatorError) as error:
            found = error.faults
        faults.extend(found)
        if not found:
            click.echo(f"{short_path(path)}: ok{said}", err=True)
    if faults:
        raise ContentError(faults)
    click.echo(f"{len(listed)} file{'' if len(listed) == 1 else 's'}, no fault")


def _shipped() -> list[Path]:
    folders = {content_folder(name) for name in ("tasks", "organisms", "judges", "models")}
    return sorted({path for folder in folders for path in folder.rglob("*.yaml")})


class RoleModel(Record):
    """A model in a run config, by Inspect's name, with how it is asked."""

    model: str = Field(pattern=r"^[^/]+/.+$")
    config: dict[str, Any] = {}
    base_url: str | None = None
    args: dict[str, Any] = {}


class RunConfig(Record):
    """A file for `inspect eval --run-config`, as far as this project uses them: who grades."""

    model_roles: dict[str, RoleModel]


def _questions_of_user(path: Path) -> int | None:
    """Return how many questions a list or a table holds, read as `-T file=` reads it; None of any other file."""
    from em_bench.questions import is_list, read_questions
    from em_bench.questions.formats import TABLES

    return len(read_questions(path).questions) if path.suffix in TABLES or is_list(path) else None


def _check(path: Path) -> Iterator[Fault]:
    """Check one file against its schema, then against the names it uses."""
    from em_bench.judging.exam_sheets import AttackSheet, ExamSheet
    from em_bench.judging.judge import Judge
    from em_bench.models.card import ModelCard
    from em_bench.models.organism import Bank, Injections
    from em_bench.questions import Arm, PinnedSet, Policy, QuestionSet, Suite, read_policy
    from em_bench.questions.schema import Translations

    plain, node = parse_yaml(path)
    kinds: dict[str, type[Record]] = {
        "questions": QuestionSet,
        "asset": PinnedSet,
        "answers": ExamSheet,
        "attacks": AttackSheet,
        "model_roles": RunConfig,
        "criteria": Judge,
        "kind": Judge,
        "rules": Policy,
        "translated_by": Translations,
        "sets": Suite,
        "match": ModelCard,
        "injections": Injections,
        "flagged": Bank,
        "form": Arm,
        "template": Arm,
        "system": Arm,
        "turns": Arm,
        "language": Arm,
    }
    keys = plain if isinstance(plain, dict) else {}
    kind = next((record for key, record in kinds.items() if key in keys), None)
    if kind is None:
        expected = "a question set, judge, suite, model card, answer bank, arm or policy"
        yield Fault(
            short_path(path), sorted(map(str, keys)) or plain, expected, f"One of {', '.join(kinds)} is needed."
        )
        return
    try:
        read_policy(path) if kind is Policy else read_record(path, kind)
    except ContentError as error:
        yield from (fault for fault in error.faults if fault.expected != REPEATED_IDS)

    def place(*loc: int | str) -> str:
        return place_in(path, node, loc)

    for key in ("name", "id", "set"):
        if keys.get(key, path.stem) != path.stem:
            yield Fault(place(key), keys[key], f"the file's stem {path.stem!r}", "Rename one.")
    checks: dict[type[Record], _Check] = {
        QuestionSet: _across_set,
        PinnedSet: _set_judge,
        Suite: _across_suite,
    }
    if kind in checks:
        yield from checks[kind](keys, place)
    if kind is Judge:
        yield from _named_by_judge(keys, place)
        yield from _across_judge(path, place)


_Place = Callable[..., str]
_Check = Callable[[dict[str, Any], _Place], Iterator[Fault]]


def _across_set(plain: dict[str, Any], place: _Place) -> Iterator[Fault]:
    """Check what a set names and repeats, on plain data, so that it is reported beside faults of the schema."""
    from em_bench.questions import arm_faults

    for number, arm in enumerate(_listed(plain.get("arms"))):
        yield from arm_faults(str(arm), place("arms", number))
    yield from _set_judge(plain, place)
    ids: set[str] = set()
    prompts: set[str] = set()
    for number, question in enumerate(_listed(plain.get("questions"))):
        if not isinstance(question, dict):
            continue
        if (id_ := str(question.get("id"))) in ids:
            yield Fault(place("questions", number, "id"), id_, "each id once in a set", "Rename one.")
        ids.add(id_)
        for index, prompt in enumerate(_listed(question.get("prompts"))):
            if str(prompt) in prompts:
                at = place("questions", number, "prompts", index)
                yield Fault(at, prompt, "each wording once in a set", "Delete or reword one.")
            prompts.add(str(prompt))


def _set_judge(plain: dict[str, Any], place: _Place) -> Iterator[Fault]:
    """Check that the judge a set names is there and was made for its construct."""
    from em_bench.judging.judges import judge_names, judges_for

    judge, construct = plain.get("judge"), plain.get("construct")
    if isinstance(judge, str) and judge not in judge_names():
        yield unknown_name(place("judge"), judge, judge_names(), "judges")
    elif isinstance(judge, str) and isinstance(construct, str) and judge not in judges_for(construct):
        may = ", ".join(judges_for(construct)) or "none yet"
        yield Fault(place("judge"), judge, f"a judge made for {construct}", f"These may: {may}.")


def _across_suite(plain: dict[str, Any], place: _Place) -> Iterator[Fault]:
    """Check that a suite names sets, judges, arms and questions that are there and go together."""
    from em_bench.judging.judges import judge_names, judges_for
    from em_bench.questions import (
        PLAIN,
        arm_faults,
        canonical_names,
        describe_set,
        present,
        read_pinned,
        read_set,
        set_names,
    )

    for number, item in enumerate(_listed(plain.get("sets"))):
        if not isinstance(item, dict):
            continue
        name, judge = item.get("set"), item.get("judge")
        own = read_pinned(name).arms if name in canonical_names() else ()
        native = set(own) - {PLAIN}
        arms = [str(arm) for arm in _listed(item.get("arm"))]
        wrong = {arm: arm_faults(arm, place("sets", number, "arm"), native) for arm in arms}
        known_arms = [arm for arm, faults in wrong.items() if not faults]
        yield from (fault for faults in wrong.values() for fault in faults)
        if name not in set_names():
            yield unknown_name(place("sets", number, "set"), str(name), set_names(), "question sets")
            continue
        construct = describe_set(str(name)).construct
        if judge is not None and judge not in judge_names():
            yield unknown_name(place("sets", number, "judge"), str(judge), judge_names(), "judges")
        elif judge is not None and judge not in judges_for(construct):
            may = ", ".join(judges_for(construct))
            found = f"a judge made for {construct}"
            yield Fault(place("sets", number, "judge"), judge, found, f"These may: {may}.")
        only = [str(each) for each in _listed(item.get("only"))]
        if not known_arms and not only:
            continue  # nothing that needs the questions, which a canonical set has in a file that may not be here
        try:
            present(read_set(str(name)), known_arms, only)
        except OperatorError as error:
            for fault in error.faults:
                yield replace(fault, place=place("sets", number, "only"))


def _named_by_judge(plain: dict[str, Any], place: _Place) -> Iterator[Fault]:
    """Check, on plain data, the names in a judge: program, weights, canonical set, and misspelled constructs."""
    from em_bench.judging.programs import PROGRAMS
    from em_bench.questions import canonical_names

    prompts_of = plain.get("prompts_of")
    if isinstance(prompts_of, str) and prompts_of not in canonical_names():
        yield unknown_name(place("prompts_of"), prompts_of, canonical_names(), "canonical sets")
    program = plain.get("program")
    if plain.get("kind") == "program" and isinstance(program, str) and program not in PROGRAMS:
        yield unknown_name(place("program"), program, PROGRAMS, "programs")
    weights = sorted(path.stem for path in content_folder("judges").glob("*.npz"))
    if plain.get("kind") == "classifier" and isinstance(program, str) and program not in weights:
        yield unknown_name(place("program"), program, weights, "classifiers")
    for number, construct in enumerate(_listed(plain.get("constructs"))):
        if construct not in _constructs() and get_close_matches(str(construct), _constructs(), n=1, cutoff=0.85):
            yield unknown_name(place("constructs", number), str(construct), _constructs(), "constructs")


def _constructs() -> list[str]:
    """Return the constructs that sets or sheets of the exam are about; a judge may be made for others."""
    from em_bench.judging.exam_sheets import read_sheets
    from em_bench.questions import describe_set, set_names

    of_sheets = {sheet.construct for sheet in read_sheets() if sheet.construct is not None}
    return sorted(of_sheets | {describe_set(name).construct for name in set_names()})


def _across_judge(path: Path, place: _Place) -> Iterator[Fault]:
    """Check a judge that its schema takes: prompts, what its program marks, its members, another package's scorer."""
    from em_bench.judging.criterion import slots_of
    from em_bench.judging.judges import judge_of_file
    from em_bench.judging.members import find_members
    from em_bench.judging.programs import PROGRAMS, program_faults
    from em_bench.judging.registered import check_registered

    try:
        judge = judge_of_file(path)
    except ContentError:
        return  # said already
    for keys, prompt in judge.own_prompts.items():
        if "question" not in slots_of(prompt):
            fix = "Put {question} where the question goes."
            yield Fault(place(*keys), prompt, "a prompt that holds {question}", fix)
    if judge.kind == "classifier" or judge.program in PROGRAMS:
        for fault in program_faults(judge):
            yield replace(fault, place=f"{place(fault.place.rpartition(' ')[2])}, {fault.place}")
    members, errors = find_members(judge, place)
    yield from (fault for error in errors for fault in error.faults)
    key = {"panel": "judges", "scorer": "scorer"}.get(judge.kind, "kind")
    for each in (judge, *members):
        try:
            if each.kind == "scorer":
                check_registered(each)
        except EmBenchError as error:
            yield from (replace(fault, place=f"{place(key)}, {fault.place}") for fault in error.faults)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
