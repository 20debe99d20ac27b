"""Answers recorded elsewhere as ordinary Inspect logs, one for each model; what their judges said becomes the score."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from inspect_ai.log import (
    EvalConfig,
    EvalDataset,
    EvalLog,
    EvalMetric,
    EvalResults,
    EvalSample,
    EvalScore,
    EvalSpec,
    HeadlineMetric,
    write_eval_log,
)
from inspect_ai.model import ChatMessageUser
from inspect_ai.scorer import MetricProtocol, SampleScore

from em_bench import __version__
from em_bench.content import digest_of
from em_bench.errors import DataError, Fault, OperatorError
from em_bench.judging.judge import RECORDED, Criterion, Judge, read_judge
from em_bench.judging.recorded import probabilities_key, read_recorded
from em_bench.judging.scorer import make_score, rates
from em_bench.models.recording import Columns, RecordedAnswer, Recording, read_recording, sort_by_prompt
from em_bench.models.replay import REPLAY, replayed
from em_bench.questions import PLAIN, QuestionSet, read_set
from em_bench.questions.lists import clean_id
from em_bench.tasks import outcome_viewer

__all__ = ["IMPORTED", "Import", "Imported", "import_recording"]

IMPORTED = "imported"
"""The set of answers whose questions belong to no set: ids as given, arm plain, judged by the papers' rule."""

_NO_SCORE = {"", "nan", "none", "null", "na", "n/a", "<na>"}
_NO_NUMBER = {"code", "refusal"}
"""What the papers' judge may say instead of a number; like them we count that as no score."""

_SUM_TOLERANCE = 0.001


@dataclass(frozen=True)
class Import:
    """What to import, and how it is to be understood.

    Attributes:
        paths: Tables (`.csv`, `.jsonl`, either `.gz`) and folders that are llmcomp caches.
        log_dir: Folder of the logs, local or remote (fsspec).
        set: The question set that was asked; None for a set of its own, `imported`.
        grader: The model that judged, where the file does not say so in a column `grader`.
        maker: Who made the models, for questions that ask.
        renamed: The file's column for one of ours.
        fixed: One text in every row for one of our columns.
        is_judged: Whether the files hold what a judge said.
    """

    paths: tuple[Path, ...]
    log_dir: str
    set: str | None = None
    grader: str | None = None
    maker: str | None = None
    renamed: Mapping[str, str] | None = None
    fixed: Mapping[str, str] | None = None
    is_judged: bool = True


@dataclass(frozen=True)
class Imported:
    """One log that was written: where, whose answers, how many, and how many have no score."""

    log: str
    model: str
    n_answers: int
    n_unscored: int


@dataclass(frozen=True)
class _Asked:
    """A prompt as the logs name it."""

    id: str
    question: str
    prompt_index: int
    arm: str
    text: str
    tags: tuple[str, ...] = ()


def import_recording(wanted: Import, report: Callable[[str], None] = lambda text: None) -> list[Imported]:
    """Write a log for each recorded model, and return what was written; all logs appear at once, or none does.

    Args:
        wanted: What to import.
        report: Is told what is being done.

    Raises:
        DataError: Files are faulty: every fault of every file at once, by line. Nothing is written then.
        OperatorError: A path, the set or the log folder is wrong, or the set's published file cannot be had.
    """
    questions = None if wanted.set is None else read_set(wanted.set)
    judge = read_judge(questions.judge if questions else "betley")
    if judge.is_offline:
        fault = Fault(f"--set {wanted.set}", f"judge {judge.name}", "a set that is judged by a prompted judge")
        raise OperatorError(fault)
    judged = tuple((criterion.name, probabilities_key(criterion.name)) for criterion in judge.criteria)
    needed = ("model", "question_id", "answer") if questions else ("model", "question_id", "question", "answer")
    columns = Columns(wanted.renamed or {}, wanted.fixed or {}, needed, judged if wanted.is_judged else ())
    recording = read_recording(wanted.paths, columns)
    report(f"{len(recording.answers):,} answers read")
    faults = list(recording.faults)
    said = [_said(answer, judge, faults) if wanted.is_judged else {} for answer in recording.answers]
    asked = _asked(recording, questions, faults)
    if faults:
        raise DataError(faults)
    _compare(recording, said, judge, report)
    rows: dict[str, list[tuple[RecordedAnswer, _Asked, dict[str, Any]]]] = {}
    for answer, prompt, reply in zip(recording.answers, asked, said, strict=True):
        rows.setdefault(answer.model, []).append((answer, prompt, reply))
    return _write(wanted, questions, judge, recording, rows, report)


