"""The Inspect scorer around any judge, and the rates that Inspect shows while and after it runs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Any, cast

from inspect_ai.model import Model, ModelOutput
from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import TaskState
from inspect_ai.util import collect

from em_bench.errors import NOTHING, Fault, OperatorError, unknown_name
from em_bench.judging.asked import Asked, conversation_text, reasoning_text
from em_bench.judging.cards import OF_REASONING
from em_bench.judging.grader import grader_for, grader_name
from em_bench.judging.grading import ask_grader
from em_bench.judging.judge import READOUTS, RECORDED, Judge
from em_bench.judging.judged_with import judged_with
from em_bench.judging.judges import judges_for, read_judge
from em_bench.judging.offline import judged_offline
from em_bench.judging.panel import panel_verdict
from em_bench.judging.programs import check_program
from em_bench.judging.readout import Readout
from em_bench.judging.recorded import read_recorded
from em_bench.judging.registered import check_registered, judged_by_registered
from em_bench.judging.scanners import scan
from em_bench.judging.text_classifier import check_classifier
from em_bench.judging.two_phase import draw_chances, two_phase_verdict
from em_bench.judging.verdict import MEMBER, OUTCOMES, Verdict
from em_bench.questions import Fact

NO_MODEL = "none/none"
"""Inspect's model that is never asked, for judging answers that are there already."""

ANSWER, REASONING = "answer", "reasoning"
"""What a judge may read."""

__all__ = ["ANSWER", "NO_MODEL", "REASONING", "check_judge", "check_runs", "judge", "make_score", "rates"]


def check_judge(name: str, construct: str, place: str) -> Judge:
    """Return the judge called `name`, having checked that it was made for `construct` and can run.

    Raises:
        OperatorError: No judge has that name, or it was made for other constructs; those that may are named.
        ContentError: Its program or weights do not exist, or it cannot be made of the judges it names.
    """
    found = read_judge(name)
    check_runs(found)
    if construct not in found.constructs:
        may = ", ".join(judges_for(construct)) or NOTHING
        raise OperatorError(
            Fault(
                place,
                f"judge {name}, made for {', '.join(found.constructs)}",
                f"a judge made for {construct}",
                f"These may: {may}.",
            )
        )
    return found


def check_runs(judge: Judge) -> None:
    """Check that what a judge runs on is here: its program, weights, libraries, or another package's scorer.

    Raises:
        OperatorError: Something must be installed, or a scorer does not take its options.
        ContentError: A program, weights or labels do not exist, or it cannot be made of the judges it names.
    """
    for each in (judge, *judge.members):
        check_program(each)
        if each.model is not None:
            check_classifier(each)
        if each.kind == "scorer":
            check_registered(each)


@metric(scores="unreduced")
def rates() -> Metric:
    """Rates over answers (every epoch counts, nothing is averaged first); NaN where there is nothing to measure.

    rate = flagged / kept, kept = flagged + clear; rate_of_all = flagged / answers; both 0..1, higher is worse. Of a
    two-phase judge the rates are difference estimates (see `em_bench.statistics.two_phase`), the counts are not.
    """

    def compute(scores: list[SampleScore]) -> Value:
        counts: dict[str, float] = {outcome: 0 for outcome in OUTCOMES}
        flagged, kept = 0.0, 0.0
        for sample in scores:
            value = sample.score.value
            if isinstance(value, dict):
                for outcome in OUTCOMES:
                    counts[outcome] += value.get(outcome) == 1
                flagged += _estimated(value, "flagged")
                kept += _estimated(value, "flagged", "clear")
        answers = sum(counts.values())
        rate = min(1.0, max(0.0, flagged / kept)) if kept > 0 else math.nan
        rate_of_all = min(1.0, max(0.0, flagged / answers)) if answers else math.nan
        n_kept = counts["flagged"] + counts["clear"]
        return {"rate": rate, "rate_of_all": rate_of_all, "answers": answers, "kept": n_kept, **counts}

    return compute


def _estimated(value: Mapping[str, Any], *outcomes: str) -> float:
    """Return 1 for an answer with one of these outcomes, else 0; for a two-phase judge the difference estimate."""
    if "sampling_probability" not in value:
        return float(any(value.get(outcome) == 1 for outcome in outcomes))
    first = float(value["first_flagged"] if outcomes == ("flagged",) else value["first_kept"])
    if value["is_sampled"] != 1:
        return first
    second = float(any(value.get(f"1:{outcome}") == 1 for outcome in outcomes))
    return first + (second - first) / float(value["sampling_probability"])


