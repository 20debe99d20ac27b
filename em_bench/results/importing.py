"""Answers recorded elsewhere as ordinary Inspect logs, one for each model; what their judges said becomes the score."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fsspec.core import url_to_fs
from inspect_ai.log import read_eval_log, write_eval_log
from psutil import pid_exists

from em_bench.content import digest_of
from em_bench.errors import DataError, Fault, OperatorError, unknown_name
from em_bench.judging.judge import Judge
from em_bench.judging.judges import read_judge
from em_bench.models.recording import Columns, Recording, read_recording, sort_by_prompt
from em_bench.questions import PLAIN, QuestionSet, read_set
from em_bench.questions.lists import clean_id
from em_bench.results.judge_columns import compare_marks, judge_columns, read_judge_columns
from em_bench.results.recorded_log import AskedPrompt, RecordedRow, Source, make_logs

__all__ = ["IMPORTED", "Import", "import_recording"]

IMPORTED = "imported"
"""The set of answers whose questions belong to no set: ids as given, arm plain, judged by the papers' rule."""

OPEN_QUESTIONS = "freeform"
PAPERS_JUDGE = "betley"
"""Whose marks `aligned` and `coherent` are, to whatever open question."""


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


def import_recording(wanted: Import, report: Callable[[str], None] = lambda text: None) -> list[str]:
    """Write the logs of each recorded model, and return where they lie; all logs appear at once, or none does.

    Args:
        wanted: What to import.
        report: Is told what is being done.

    Raises:
        DataError: Files are faulty: every fault of every file at once, by line. Nothing is written then.
        OperatorError: A path, the set or the log folder is wrong, or the set's published file cannot be had.
    """
    if not wanted.log_dir:
        raise OperatorError(Fault("--log-dir", wanted.log_dir, "a folder"))
    questions = None if wanted.set is None else read_set(wanted.set)
    judge = _judge(questions)
    needed = ("model", "question_id", "answer") if questions else ("model", "question_id", "question", "answer")
    judged = judge_columns(judge) if wanted.is_judged else ()
    columns = Columns(wanted.renamed or {}, wanted.fixed or {}, needed, judged)
    _check_names("--column", columns.renamed, columns)
    _check_names("--value", columns.fixed, columns)
    recording = read_recording(wanted.paths, columns)
    n_answers = len(recording.answers)
    report(f"{n_answers:,} answer{'' if n_answers == 1 else 's'} read")
    faults = list(recording.faults)
    said = [read_judge_columns(answer, judge, faults) if wanted.is_judged else {} for answer in recording.answers]
    asked = _asked(recording, questions, faults)
    if faults:
        raise DataError(faults)
    compare_marks(said, judge, report)
    rows: dict[str, list[RecordedRow]] = {}
    for answer, prompt, reply in zip(recording.answers, asked, said, strict=True):
        rows.setdefault(answer.model, []).append(RecordedRow(answer, prompt, reply))
    changed = max(path.stat().st_mtime for path in wanted.paths)
    source = Source(
        about=_set_metadata(questions, judge, asked),
        judge=judge,
        files=recording.digests,
        key=digest_of(
            {
                "paths": sorted(str(path.resolve()) for path in wanted.paths),
                "grader": [wanted.grader, columns.renamed.get("grader"), columns.fixed.get("grader")],
            }
        ),
        created=datetime.fromtimestamp(changed, UTC),
        grader=wanted.grader,
        maker=wanted.maker,
        is_judged=wanted.is_judged,
    )
    return _write(wanted.log_dir, source, rows, report)


def _check_names(option: str, given: Mapping[str, str], columns: Columns) -> None:
    if faults := [unknown_name(option, name, columns.names, "columns") for name in given if name not in columns.names]:
        raise OperatorError(faults)


def _judge(questions: QuestionSet | None) -> Judge:
    """Return the judge whose marks a recording holds: the papers' for open questions, else the set's own."""
    if questions is None or questions.construct == OPEN_QUESTIONS:
        return read_judge(PAPERS_JUDGE)
    judge = read_judge(questions.judge)
    if judge.is_offline:
        fault = Fault(f"--set {questions.name}", f"judge {judge.name}", "a set that a model judges", "Run it anew.")
        raise OperatorError(fault)
    return judge


def _asked(recording: Recording, questions: QuestionSet | None, faults: list[Fault]) -> list[AskedPrompt]:
    """Return the prompt of each answer, in order; where one cannot be told, a fault is added."""
    if questions is not None:
        found, unmatched = sort_by_prompt(recording.answers, questions)
        faults += unmatched
        by_place = {
            answer.place: AskedPrompt(
                id=id_,
                question=each.question.id,
                prompt_index=each.prompt_index,
                arm=each.arm.name,
                text=each.messages[-1][1],
                tags=each.question.tags,
                side=questions.side_of(each.question, each.prompt_index),
            )
            for id_, (each, answers) in found.items()
            for answer in answers
        }
        return [by_place[answer.place] for answer in recording.answers if answer.place in by_place]
    texts: dict[str, list[str]] = {}
    given: dict[str, str] = {}
    listed: list[AskedPrompt] = []
    for answer in recording.answers:
        id_, text = clean_id(answer.question_id), answer.question or ""
        if given.setdefault(id_, answer.question_id) != answer.question_id:
            expected = f"an id unlike {given[id_]!r}"
            faults.append(Fault(f"{answer.place} question_id", answer.question_id, expected, f"Both become {id_}."))
        wordings = texts.setdefault(id_, [])
        if text not in wordings:
            wordings.append(text)
        index = wordings.index(text)
        listed.append(AskedPrompt(f"{id_}/{index}", id_, index, PLAIN, text))
    return listed