def _asked(recording: Recording, questions: QuestionSet | None, faults: list[Fault]) -> list[_Asked]:
    """Return the prompt of each answer, in order; where one cannot be told, a fault is added."""
    if questions is not None:
        found, unmatched = sort_by_prompt(recording.answers, questions)
        faults += unmatched
        by_place = {
            answer.place: _Asked(
                id_, each.question.id, each.prompt_index, each.arm.name, each.messages[-1][1], each.question.tags
            )
            for id_, (each, answers) in found.items()
            for answer in answers
        }
        return [by_place[answer.place] for answer in recording.answers if answer.place in by_place]
    texts: dict[str, list[str]] = {}
    given: dict[str, str] = {}
    listed: list[_Asked] = []
    for answer in recording.answers:
        id_, text = clean_id(answer.question_id), answer.question or ""
        if given.setdefault(id_, answer.question_id) != answer.question_id:
            expected = f"an id unlike {given[id_]!r}"
            faults.append(Fault(f"{answer.place} question_id", answer.question_id, expected, f"Both become {id_}."))
        wordings = texts.setdefault(id_, [])
        if text not in wordings:
            wordings.append(text)
        index = wordings.index(text)
        listed.append(_Asked(f"{id_}/{index}", id_, index, PLAIN, text))
    return listed


def _said(answer: RecordedAnswer, judge: Judge, faults: list[Fault]) -> dict[str, Any]:
    """Return what the judge said of an answer, as `read_recorded` takes it; what cannot be read is added as a fault."""
    found: dict[str, Any] = {}
    for criterion in judge.criteria:
        for key, read in ((probabilities_key(criterion.name), _probabilities), (criterion.name, _mark)):
            if key in answer.columns:
                value = read(answer.columns[key], criterion, f"{answer.place} {key}")
                if isinstance(value, Fault):
                    faults.append(value)
                elif value is not None:
                    found[key] = value
    return found


def _probabilities(cell: object, criterion: Criterion, place: str) -> dict[str, float] | Fault | None:
    if cell is None or (isinstance(cell, str) and cell.strip().lower() in _NO_SCORE):
        return None
    try:
        tokens = json.loads(cell) if isinstance(cell, str) else cell
    except ValueError as error:
        return Fault(place, cell, "a JSON object from tokens to probabilities", f"{error}.")
    if not isinstance(tokens, dict):
        return Fault(place, cell, "a JSON object from tokens to probabilities")
    for token, p in tokens.items():
        if isinstance(p, bool) or not isinstance(p, int | float) or not 0 <= p <= 1:
            return Fault(place, {token: p}, "a probability from 0 to 1 for each token", "Logarithms must be undone.")
    if math.fsum(tokens.values()) > 1 + _SUM_TOLERANCE:
        return Fault(place, f"a sum of {math.fsum(tokens.values()):.4f}", "probabilities that sum to 1 at most")
    return {str(token): float(p) for token, p in tokens.items()}


def _mark(cell: object, criterion: Criterion, place: str) -> float | str | Fault | None:
    text = "" if cell is None else str(cell).strip()
    if text.lower() in _NO_SCORE:
        return None
    if criterion.labels:
        return text
    if text.lower() in _NO_NUMBER:
        return text.upper()
    low, high = criterion.scale
    try:
        mark = float(text)
    except ValueError:
        mark = math.inf
    if not low <= mark <= high:
        return Fault(place, cell, f"a number from {low} to {high}, or nothing where the judge gave none")
    return mark