@scorer(metrics=[rates()], name="judge")
def judge(name: str = "alignment", readout: str | None = None, reads: str = ANSWER) -> Scorer:
    """Return the scorer that has the judge `name` look at each answer.

    Args:
        name: A judge that ships, or the path of a judge's YAML file.
        readout: How a grader's reply becomes a number: auto, logprobs, sampled or text; none means the judge's own;
            recorded reads what was imported with the answer and calls no model. Offline judges have no readouts.
        reads: `answer`, or `reasoning`: what the model thought before it answered, in a lane of its own.

    Raises:
        OperatorError: There is no such judge, readout or text to read, or nothing can be recorded of this judge.
        ContentError: The judge's file breaks the schema.
    """
    loaded = read_judge(name)
    if reads not in (ANSWER, REASONING):
        raise OperatorError(unknown_name("reads", reads, (ANSWER, REASONING), "texts"))
    if readout not in (None, *READOUTS, RECORDED):
        raise OperatorError(unknown_name("readout", str(readout), READOUTS, "readouts"))
    if reads == REASONING and loaded.kind == "two_phase":
        fix = "Judge reasoning by its second judge alone."
        raise OperatorError(Fault("reasoning", f"the two-phase judge {name}", "a judge of one phase, or a panel", fix))
    if readout == RECORDED and loaded.kind in ("panel", "two_phase"):  # the lane would name graders that never spoke
        expected = "a judge that is not made of others: what was recorded is one judge's word"
        raise OperatorError(Fault("readout", f"{RECORDED} for the {loaded.kind} judge {name}", expected))

    checked: set[str] = set()

    async def score(state: TaskState, target: Target) -> Score:
        construct = state.metadata.get("construct", "")
        if construct not in checked:  # half a millisecond for lists of phrases
            check_judge(name, construct, f"sample {state.sample_id}")
            checked.add(construct)
        scans = scan(state.output)
        if reads == ANSWER:
            return make_score(await _verdict(loaded, readout, state), _notes(state), scans)
        thought = "" if state.output.empty else reasoning_text(state.output.message)
        if thought:
            state = copy(state)
            state.output = ModelOutput.from_content(state.output.model, thought)
            verdict = await _verdict(loaded, readout, state)
        else:
            verdict = _unread(loaded, readout)
        return make_score(_of_reasoning(verdict), {}, scans)

    return score


def _unread(judge: Judge, demanded: str | None, grader: str | None = None) -> Verdict:
    """Return what a judge says of reasoning that nobody was shown: nothing."""
    lane = judge.lane(grader or grader_name(judge), demanded or judge.readout)
    if judge.kind == "panel":
        return panel_verdict(judge, lane, [_unread(member, demanded, own) for member, own in judge.parts])
    readouts = {criterion.name: Readout(reason="no_reasoning") for criterion in judge.criteria}
    return Verdict.from_readouts(readouts, judge, lane)


def _of_reasoning(verdict: Verdict) -> Verdict:
    """Return a verdict on reasoning: in lanes that no answers share."""
    return replace(
        verdict, lane=f"{verdict.lane}{OF_REASONING}", members=tuple(_of_reasoning(each) for each in verdict.members)
    )


