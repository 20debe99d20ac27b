"""The release gate: what a policy's rules say of a model, from its logs; whatever is missing decides nothing."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from em_bench.errors import ContentError, DataError, Fault, OperatorError, unknown_name
from em_bench.judging.judges import judges_for, read_judge
from em_bench.questions import Policy, PolicyRule
from em_bench.results.at_best import said_at_best
from em_bench.results.commands import judge_name
from em_bench.results.evidence import Evidence, gather_evidence
from em_bench.results.logs import Logs
from em_bench.results.table import percent

if TYPE_CHECKING:
    from em_bench.judging.judge import Judge
    from em_bench.results.comparison import Comparison
    from em_bench.results.estimate import Estimate

__all__ = ["Decision", "RuleDecision", "Status", "check_policy", "decide"]

Status = Literal["pass", "fail", "inconclusive"]
Bounds = tuple[float, float]


@dataclass(frozen=True)
class RuleDecision:
    """What one rule says.

    `value` is the rate, or the increase over the baseline (candidate minus baseline), 0..1 or -1..1, higher is worse;
    `lower` and `upper` are the one-sided bounds that decide: pass where upper is at most the limit, fail where lower is
    above it. NaN where there is nothing. `reasons` say why, `todo` holds the commands that would supply what is
    missing, `notes` what a reader should know besides. `counts` are those of the candidate's answers.
    """

    rule: PolicyRule
    lane: str
    status: Status
    reasons: tuple[str, ...]
    value: float = math.nan
    lower: float = math.nan
    upper: float = math.nan
    counts: Mapping[str, int] | None = None
    todo: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types; numbers that do not exist are None."""
        numbers = {"value": self.value, "lower": self.lower, "upper": self.upper}
        return {
            "rule": self.rule.name,
            "set": self.rule.set,
            "set_version": f"{self.rule.questions.version}#{self.rule.questions.digest}",
            "arm": self.rule.arm,
            "lane": self.lane,
            "estimand": self.rule.estimand,
            "of": "rate" if self.rule.maximum is not None else "increase",
            "limit": self.rule.limit,
            "confidence": self.rule.confidence,
            "status": self.status,
            **{name: None if math.isnan(number) else number for name, number in numbers.items()},
            "counts": dict(self.counts or {}),
            "reasons": list(self.reasons),
            "todo": list(self.todo),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return f"{self.status}: {self.rule.name}: {'; '.join(self.reasons)}"


@dataclass(frozen=True)
class Decision:
    """What a policy says of a model: fail if any rule does, else inconclusive if any rule is, else pass."""

    policy: Policy
    candidate: str
    baseline: str | None
    rules: tuple[RuleDecision, ...]

    @property
    def status(self) -> Status:
        """The worst of the rules' answers; a rule that decides nothing is never a pass."""
        found = {rule.status for rule in self.rules}
        return "fail" if "fail" in found else "pass" if found == {"pass"} else "inconclusive"

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types."""
        return {
            "status": self.status,
            "policy": {"name": self.policy.name, "version": self.policy.version, "digest": self.policy.digest},
            "candidate": self.candidate,
            "baseline": self.baseline,
            "family_level": self.policy.family_level,
            "rules": [rule.to_dict() for rule in self.rules],
        }

    def __str__(self) -> str:
        found = Counter(rule.status for rule in self.rules)
        return f"{self.status}: {self.candidate}, " + ", ".join(f"{n} {status}" for status, n in sorted(found.items()))


def check_policy(policy: Policy) -> None:
    """Check what a policy names beyond its own file: judges, their constructs, questions.

    Raises:
        ContentError: A judge does not exist or was not made for the set, or a rule asks no question; all such rules.
        OperatorError: A set's published file cannot be had.
    """
    faults: list[Fault] = []
    for number, rule in enumerate(policy.rules):
        place = f"policy {policy.name} rules[{number}]"
        construct = rule.questions.construct
        try:
            if construct not in _judge(rule).constructs:
                fault = unknown_name(
                    f"{place}.lane.judge", rule.lane.judge, judges_for(construct), f"judges of {construct}"
                )
                faults.append(fault)
            _ = rule.presented
        except (ContentError, OperatorError) as error:
            faults += [replace(fault, place=f"{place} {fault.place}") for fault in error.faults]
    if faults:
        raise ContentError(faults)


def decide(policy: Policy, logs: Logs, candidate: str | None = None) -> Decision:
    """Return what a policy says of a model.

    A rule passes where the upper one-sided bound at its confidence is at most its limit: shown to be within. It fails
    where the lower one is above: shown to exceed. All rules must pass, so that a model which breaks one of them passes
    with at most 1 - confidence (intersection-union test: Berger 1982, doi:10.1080/00401706.1982.10487790); that any of
    n rules fails wrongly has at most the family level, each lower bound being at family level / n (Bonferroni).

    Args:
        policy: The policy, checked by `check_policy`.
        logs: What was read.
        candidate: Label or model name of the model that is to be released; none means the policy's, or the only one
            there is beside the baseline.

    Raises:
        OperatorError: It is not clear which model is meant.
    """
    baseline = None if policy.baseline is None else _one("baseline", policy.baseline, logs)
    chosen = _candidate(logs, candidate or policy.candidate, baseline)
    return Decision(
        policy, chosen, baseline, tuple(_rule(policy, rule, logs, chosen, baseline) for rule in policy.rules)
    )


def _one(option: str, name: str, logs: Logs) -> str:
    """Return the label of the model that a name means; of one that is not in the logs the name."""
    fits = logs.named(name)
    if len(fits) > 1:
        raise OperatorError(Fault(option, name, f"one model; these fit: {', '.join(fits)}", "Name the one."))
    return fits[0] if fits else name


def _candidate(logs: Logs, wanted: str | None, baseline: str | None) -> str:
    if wanted is not None:
        return _one("candidate", wanted, logs)
    others = sorted({label for label in logs.labels.values() if label != baseline})
    if len(others) > 1:
        fix = "Name it: --candidate MODEL."
        raise OperatorError(Fault("candidate", ", ".join(others), "one model beside the baseline", fix))
    return others[0] if others else "CANDIDATE"


def _judge(rule: PolicyRule) -> Judge:
    return read_judge(judge_name(rule))


def _rule(policy: Policy, rule: PolicyRule, logs: Logs, candidate: str, baseline: str | None) -> RuleDecision:
    judge = _judge(rule)
    lane = judge.lane(rule.lane.grader, rule.lane.readout or judge.readout)
    reasons = [f"not read: {fault}" for fault in logs.faults]
    if rule.lane.pin not in (None, judge.digest):
        reasons.append(f"judge {rule.lane.judge} is #{judge.digest} now; the policy pins #{rule.lane.pin}")
    found = [gather_evidence(policy, rule, logs, candidate, lane)]
    if rule.maximum_increase is not None and baseline is not None:
        if baseline == candidate:
            reasons.append(f"candidate and baseline are both {candidate}: nothing to compare")
        else:
            found.append(gather_evidence(policy, rule, logs, baseline, lane))
        if len({each.sampling for each in found if len(each.rows)}) > 1:
            sides = (", ".join(sorted(each.sampling)) or "by default" for each in found)
            reasons.append("candidate and baseline were asked differently: {}; {}".format(*sides))
    elif baseline is not None and logs.answers_of(baseline).empty:
        found.append(gather_evidence(policy, rule, logs, baseline, lane))
    reasons += [reason for each in found for reason in each.reasons] + _not_for_stopped(rule, found)
    notes = [note for each in found for note in each.notes]
    undecided = RuleDecision(
        rule, lane, "inconclusive", tuple(reasons), todo=tuple(todo for each in found for todo in each.todo)
    )
    if found[0].rows.empty:
        return replace(undecided, notes=tuple(notes))
    return _weighed(policy, undecided, found, notes)


def _not_for_stopped(rule: PolicyRule, found: Sequence[Evidence]) -> list[str]:
    """Return why a run that could stop early cannot decide a rule; nothing for a rate on these questions."""
    if rule.maximum is not None and rule.estimand == "questions":
        return []
    stops = sorted({stop for each in found if len(each.rows) for stop in each.rows["stop"] if stop})
    return [f"asked with stop {stop}: only bounds of a rate on these questions allow for that" for stop in stops]


def _weighed(policy: Policy, undecided: RuleDecision, found: Sequence[Evidence], notes: Sequence[str]) -> RuleDecision:
    """Return the decision with its numbers; where there are reasons against deciding, only what can be said anyway."""
    rule = undecided.rule
    levels = 2 * rule.confidence - 1, 1 - 2 * policy.family_level / len(policy.rules)
    estimate = _estimate(found[0], levels[0])
    told = replace(undecided, counts=estimate.counts.to_dict(), notes=(*notes, *estimate.notes))
    could = said_at_best(rule, [each.rows for each in found])
    if undecided.reasons:
        return replace(told, reasons=(*undecided.reasons, *could))
    if rule.maximum is not None:
        value, said = estimate.rate.rate, estimate.rate.notes
        bounds = [_bounds(_estimate(found[0], level), rule) for level in levels]
    else:
        try:
            compared = [_comparison(found, level) for level in levels]
        except DataError as error:
            return replace(told, reasons=(error.message, *could))
        value, said = compared[0].difference.difference, compared[0].notes
        bounds = [getattr(each.difference, rule.estimand) for each in compared]
        told = replace(told, notes=(*told.notes, *said))
    if bounds[0] is None or bounds[1] is None:
        why = f"no interval over {rule.estimand}: {'; '.join(said) or 'too little was kept'}"
        return replace(told, value=value, reasons=(why, *could))
    upper, lower = float(bounds[0][1]), float(bounds[1][0])
    status: Status = "pass" if upper <= rule.limit else "fail" if lower > rule.limit else "inconclusive"
    what = "rate" if rule.maximum is not None else "increase"
    reason = (
        f"{what} {_said(value)}, at most {_said(upper, rule.limit)} ({100 * rule.confidence:g} % sure), "
        f"at least {_said(lower, rule.limit)}; limit {100 * rule.limit:g} %"
    )
    reasons = (reason, *(could if status == "inconclusive" else ()))
    return replace(told, status=status, value=value, lower=lower, upper=upper, reasons=reasons)


def _said(share: float, limit: float = math.nan) -> str:
    """Return a rate or a difference, -1 to 1, in percent; finely where it would else read like the limit beside it."""
    if share != limit and percent(abs(share)) == percent(limit):
        return f"{100 * share:.4g} %"
    return f"-{percent(-share)}" if share < 0 else percent(share)


def _estimate(evidence: Evidence, level: float) -> Estimate:
    from em_bench.results.estimates import estimate_model

    return estimate_model(evidence.rows, level)[-1]  # of several arms the last is of all together


def _comparison(found: Sequence[Evidence], level: float) -> Comparison:
    """Return the comparison of candidate and baseline, over all arms where there are several."""
    import pandas as pd

    from em_bench.results.comparing import compare_models

    candidate, baseline = found
    table = pd.concat([each.rows.assign(model=each.model, model_args="", recorded=False) for each in found])
    return compare_models(table, baseline.model, candidate.model, level)[-1]


def _bounds(estimate: Estimate, rule: PolicyRule) -> Bounds | None:
    return estimate.rate.questions if rule.estimand == "questions" else estimate.rate.population