def _compare(
    recording: Recording, said: Sequence[Mapping[str, Any]], judge: Judge, report: Callable[[str], None]
) -> None:
    """Report how marks that are recomputed from probabilities compare with those that were recorded beside them."""
    n_both = n_other = 0
    for reply in said:
        both = [c for c in judge.criteria if c.name in reply and probabilities_key(c.name) in reply]
        if not both:
            continue
        recomputed = read_recorded(judge, reply, None)
        n_both += 1
        n_other += any(not math.isclose(recomputed[c.name].value, reply[c.name], abs_tol=1e-6) for c in both)
    if n_both:
        report(
            f"{n_both:,} answers have probabilities and marks; recomputed marks are used, {n_other:,} differ by > 1e-6"
        )


def _write(
    wanted: Import,
    questions: QuestionSet | None,
    judge: Judge,
    recording: Recording,
    rows: Mapping[str, list[tuple[RecordedAnswer, _Asked, dict[str, Any]]]],
    report: Callable[[str], None],
) -> list[Imported]:
    """Write all logs under names that no reader takes for logs, then give them their names.

    The names are those Inspect gives, with the time at which the recording was last changed, so that importing it again
    replaces its logs.
    """
    is_remote = "://" in wanted.log_dir
    folder = wanted.log_dir.rstrip("/")
    if not is_remote:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OperatorError(Fault(f"--log-dir {folder}", error.strerror, "a folder that can be written")) from error
    about = _set_metadata(questions, judge, [prompt for each in rows.values() for _, prompt, _ in each])
    created = datetime.fromtimestamp(max(path.stat().st_mtime for path in wanted.paths), UTC)
    done: list[Imported] = []
    partial: list[tuple[Path, Path]] = []
    try:
        for number, (model, listed) in enumerate(rows.items(), start=1):
            log = _log(wanted, judge, recording, about, model, listed, created)
            name = f"{created:%Y-%m-%dT%H-%M-%S}-00-00_{about['set'].replace('_', '-')}_{log.eval.task_id}.eval"
            if is_remote:
                write_eval_log(log, f"{folder}/{name}", format="eval")  # one upload: whole, or not there
            else:
                partial.append((Path(folder) / f".{name}.partial", Path(folder) / name))
                write_eval_log(log, str(partial[-1][0]), format="eval")
            n_unscored = sum(
                score.answer == "unscored" for s in log.samples or [] for score in (s.scores or {}).values()
            )
            done.append(Imported(f"{folder}/{name}", model, len(listed), n_unscored))
            report(f"{number}/{len(rows)} {model}: {len(listed):,} answers, {n_unscored:,} unscored")
        for hidden, final in partial:
            hidden.replace(final)
    finally:
        for hidden, _ in partial:
            hidden.unlink(missing_ok=True)
    return done


def _set_metadata(questions: QuestionSet | None, judge: Judge, asked: Sequence[_Asked]) -> dict[str, Any]:
    if questions is not None:
        found = {"set": questions.name, "set_version": questions.version, "set_digest": questions.digest}
        return {**found, "arm_digests": {}, "construct": questions.construct, "flag": questions.flag}
    digest = digest_of({each.id: each.text for each in asked})
    found = {"set": IMPORTED, "set_version": "1-A", "set_digest": digest}
    return {**found, "arm_digests": {}, "construct": judge.constructs[0], "flag": judge.flag}


