"""What logs hold of one model for one rule of a policy, and what keeps that from deciding anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from em_bench.judging.cards import is_of_people
from em_bench.judging.judge import RECORDED
from em_bench.judging.judges import read_judge
from em_bench.judging.verdict import KEPT, OUTCOMES
from em_bench.questions import Policy, PolicyRule, Presentation
from em_bench.results.commands import ask_command, judge_name, rejudge_command, retry_command
from em_bench.results.labels import Model
from em_bench.results.logs import Logs
from em_bench.results.runs import run_faults
from em_bench.results.sampling import SEED
from em_bench.results.table import percent

__all__ = ["Evidence", "gather_evidence"]

_LEAST_SHARE = 0.9
"""A prompt asked less often than this share of the most asked one leaves the rate to how often each was asked."""


_MOST_NAMED = 60
"""A command names no more prompts than these."""


@dataclass(frozen=True)
class Evidence:
    """The answers of one model that count for a rule: those to what it asks, in its lane, in the version at hand.

    `reasons` are what keeps them from deciding, `todo` the commands that would mend it, `notes` what a reader should
    know besides; `sampling` is how they were drawn, as far as logs tell, whatever the seed.
    """

    model: str
    rows: pd.DataFrame
    reasons: tuple[str, ...]
    todo: tuple[str, ...]
    notes: tuple[str, ...] = ()
    sampling: frozenset[str] = frozenset()


class _Search:
    """The search for evidence, and what it came upon."""

    def __init__(self, policy: Policy, rule: PolicyRule, logs: Logs, model: str, lane: str) -> None:
        self.policy, self.rule, self.logs, self.model, self.lane = policy, rule, logs, model, lane
        self.reasons: list[str] = []
        self.todo: list[str] = []
        self.notes: list[str] = []
        self.presented = rule.presented
        self.name: Model = next((each for each, label in logs.labels.items() if label == model), (model, "", False))
        self.runs = [run for run in logs.runs if run.model == self.name and run.set == rule.set]

    def say(self, reason: str, *todo: str) -> None:
        self.reasons.append(f"{self.model}: {reason}")
        self.todo += todo

    def command(self, asked: Sequence[Presentation] | None = None, epochs: int = 0, is_apart: bool = False) -> str:
        place = f"{self.logs.place.rstrip('/')}-anew" if is_apart else self.logs.place
        return ask_command(self.rule, self.name, place, self.policy.required.answers, asked, epochs)

    def rest(self, never: Sequence[Presentation], epochs: int) -> str:
        """Return the command that asks what was never asked; where that is much all anew, apart from these logs."""
        is_much = len(never) > _MOST_NAMED
        return self.command(None if is_much else never, 0 if is_much or not never else epochs, is_much)

    @property
    def can_judge_again(self) -> bool:
        """Whether the judge may say something else when it is asked again."""
        return not read_judge(judge_name(self.rule)).is_offline and self.rule.lane.readout != RECORDED

    def found(self, rows: pd.DataFrame) -> Evidence:
        settings = [each for run in self.runs for each in run.sampling.items()]
        drawn = frozenset(f"{key} {value!r}" for key, value in settings if key != SEED)
        todo = tuple(dict.fromkeys(self.todo))
        return Evidence(self.model, rows, tuple(self.reasons), todo, tuple(self.notes), drawn)


def gather_evidence(policy: Policy, rule: PolicyRule, logs: Logs, model: str, lane: str) -> Evidence:
    """Return the answers of a model that count for a rule, and all that keeps them from deciding.

    Args:
        policy: The policy.
        rule: One of its rules.
        logs: What was read.
        model: The label of the model.
        lane: The lane that the rule asks for.
    """
    search = _Search(policy, rule, logs, model, lane)
    for said, log in run_faults(search.runs):
        search.say(said, *([retry_command(log)] if log else []))
    mine = logs.answers_of(model)
    here = mine[mine["set"] == rule.set] if len(mine) else mine
    asked = here[here["id"].isin({each.id for each in search.presented})] if len(here) else here
    if asked.empty:
        there = sorted({f"{each.set} under {each.arm}" for each in mine.itertuples()})
        said = f"there are answers to {', '.join(there)}" if there else "the logs hold no answer of this model"
        search.say(f"no answers to {rule.set} under arm {rule.arm}: {said}", search.command())
        return search.found(asked)
    asked = asked[~asked["lane"].map(is_of_people)]
    _check_content(search, asked)
    _check_sampling(search)
    rows = asked[(asked["lane"] == lane) & (asked["set_digest"] == rule.questions.digest)]
    _check_lane(search, asked, rows)
    if len(rows):
        _check_verdicts(search, asked, rows)
        _check_coverage(search, asked, rows)
    return search.found(rows)


def _check_content(search: _Search, asked: pd.DataFrame) -> None:
    """Check that what was asked is the set and the arms that are at hand, in the version that the policy wants."""
    rule, questions = search.rule, search.rule.questions
    if rule.version not in (None, questions.version):
        search.say(f"{rule.set} is version {questions.version} here, the policy wants {rule.version}")
    if set(asked["set_digest"]) != {questions.digest}:
        found = sorted({f"{v}#{d}" for v, d in zip(asked["set_version"], asked["set_digest"], strict=True)})
        here = f"{questions.version}#{questions.digest}"
        search.say(
            f"{rule.set} was asked in version {' and '.join(found)}; here it is {here}", search.command(is_apart=True)
        )
    texts = {each.arm.name: each.arm.digest for each in search.presented}
    known = asked[asked["arm_digest"].notna()]
    changed = sorted(
        {arm for arm, digest in zip(known["arm"], known["arm_digest"], strict=True) if digest != texts[arm]}
    )
    if changed:
        search.say(f"arm {', '.join(changed)} was worded otherwise than it is here", search.command(is_apart=True))


_OF_SETS = ("temperature", "max_tokens", SEED)
"""Settings that sets have a say in, and the seed, which changes none of what answers are drawn from."""


def _check_sampling(search: _Search) -> None:
    own = search.rule.questions.sampling
    most = [found for run in search.runs if isinstance(found := run.sampling.get("max_tokens"), int)]
    if short := [each for each in most if each < own.max_tokens]:
        search.say(
            f"answers were cut off at {min(short)} tokens, the set allows {own.max_tokens}",
            search.command(is_apart=True),
        )
    for run in search.runs:
        heat = run.sampling.get("temperature", own.temperature)
        said = [f"temperature {heat:g} (the set: {own.temperature:g})"] if heat != own.temperature else []
        said += [key.replace("_", " ") for key in sorted(run.sampling) if key not in _OF_SETS]
        if said:
            search.notes.append(f"{search.model}: asked with {', '.join(said)}")


def _check_lane(search: _Search, asked: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Check that each answer has the verdict of the judge that the rule names."""
    others = asked[(asked["lane"] != "") & (asked["lane"] != search.lane)]
    is_unjudged = (asked["lane"] == "") & asked["recorded"].astype(bool)
    left = pd.concat([others[others["outcome"].notna()], asked[is_unjudged]])
    left = left[~left["uuid"].isin(set(rows["uuid"]))].drop_duplicates("uuid")
    if rows.empty or len(left):
        lanes = ", ".join(sorted({lane or "nobody" for lane in (left if len(left) else asked)["lane"]}))
        n_of = "" if rows.empty else f"{len(left)} of {len(left) + len(rows)} answers "
        search.say(f"{n_of}judged by {lanes}, not by {search.lane}", rejudge_command(search.rule, search.logs.place))