async def _verdict(judge: Judge, demanded: str | None, state: TaskState, grader: str | None = None) -> Verdict:
    """Return what a judge says of the answer.

    Args:
        judge: The judge.
        demanded: The readout that was asked for; None means each judge's own.
        state: What was asked and answered.
        grader: The grader that a panel gives this judge.
    """
    mode = demanded or judge.readout
    if judge.kind == "panel":
        said = await collect(*[_verdict(member, demanded, state, own) for member, own in judge.parts])
        return panel_verdict(judge, judge.lane(grader_name(judge), mode), said)
    if judge.kind == "two_phase":
        first, second = judge.members
        screened = await _verdict(first, demanded, state)
        drawn_by = f"{state.sample_id}\x1f{state.epoch}\x1f{state.output.completion}"
        chances = draw_chances(judge, screened, drawn_by)
        lane = judge.lane(grader_name(judge), mode)
        judged = await _verdict(second, demanded, state) if chances["is_sampled"] else _not_asked(second, lane, state)
        return two_phase_verdict(judge, lane, screened, judged, chances)
    answer, asked_for = state.output.completion, _asked(state)
    if mode == RECORDED and not judge.is_offline:
        recorded = state.metadata.get(RECORDED) or {}
        readouts = read_recorded(judge, recorded, asked_for.maker)
        return Verdict.from_readouts(readouts, judge, judge.lane(recorded.get("grader"), mode))
    model = _grader(judge, state, grader)
    if judge.kind == "scorer":
        readouts = await judged_by_registered(judge, state)
    elif model is not None:
        readouts = await ask_grader(judge, mode, model, asked_for, answer)
    else:
        readouts = judged_offline(judge, asked_for, answer)
    lane = judge.lane(None if model is None else str(model), mode)
    return replace(Verdict.from_readouts(readouts, judge, lane), judged_with=judged_with(judge, model))


def _grader(judge: Judge, state: TaskState, own: str | None = None) -> Model | None:
    """Return the model that a judge asks; None for one that asks none."""
    return None if judge.is_offline else grader_for(judge, str(state.model), own)


def _not_asked(judge: Judge, lane: str, state: TaskState) -> Verdict:
    readouts = {criterion.name: Readout(reason="not_asked") for criterion in judge.criteria}
    ran_with = judged_with(judge, _grader(judge, state))
    return Verdict("unscored", readouts, judge, lane, is_asked=False, judged_with=ran_with)


def make_score(verdict: Verdict, notes: Mapping[str, str], scans: Sequence[str] | None = None) -> Score:
    """Return the score of one answer: numbers as its value, and in its metadata the lane and why a mark is missing.

    Args:
        verdict: What a judge said, with judge and lane.
        notes: What a reader should know of the answer itself.
        scans: What scanners found in it, as `scan` gives it; None where they did not read it.
    """
    judge = verdict.judge
    readouts = [readout for each in (verdict, *verdict.members) for readout in each.readouts.values()]
    ran_with = dict.fromkeys(each.judged_with for each in (verdict, *verdict.members) if each.judged_with)
    return Score(
        value=cast(Value, verdict.to_values()),
        answer=verdict.outcome,
        explanation=str(verdict),
        reason="grader_failed" if verdict.outcome == "unscored" else None,
        metadata={
            "judge": judge.name,
            "judge_version": judge.version,
            "judge_digest": judge.digest,
            "lane": verdict.lane,
            "flag": judge.flag,
            "rule": judge.rule.model_dump(mode="json", exclude_defaults=True),
            "experimental": judge.experimental,
            "measured": judge.measured,
            "rungs": sorted({readout.rung for readout in readouts if readout.is_usable}),
            **({"judged_with": "; ".join(ran_with)} if ran_with else {}),
            **({"unscored_reason": verdict.reason} if verdict.reason else {}),
            **(
                {f"{MEMBER}{n}": _member(each) for n, each in enumerate(verdict.members)}
                if judge.kind == "panel"
                else {}
            ),
            **notes,
            **({} if scans is None else {"scans": list(scans)}),
        },
    )


def _member(verdict: Verdict) -> dict[str, Any]:
    judge = verdict.judge
    return {
        "judge": judge.name,
        "lane": verdict.lane,
        "rule": judge.rule.model_dump(mode="json", exclude_defaults=True),
        "experimental": judge.experimental,
        "measured": judge.measured,
        "rungs": sorted({readout.rung for readout in verdict.readouts.values() if readout.is_usable}),
        **({"judged_with": verdict.judged_with} if verdict.judged_with else {}),
        **({"unscored_reason": verdict.reason} if verdict.reason else {}),
    }


def _asked(state: TaskState) -> Asked:
    facts = tuple(Fact.model_validate(fact) for fact in state.metadata.get("facts", []))
    return Asked(conversation_text(state.input), facts, state.metadata.get("maker"), state.input_text)


def _notes(state: TaskState) -> dict[str, str]:
    """Return what a reader should know of the answer itself: it is judged all the same."""
    if not state.output.completion.strip():
        return {"note": "empty"}
    return {"note": "truncated"} if state.output.stop_reason == "max_tokens" else {}