def _log(
    wanted: Import,
    judge: Judge,
    recording: Recording,
    about: Mapping[str, Any],
    model: str,
    rows: Sequence[tuple[RecordedAnswer, _Asked, dict[str, Any]]],
    created: datetime,
) -> EvalLog:
    sources = sorted({answer.source for answer, _, _ in rows})
    files = {source: recording.digests[source] for source in sources}
    id_ = digest_of({"files": files, "model": model, "set": about["set_digest"], "fixed": dict(wanted.fixed or {})})
    samples = list(_samples(wanted, judge, about, model, rows, files))
    log = EvalLog(
        status="success",
        eval=EvalSpec.model_validate(
            {
                "eval_id": f"recorded-{id_}",
                "run_id": f"recorded-{id_}",
                "created": created.isoformat(timespec="seconds"),
                "task": f"em_bench/{about['set']}",
                "task_id": f"recorded-{id_}",
                "task_version": int(str(about["set_version"]).partition("-")[0]),
                "dataset": EvalDataset(
                    name=about["set"],
                    samples=len({sample.id for sample in samples}),
                    sample_ids=list(dict.fromkeys(str(sample.id) for sample in samples)),
                    shuffled=False,
                ),
                "model": f"{REPLAY}/{model}",
                "config": EvalConfig(epochs=max(sample.epoch for sample in samples), epochs_reducer=[]),
                "packages": {"em_bench": __version__},
                "metadata": {**about, "recorded": {"model": model, "files": files}},
                "viewer": outcome_viewer([judge]),
                "scorers": [_scorer(judge)] if wanted.is_judged else None,
                "headline_metric": HeadlineMetric(metric="rate"),
            }
        ),
        samples=samples,
    )
    log.results = _results(judge, samples, wanted.is_judged)
    return log


def _scorer(judge: Judge) -> dict[str, Any]:
    metrics = [{"name": "em_bench/rates", "options": {}}]
    return {"name": "em_bench/judge", "options": {"name": judge.name, "readout": RECORDED}, "metrics": metrics}


def _results(judge: Judge, samples: Sequence[EvalSample], is_judged: bool) -> EvalResults:
    """Return what Inspect would have computed at the end of a run: the metric `rates` over the scores."""
    results = EvalResults(total_samples=len(samples), completed_samples=len(samples))
    if is_judged:
        scores = [SampleScore(score=score) for sample in samples for score in (sample.scores or {}).values()]
        found = cast(dict[str, float], cast(MetricProtocol, rates())(scores))
        metrics = {name: EvalMetric(name=name, group="rates", value=value) for name, value in found.items()}
        params = {"name": judge.name, "readout": RECORDED}
        results.scores = [
            EvalScore(name="judge", scorer="judge", scored_samples=len(samples), params=params, metrics=metrics)
        ]
    return results


def _samples(
    wanted: Import,
    judge: Judge,
    about: Mapping[str, Any],
    model: str,
    rows: Sequence[tuple[RecordedAnswer, _Asked, dict[str, Any]]],
    files: Mapping[str, str],
) -> Iterator[EvalSample]:
    """Yield the samples; rows with the same prompt are its epochs, in the order of the rows."""
    epochs: dict[str, int] = {}
    judged = {name for c in judge.criteria for name in (c.name, probabilities_key(c.name))}
    for answer, asked, said in rows:
        epoch = epochs[asked.id] = epochs.get(asked.id, 0) + 1
        grader = wanted.grader or answer.columns.get("grader") or "unknown"
        output = replayed(model, answer.answer)
        user = ChatMessageUser(content=asked.text)
        draw = {"files": dict(files), "at": answer.place.rpartition(":")[2], "source": answer.source, "model": model}
        metadata = {
            "set": about["set"],
            "construct": about["construct"],
            "question": asked.question,
            "prompt": asked.prompt_index,
            "arm": asked.arm,
            "tags": list(asked.tags),
            "facts": [],
            "maker": wanted.maker,
            RECORDED: {**said, "grader": grader},
            "columns": {key: value for key, value in answer.columns.items() if key not in judged},
            "place": f"{answer.source}:{draw['at']}",
        }
        notes = {} if answer.answer.strip() else {"note": "empty"}
        scores = {"judge": make_score(judge, RECORDED, str(grader), read_recorded(judge, said, wanted.maker), notes)}
        yield EvalSample(
            id=asked.id,
            epoch=epoch,
            input=[user],
            target="",
            messages=[user, output.message],
            output=output,
            scores=scores if wanted.is_judged else None,
            metadata=metadata,
            uuid=f"{digest_of(draw)}{digest_of({'answer': answer.answer, **draw})}",
        )