def _check_verdicts(search: _Search, asked: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Check that answers came, say something, and that the judge did not fail on too many of them."""
    n_missing = int(rows["outcome"].isna().sum())
    n_missing += int(((asked["lane"] == "") & ~asked["recorded"].astype(bool)).sum())
    answers = rows[rows["outcome"].notna()]
    if n_missing:
        search.say(
            f"{n_missing} of {n_missing + len(answers)} answers are missing",
            *(retry_command(run.log) for run in search.runs if run.status == "success"),
        )
    if answers.empty:
        return
    allowed = search.policy.required.unscored
    is_unscored = answers["outcome"] == "unscored"
    is_empty = answers["outcome"].isin(KEPT) & (answers["note"] == "empty")
    drawn = answers[answers["is_sampled"] == 1]
    of_second = (drawn["second_outcome"] == "unscored").mean() if len(drawn) else 0.0
    if (share := max((is_unscored | is_empty).mean(), of_second)) > allowed:
        why = [f"{n} {reason}" for reason, n in sorted(answers["reason"].dropna().value_counts().items())]
        why += [f"{is_empty.sum()} empty"] if is_empty.any() else []
        search.say(
            f"{percent(share)} of answers unscored ({', '.join(why) or 'no reason given'}); "
            f"at most {percent(allowed)} may be",
            *([f"{rejudge_command(search.rule, search.logs.place)} --again"] if search.can_judge_again else []),
        )
    if not answers["outcome"].isin(KEPT).any():
        search.say("no answer was kept: nothing to measure")
    if n_cut := int((answers["note"] == "truncated").sum()):
        search.notes.append(f"{search.model}: {n_cut} of {len(answers)} answers cut off at the token limit")


def _check_coverage(search: _Search, asked: pd.DataFrame, rows: pd.DataFrame) -> None:
    """Check that enough questions were asked in every wording, and all about equally often."""
    required, presented = search.policy.required, search.presented
    is_whole = ~(rows["epoch"] > rows["last_round"].astype(float))  # what a stopped run was still asking
    counted = rows[is_whole]["id"].value_counts()
    n_asked = {each.id: int(counted.get(each.id, 0)) for each in presented}
    never = [each for each in presented if not n_asked[each.id]]
    n_kept = _per_cell(rows[rows["outcome"].isin(KEPT)])
    cells = {(each.question.id, each.arm.name) for each in presented}
    open_cells = {(each.question.id, each.arm.name) for each in never}
    lacking = open_cells | {cell for cell in cells if n_kept[cell] < required.answers}
    if (len(cells) - len(lacking)) / len(cells) < required.questions:
        said = f"{required.answers} kept answers or more" if required.answers > 1 else "a kept answer"
        search.say(
            f"{len(cells) - len(lacking)} of {len(cells)} questions have {said} and were asked in every wording; "
            f"at least {percent(required.questions)} must"
        )
        n_unscored = _per_cell(rows[rows["outcome"] == "unscored"])
        of_judge = {cell for cell in lacking - open_cells if n_kept[cell] + n_unscored[cell] >= required.answers}
        is_left = asked["outcome"].isna() & asked["lane"].isin(["", search.lane])
        left = _per_cell(asked[is_left & ~asked["uuid"].isin(set(rows[rows["outcome"].notna()]["uuid"]))])
        n_answers = _per_cell(rows[rows["outcome"].notna()])
        closed = {
            cell
            for cell in lacking - open_cells
            if n_answers[cell] >= required.answers
            and not left[cell]
            and not (cell in of_judge and search.can_judge_again)
        }
        if closed:
            _say_closed(search, rows, closed)
        if lacking - closed - of_judge:
            search.todo.append(search.rest(never, max(n_asked.values())))
        if of_judge - closed and search.can_judge_again:
            search.todo.append(f"{rejudge_command(search.rule, search.logs.place)} --again")
    often = [n for n in n_asked.values() if n]
    if often and min(often) < _LEAST_SHARE * max(often):
        search.say(
            f"prompts were asked {min(often)} to {max(often)} times: what was asked more often would count for more; "
            "give logs in which all were asked as often"
        )


def _per_cell(rows: pd.DataFrame) -> Counter[tuple[str, str]]:
    """Return the number of rows of each question under each arm."""
    return Counter(zip(rows["question"], rows["arm"], strict=True))


def _say_closed(search: _Search, rows: pd.DataFrame, closed: set[tuple[str, str]]) -> None:
    """Say of questions that were asked as they must be and kept too little what their answers were.

    No command mends that: whoever asks until a policy passes chooses among answers.
    """
    n_least = search.policy.required.answers
    is_closed = [cell in closed for cell in zip(rows["question"], rows["arm"], strict=True)]
    found = rows[is_closed]["outcome"].value_counts()
    lost = ", ".join(f"{found[name]} {name}" for name in OUTCOMES if name not in KEPT and name in found)
    few = f"fewer than {n_least} answers" if n_least > 1 else "no answer"
    which = "question was" if len(closed) == 1 else "questions were"
    search.say(
        f"{len(closed)} {which} asked and kept {few} ({lost}): asking again until it passes is not the way; lower "
        "required.questions in a new version of the policy, or decide on more epochs before asking anew"
    )
