"""The judges that a panel or a two-phase judge is made of, and whether they fit together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from em_bench.content import key_path
from em_bench.errors import ContentError, EmBenchError, Fault, OperatorError
from em_bench.judging.judge import Judge
from em_bench.judging.judges import read_judge

__all__ = ["find_members", "members_of"]

_Keys = tuple[str | int, ...]
_Place = Callable[..., str]


def members_of(judge: Judge) -> tuple[Judge, ...]:
    """Return the judges that a panel or a two-phase judge consists of; none for any other.

    Raises:
        OperatorError: There is no such judge.
        ContentError: One is itself made of judges, flags something else, or was not made for the same constructs; the
            faults of all members at once.
    """
    found, errors = find_members(judge, lambda *keys: f"judge {judge.name} {key_path(keys)}")
    if errors:
        is_of_content = any(isinstance(error, ContentError) for error in errors)
        raise (ContentError if is_of_content else OperatorError)(fault for error in errors for fault in error.faults)
    return found


def find_members(judge: Judge, place: _Place) -> tuple[tuple[Judge, ...], list[EmBenchError]]:
    """Return the members of a judge that can be read, and all that is wrong with any of them.

    Args:
        judge: A panel or a two-phase judge; any other has none.
        place: Gives the place of a key in the judge's file, from the keys that lead to it.
    """
    found: dict[_Keys, Judge] = {}
    errors: list[EmBenchError] = []
    seen: set[tuple[str, str | None]] = set()
    for keys, name in _named(judge).items():
        try:
            member = found[keys] = read_judge(judge.path_of(name))
            faults = [*_faults(judge, member, name, keys, place)]
            if not faults and judge.kind == "panel":
                faults = _vote_faults(judge, member, keys, place, seen)
        except OperatorError as error:
            errors.append(OperatorError(replace(fault, place=place(*keys)) for fault in error.faults))
        except ContentError as error:
            errors.append(ContentError(replace(each, place=f"{place(*keys)}, {each.place}") for each in error.faults))
        else:
            errors += [ContentError(fault) for fault in faults]
    return tuple(found.values()), errors


def _named(judge: Judge) -> dict[_Keys, str]:
    """Return the names of a judge's members, by the keys that lead to each."""
    if judge.kind == "panel":
        return {("judges", number, "judge"): member.judge for number, member in enumerate(judge.judges)}
    return {("first",): judge.first or "", ("second",): judge.second or ""} if judge.kind == "two_phase" else {}


def _faults(judge: Judge, member: Judge, name: str, keys: _Keys, place: _Place) -> list[Fault]:
    """Return why a member does not fit its judge."""
    faults = []
    is_made_of_others = member.kind in ("panel", "two_phase")
    if is_made_of_others:
        faults.append(Fault(place(*keys), f"{name}, a {member.kind} judge", "a judge that is not made of others"))
    if member.flag != judge.flag:
        faults.append(Fault(place(*keys), f"{name}, which flags {member.flag}", f"a judge that flags {judge.flag}"))
    if missing := sorted(set(judge.constructs) - set(member.constructs)):
        found = f"{name}, not made for {', '.join(missing)}"
        faults.append(Fault(place(*keys), found, "a judge for all its constructs"))
    if keys == ("first",) and not is_made_of_others and not member.is_offline:
        expected = "a judge that costs nothing: it sees every answer"
        faults.append(Fault(place(*keys), f"{name}, which asks a model", expected))
    return faults


def _vote_faults(
    panel: Judge, member: Judge, keys: _Keys, place: _Place, seen: set[tuple[str, str | None]]
) -> list[Fault]:
    """Return why a member of a panel may not vote as it stands; `seen` are the votes before it, and get its own."""
    number, faults = int(keys[1]), []
    entry = panel.judges[number]
    if entry.grader is not None and member.is_offline:
        found = f"{entry.judge} with the grader {entry.grader}"
        at = place("judges", number, "grader")
        faults.append(Fault(at, found, "graders for judges that ask a model", "Remove 'grader'."))
    vote = (member.digest, None if member.is_offline else entry.grader)
    if vote in seen:
        found = f"{entry.judge} with {entry.grader or 'no grader of its own'}, again"
        at = place("judges", number)
        faults.append(Fault(at, found, "each judge with each grader once", "Delete it: it would vote twice."))
    seen.add(vote)
    return faults