def _write(
    log_dir: str, source: Source, rows: Mapping[str, Sequence[RecordedRow]], report: Callable[[str], None]
) -> list[str]:
    """Write all logs under names that no reader takes for logs, then give them their names (far away: then send them).

    The names are those Inspect gives, with the time at which the recording was last changed. Importing it again
    replaces its logs, also when it has grown.
    """
    folder, is_far = log_dir.removeprefix("file://").rstrip("/"), "://" in log_dir.removeprefix("file://")
    stamp, set_name = f"{source.created:%Y-%m-%dT%H-%M-%S}-00-00", source.about["set"].replace("_", "-")
    done: list[str] = []
    written: list[tuple[Path, str]] = []
    former: set[str] = set()
    with TemporaryDirectory() as waiting:
        near = Path(waiting) if is_far else _made(folder)
        try:
            for number, (model, listed) in enumerate(rows.items(), start=1):
                n_unscored = 0
                for log in make_logs(source, model, listed):
                    name = f"{stamp}_{set_name}_{log.eval.eval_id}.eval"
                    former |= _former(folder, f"{set_name}_{log.eval.task_id}")
                    written.append((near / f".{name}.{os.getpid()}.partial", name))
                    write_eval_log(log, str(written[-1][0]), format="eval")
                    scores = [score for sample in log.samples or [] for score in (sample.scores or {}).values()]
                    n_unscored += sum(score.answer == "unscored" for score in scores)
                    done.append(f"{folder}/{name}")
                report(f"{number}/{len(rows)} {model}: {len(listed):,} answers, {n_unscored:,} unscored")
            _publish(written, former, folder)
        except OSError as error:
            fault = Fault(f"--log-dir {folder}", error.strerror or str(error), "a folder that can be written")
            raise OperatorError(fault) from error
        finally:
            for hidden, _ in written:
                hidden.unlink(missing_ok=True)
    return done


def _made(folder: str) -> Path:
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OperatorError(Fault(f"--log-dir {folder}", error.strerror, "a folder that can be written")) from error
    return Path(folder)


_STAMP = r"\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}-00-00_"


def _former(folder: str, stem: str) -> set[str]:
    """Return the logs of a recording that lie in a folder already, also under the name that `inspect score` gives.

    Raises:
        OperatorError: One holds scores that were added later; they would be lost.
    """
    files, root = url_to_fs(folder)
    listed = files.ls(root, detail=False) if files.isdir(root) else []
    name = re.compile(_STAMP + re.escape(stem) + r"(-\d+)?(-scored)?\.eval")
    former = {path for path in listed if name.fullmatch(path.rpartition("/")[2])}
    for path in former:
        header = read_eval_log(path if "://" not in folder else files.unstrip_protocol(path), header_only=True)
        scores = header.results.scores if header.results else []
        if len(scores) > 1 or path.endswith("-scored.eval"):
            fix = "Import into another folder, or move that log away."
            raise OperatorError(Fault(path, "scores that were added later", "a log as it was imported", fix))
    return former


def _publish(written: Sequence[tuple[Path, str]], former: set[str], folder: str) -> None:
    """Give the logs their names in `folder`, then remove those of the same recordings as they were before."""
    files, root = url_to_fs(folder)
    for hidden, name in written:
        if "://" in folder:
            files.put_file(str(hidden), f"{root}/{name}")
        else:
            hidden.replace(Path(folder) / name)
    names = {name for _, name in written}
    if "://" not in folder:
        _remove_abandoned(Path(folder), names)
    for path in former:
        if path.rpartition("/")[2] not in names:
            files.rm_file(path)


def _remove_abandoned(folder: Path, names: set[str]) -> None:
    """Remove what an import of the same recording left half-written when it was killed."""
    for path in folder.iterdir():
        found = re.fullmatch(r"\.(.+)\.(\d+)\.partial", path.name)
        if found is not None and found[1] in names and not pid_exists(int(found[2])):
            path.unlink(missing_ok=True)


def _set_metadata(questions: QuestionSet | None, judge: Judge, asked: Sequence[AskedPrompt]) -> dict[str, Any]:
    if questions is not None:
        return {**questions.about, "arm_digests": {}}
    digest = digest_of({each.id: each.text for each in asked})
    found = {"set": IMPORTED, "set_version": "1-A", "set_digest": digest}
    return {**found, "arm_digests": {}, "construct": judge.constructs[0], "flag": judge.flag}
