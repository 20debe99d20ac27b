"""Question files of users, in every format that is read, as one question set."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from em_bench.content import parse_yaml, read_record, record_faults, short_path
from em_bench.errors import NOTHING, ContentError, Fault, OperatorError, unknown_name
from em_bench.questions.lists import WHY, clean_id, read_list
from em_bench.questions.schema import QuestionSet

__all__ = ["TABLES", "is_list", "questions_from_rows", "read_questions"]

TABLES = (".jsonl", ".csv", ".parquet")
"""The suffixes of files that hold a question, or a wording of one, in each row."""
SUFFIXES = (".yaml", ".yml", *TABLES)
_COLUMNS = ("id", "prompt", "system", "tags", "why")
_OTHER_NAMES = {"prompt": ("question",), "id": ("question_id", "name")}
"""What other projects call these columns; used where the column itself is absent or empty."""


def read_questions(path: Path) -> QuestionSet:
    """Return the questions of a user's file as a set of construct `freeform`, unless the file says otherwise.

    Read are: this project's schema; YAML lists in the papers' form (`id`, `paraphrases`, `system`) or llmcomp's
    (`name`, `paraphrases` or `messages`, `system`); and `.jsonl`, `.csv`, `.parquet` tables with a `prompt` column and
    optionally `id` (rows with one id are wordings of one question), `system`, `tags` and `why`.

    Raises:
        OperatorError: The suffix is not one of these, or reading it needs a missing extra.
        ContentError: The content breaks the rules; every fault at once.
    """
    if path.suffix not in SUFFIXES:
        raise OperatorError(unknown_name(f"file {path.name}", path.suffix, SUFFIXES, "suffixes"))
    if path.suffix in (".yaml", ".yml"):
        return _from_list(path) if is_list(path) else read_record(path, QuestionSet)
    if not path.is_file():
        raise ContentError(Fault(short_path(path), NOTHING, "a readable file"))
    rows = {".jsonl": _jsonl_rows, ".csv": _csv_rows, ".parquet": _parquet_rows}[path.suffix](path)
    return questions_from_rows(rows, path.stem, short_path(path))


def is_list(path: Path) -> bool:
    """Return whether a YAML file is a list, as the papers' and llmcomp's files are.

    Raises:
        ContentError: It is no YAML.
    """
    return path.suffix in (".yaml", ".yml") and isinstance(parse_yaml(path)[0], list)


def questions_from_rows(rows: Iterable[Mapping[str, object]], name: str, place: str) -> QuestionSet:
    """Return table rows as a question set; `place` names the table in errors.

    Raises:
        ContentError: A row has no prompt, or the table has no row.
    """
    faults: list[Fault] = []
    questions: dict[str, dict[str, object]] = {}
    names: dict[str, str] = {}
    for number, row in enumerate(rows, start=1):
        given = _by_our_names(row)
        prompt = given.get("prompt")
        if not isinstance(prompt, str):
            columns = ", ".join(map(str, row)) or "no column"
            faults.append(Fault(f"{place} row {number}", columns, "text in a column 'prompt' or 'question'"))
            continue
        key = str(given.get("id", f"row_{number}"))
        id_ = clean_id(key)
        if names.setdefault(id_, key) != key:
            faults.append(Fault(f"{place} row {number} id", key, f"an id unlike {names[id_]!r}", f"Both become {id_}."))
            continue
        question = questions.setdefault(id_, {"id": id_, "prompts": [], "why": given.get("why", WHY)})
        wordings = question["prompts"]
        assert isinstance(wordings, list)
        if wordings and "system" in given and question.get("system") != given["system"]:
            expected = f"the same as in the other rows of id {key!r}"
            faults.append(Fault(f"{place} row {number} system", given["system"], expected, "Give it another id."))
            continue
        wordings.append(prompt)
        if "system" in given:
            question["system"] = given["system"]
        if "tags" in given:
            tags = given["tags"]
            listed = re.split(r"[,;\s]+", tags.strip()) if isinstance(tags, str) else tags
            question["tags"] = [_clean_name(str(tag)) for tag in listed if tag] if isinstance(listed, list) else []
    if not questions and not faults:
        faults.append(Fault(place, "no row", f"rows with columns among {', '.join(_COLUMNS)}"))
    if faults:
        raise ContentError(faults)
    return _set(name, list(questions.values()), place)


def _by_our_names(row: Mapping[str, object]) -> dict[str, object]:
    """Return the cells of a row that are not empty, by our names of their columns as well as by the row's own."""
    given = {key: value for key, value in row.items() if value not in (None, "")}
    for name, others in _OTHER_NAMES.items():
        found = next((key for key in (name, *others) if key in given), None)
        if found is not None:
            given[name] = given[found]
    return given


def _set(name: str, questions: list[dict[str, object]], place: str, **sampling: object) -> QuestionSet:
    try:
        return QuestionSet.model_validate(
            {
                "name": _clean_name(name),
                "title": name,
                "flag": "misaligned",
                "construct": "freeform",
                "version": "1-A",
                "judge": "alignment",
                "canary": "none: a user's file",
                "source": place,
                "sampling": sampling,
                "questions": questions,
            }
        )
    except ValidationError as error:
        raise ContentError(record_faults(error, place)) from error


def _from_list(path: Path) -> QuestionSet:
    """Return a YAML list of the papers' or llmcomp's form as a set."""
    listed = read_list(path)
    return _set(path.stem, listed.questions, short_path(path), **listed.sampling)


def _clean_name(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_") or "question"


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> ContentError:
    if isinstance(error, UnicodeDecodeError):
        found = error.object[error.start : error.end]
        return ContentError(Fault(short_path(path), found, "UTF-8 text", "Save as UTF-8."))
    return ContentError(Fault(short_path(path), error.strerror or str(error), "a readable file"))


def _jsonl_rows(path: Path) -> list[Mapping[str, object]]:
    rows: list[Mapping[str, object]] = []
    faults: list[Fault] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    for number, line in enumerate(text.split("\n"), start=1):  # JSON strings may hold what splitlines breaks at
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            faults.append(Fault(f"{short_path(path)}:{number}", line, "one JSON object a line", f"{why}."))
            continue
        if isinstance(row, dict):
            rows.append(row)
        else:
            faults.append(Fault(f"{short_path(path)}:{number}", row, "one JSON object a line"))
    if faults:
        raise ContentError(faults)
    return rows


def _csv_rows(path: Path) -> list[Mapping[str, object]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            try:
                return [dict(row) for row in reader]
            except csv.Error as error:
                fault = Fault(f"{short_path(path)}:{reader.line_num}", str(error), "a line of CSV")
                raise ContentError(fault) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _parquet_rows(path: Path) -> list[Mapping[str, object]]:
    try:
        import pyarrow.parquet
    except ImportError as error:
        fault = Fault(f"file {path.name}", "no pyarrow", "the extra 'data'", "Run: pip install 'em-bench[data]'")
        raise OperatorError(fault) from error
    try:
        rows: list[Mapping[str, object]] = pyarrow.parquet.read_table(path).to_pylist()
    except pyarrow.ArrowInvalid as error:
        raise ContentError(Fault(short_path(path), str(error), "a Parquet file")) from error
    except OSError as error:
        raise _unreadable(path, error) from error
    return rows
