"""Which answers raters are shown: all that the logs hold, each once, and a random sample of them of known chances."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from em_bench.errors import DataError, Fault, OperatorError, unknown_name
from em_bench.judging.exam_sheets import EXAM
from em_bench.models.providers import REPLAYED, SIMULATED
from em_bench.results.annotation_key import Stratum

if TYPE_CHECKING:
    from inspect_ai.log import EvalLog, EvalSample, EvalSampleSummary

__all__ = ["Candidate", "chance", "choose_sets", "draw_answers", "find_candidates", "read_samples"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that may be drawn; two with one `identity` are the same answer."""

    identity: str
    log: str
    id: int | str
    epoch: int
    uuid: str
    model: str
    is_exam: bool
    set: str
    construct: str
    flag: str


def find_candidates(logs: Sequence[str], report: Callable[[str], None]) -> list[Candidate]:
    """Return every answer of the logs, each once, whatever log it is found in; `report` hears of foreign logs.

    Raises:
        DataError: A log cannot be read; each such log is named.
    """
    from inspect_ai.log import read_eval_log, read_eval_log_sample_summaries

    found: dict[str, Candidate] = {}
    faults: list[Fault] = []
    for log in logs:
        try:
            header = read_eval_log(log, header_only=True)
            of_set = header.eval.metadata or {}
            if "set_digest" not in of_set and EXAM not in of_set:
                report(f"left out: {log}: not a log of an em_bench task")
                continue
            for summary in read_eval_log_sample_summaries(log):
                if summary.error is None:
                    candidate = _candidate(log, header, summary)
                    found.setdefault(candidate.identity, candidate)
        except Exception as error:  # zip, JSON and schema errors have no common class
            faults.append(Fault(log, f"{type(error).__name__}: {error}", "a readable log of Inspect", "Leave it out."))
    if faults:
        raise DataError(faults)
    return list(found.values())


def _candidate(log: str, header: EvalLog, summary: EvalSampleSummary) -> Candidate:
    of_set: dict[str, Any] = header.eval.metadata or {}
    recorded = of_set.get("recorded")
    uuid = summary.uuid or f"{header.eval.eval_id}:{summary.id}:{summary.epoch}"
    identity, model = uuid, recorded["model"] if recorded else header.eval.model
    if is_exam := EXAM in of_set:
        set_name = summary.metadata[EXAM]["set"]
        construct = summary.metadata["construct"]
        told = [score.metadata or {} for score in (summary.scores or {}).values()]
        flag = next((each["flag"] for each in told if "flag" in each), construct)
        identity, model = f"{EXAM}:{summary.id}", EXAM
    else:
        set_name, construct, flag = (of_set[name] for name in ("set", "construct", "flag"))
        if header.eval.model.startswith((SIMULATED, REPLAYED)) and not recorded:  # says the same in every run
            drawn = (header.eval.model, str(header.eval.model_args), of_set["set_digest"], summary.id, summary.epoch)
            identity = ":".join(map(str, drawn))
            model = header.eval.model_args.get("subject") or model
    return Candidate(
        identity, log, summary.id, summary.epoch, uuid, str(model), is_exam, set_name, str(construct), str(flag)
    )


def choose_sets(candidates: Sequence[Candidate], sets: Sequence[str]) -> list[Candidate]:
    """Return the answers to the sets named, or all where none is.

    Raises:
        DataError: There is no answer at all.
        OperatorError: A set is not among them, or they flag different things: a rater looks for one.
    """
    legal = sorted({candidate.set for candidate in candidates})
    if not legal:
        raise DataError(Fault("logs", "no answer in any of them", "answers to label"))
    if unknown := [name for name in sets if name not in legal]:
        raise OperatorError([unknown_name("--set", name, legal, "sets of these logs") for name in unknown])
    wanted = [candidate for candidate in candidates if not sets or candidate.set in sets]
    constructs = sorted({(candidate.construct, candidate.flag) for candidate in wanted})
    if len(constructs) > 1:
        fix = f"Export them apart: --set {' or --set '.join(sorted({candidate.set for candidate in wanted}))}."
        found = f"answers flagged as {' and '.join(flag for _, flag in constructs)}"
        raise OperatorError(Fault("--set", found, "sets that flag one thing, so that raters look for one", fix))
    return wanted


def draw_answers(candidates: Sequence[Candidate], n: int, seed: int) -> tuple[dict[str, Stratum], list[Candidate]]:
    """Return the strata by model, and n answers in equal parts of each: those whose hash with the seed is lowest.

    That is a simple random sample of each stratum; with a larger n it holds the smaller one.

    Raises:
        OperatorError: n is smaller than the number of models, so that some answers could not be drawn at all.
    """
    by_model: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda each: (each.model, chance(seed, "draw", each.identity))):
        by_model.setdefault(candidate.model, []).append(candidate)
    if n < len(by_model):
        fix = "Or name fewer logs."
        raise OperatorError(Fault("--n", n, f"{len(by_model)} at least, one for each model", fix))
    shares = dict.fromkeys(by_model, 0)
    left = min(n, len(candidates))
    while left:
        open_models = [model for model in by_model if shares[model] < len(by_model[model])]
        for model in open_models[:left]:
            more = min(max(left // len(open_models), 1), len(by_model[model]) - shares[model])
            shares[model] += more
        left = min(n, len(candidates)) - sum(shares.values())
    strata = {model: Stratum(shares[model], len(found)) for model, found in by_model.items()}
    return strata, [candidate for model, found in by_model.items() for candidate in found[: shares[model]]]


def chance(seed: int, purpose: str, name: str) -> str:
    """Return what a name is ordered by: as good as random, and the same on every machine."""
    return sha256(f"{purpose}\0{seed}\0{name}".encode()).hexdigest()


def read_samples(drawn: Sequence[Candidate]) -> Iterator[tuple[Candidate, EvalSample]]:
    """Yield each answer drawn with its sample, text and all; each log is opened for those alone."""
    from inspect_ai.log import read_eval_log, read_eval_log_sample

    whole: dict[str, dict[tuple[str, int], EvalSample]] = {}
    for candidate in drawn:
        if candidate.log.endswith(".eval"):
            sample = read_eval_log_sample(candidate.log, candidate.id, candidate.epoch, resolve_attachments="core")
        else:
            if candidate.log not in whole:
                read = read_eval_log(candidate.log, resolve_attachments="core").samples or []
                whole[candidate.log] = {(str(sample.id), sample.epoch): sample for sample in read}
            sample = whole[candidate.log][str(candidate.id), candidate.epoch]
        yield candidate, sample
