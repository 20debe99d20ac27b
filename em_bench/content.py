"""Where the content folders lie, and the one strict way a content file is read."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from em_bench.errors import NOTHING, ContentError, Fault, OperatorError, unknown_name

__all__ = [
    "Record",
    "UnknownNames",
    "cache_folder",
    "content_folder",
    "content_names",
    "digest_of",
    "key_path",
    "parse_yaml",
    "place_in",
    "read_record",
    "record_faults",
    "sha256_of",
    "short_path",
]

RecordT = TypeVar("RecordT", bound="Record")
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Record(BaseModel):
    """A content file or a part of one: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, str_min_length=1)

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits over the whole content: another digest is other content."""
        return digest_of(self.model_dump(mode="json", exclude_defaults=True))


class UnknownNames(ValueError):
    """Names in a record that nothing in it has, for its validators to raise: each is a fault at its own line.

    Args:
        names: The keys that lead to each name, itself the last.
        legal: The names that would have been right.
        noun: What the names are, in the plural.
    """

    def __init__(self, names: Sequence[tuple[str, ...]], legal: Iterable[str], noun: str) -> None:
        self.names, self.legal, self.noun = names, sorted(legal), noun
        super().__init__(f"{noun} among {', '.join(self.legal)} || Mend {', '.join(name for *_, name in names)}.")


def digest_of(plain: dict[str, Any]) -> str:
    """Return eight hexadecimal digits over plain JSON types, whatever the order of keys."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:8]


def sha256_of(path: Path) -> str:
    """Return the hash of a local file, 64 hexadecimal digits; it is never in memory as a whole."""
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


@cache
def content_folder(name: str) -> Path:
    """Return the folder of content `name` (tasks, organisms, judges, models, templates).

    The checkout that holds the imported package comes first, then the copy packaged in the wheel;
    the working directory never matters.

    Raises:
        OperatorError: Neither exists, so the installation is broken.
    """
    package = Path(__file__).resolve().parent
    in_checkout = {"organisms": "tasks/organisms", "models": "leaderboard/models", "templates": "leaderboard/templates"}
    if (package.parent / "pyproject.toml").is_file():
        folder = package.parent / in_checkout.get(name, name)
    else:
        folder = package / "_content" / name
    if not folder.is_dir():
        raise OperatorError(Fault(str(folder), NOTHING, f"the folder of {name}", "Reinstall em-bench."))
    return folder


def cache_folder() -> Path:
    """Return the folder for what is fetched, converted or read once: `EM_BENCH_CACHE`, else the user's cache folder."""
    if chosen := os.environ.get("EM_BENCH_CACHE"):
        return Path(chosen).expanduser().absolute()
    from pooch import os_cache

    return Path(os_cache("em-bench"))


def content_names(folder: Path) -> list[str]:
    """Return the sorted stems of the YAML files that lie directly in `folder`; none if it is absent."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def short_path(path: Path) -> str:
    """Return `path` relative to the working directory where it lies below it, else as it is."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def parse_yaml(path: Path) -> tuple[object, yaml.Node]:
    """Return a YAML file's plain data and its node tree, which knows the line of each key.

    Raises:
        ContentError: The file is missing, is not UTF-8, is not YAML, is empty, or repeats a key.
    """
    place = short_path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContentError(Fault(place, NOTHING, "a readable file", f"{error.strerror}.")) from error
    except UnicodeDecodeError as error:
        raise ContentError(
            Fault(place, error.object[error.start : error.end], "UTF-8 text", "Save as UTF-8.")
        ) from error
    try:
        plain, node, repeated = _load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        cause = " ".join(part for part in (error.context, error.problem) if part)
        fault = Fault(f"{place}:{line}", cause, "YAML", "Quote the value or mend the indentation.")
        raise ContentError(fault) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a date that no calendar has is a ValueError
        fault = Fault(place, str(error).split("\n")[0], "YAML", "Quote or mend the value.")
        raise ContentError(fault) from error
    if node is None:
        raise ContentError(Fault(place, "an empty file", "a YAML mapping", "Fill it or delete it."))
    if repeated:
        fix = "Delete or rename the second."
        raise ContentError(
            [Fault(f"{place}:{key.start_mark.line + 1}", key.value, "each key once", fix) for key in repeated]
        )
    return plain, node


_SURELY_FLAT, _OPENS_OFTEN, _DEEPEST = 500, re.compile(r"(?:[-?] +){20}"), 100


def _check_depth(text: str) -> None:
    """Check that YAML is not nested so deeply that composing it would end the process."""
    if text.count("[") + text.count("{") < _SURELY_FLAT and not _OPENS_OFTEN.search(text):
        return
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise ValueError(f"nested more than {_DEEPEST} deep")


def _load(text: str) -> tuple[object, yaml.Node | None, list[yaml.ScalarNode]]:
    """Return plain data, node tree and repeated keys of YAML, parsed once."""
    _check_depth(text)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None, None, []
        repeated = list(_repeated_keys(node, set()))  # before `<<` puts other keys in
        return loader.construct_document(node), node, repeated
    finally:
        loader.dispose()


def read_record(path: Path, record: type[RecordT]) -> RecordT:
    """Return the content file at `path` as `record`.

    Raises:
        ContentError: With every fault of the file at once, each by file, line, key and fix.
    """
    plain, node = parse_yaml(path)
    try:
        return record.model_validate(plain)
    except ValidationError as error:
        details = [detail for detail in error.errors() if not _follows(detail)]
        raise ContentError([fault for each in details for fault in _faults(path, node, record, each)]) from error


def place_in(path: Path, node: yaml.Node, loc: tuple[int | str, ...]) -> str:
    """Return `file:line key.path` of a place in a YAML file, or of the deepest part of it that the file has."""
    return f"{short_path(path)}:{_line(node, loc)} {key_path(loc)}".rstrip()


def key_path(loc: tuple[int | str, ...]) -> str:
    """Return the keys that lead to a part of a file as one path: `questions[3].id`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc).lstrip(".")


def record_faults(error: ValidationError, place: str) -> list[Fault]:
    """Return what is wrong with plain data that came from no YAML file, each fault by its key path below `place`."""
    return [
        _value_fault(f"{place} {key_path(detail['loc'])}".rstrip(), detail)
        for detail in error.errors()
        if not _follows(detail)
    ]


def _repeated_keys(node: yaml.Node, seen_nodes: set[int]) -> Iterator[yaml.ScalarNode]:
    if id(node) in seen_nodes:
        return
    seen_nodes.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key
                seen.add(key.value)
            yield from _repeated_keys(value, seen_nodes)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated_keys(value, seen_nodes)


def _follows(detail: ErrorDetails) -> bool:
    """Return whether a fault only follows from others: a list too short because its entries are wrong."""
    return detail["type"] == "too_short" and bool(detail["input"])


def _faults(path: Path, node: yaml.Node, record: type[BaseModel], detail: ErrorDetails) -> Iterator[Fault]:
    said = detail.get("ctx", {}).get("error")
    if not isinstance(said, UnknownNames):
        yield _fault(path, node, record, detail)
        return
    for keys in said.names:
        yield unknown_name(place_in(path, node, (*detail["loc"], *keys)), keys[-1], said.legal, said.noun)


def _fault(path: Path, node: yaml.Node, record: type[BaseModel], detail: ErrorDetails) -> Fault:
    loc = detail["loc"]
    place = place_in(path, node, loc)
    kind = detail["type"]
    if kind == "missing":
        return Fault(place, NOTHING, f"a value for {loc[-1]!r}", f"Add the key {loc[-1]!r}.")
    if kind == "extra_forbidden":
        legal = sorted(_fields_at(record, loc[:-1]))
        near = get_close_matches(str(loc[-1]), legal, n=1, cutoff=0.7)
        fix = f"Did you mean {near[0]!r}?" if near else "Delete it."
        return Fault(place, str(loc[-1]), f"one of the keys {', '.join(legal)}", fix)
    return _value_fault(place, detail)


def _value_fault(place: str, detail: ErrorDetails) -> Fault:
    expected, _, fix = _rule(detail).partition(" || ")
    return Fault(place, detail["input"], expected, fix or "Change the value.")


def _rule(detail: ErrorDetails) -> str:
    """Return the broken rule in words; a rule of ours may carry its fix after ' || '."""
    limits = detail.get("ctx", {})
    words = {
        "value_error": "{error}",
        "literal_error": "one of {expected}",
        "string_type": "text || Put it in quotes.",
        "string_too_short": "text that is not empty",
        "string_pattern_mismatch": "text of the form {pattern}",
        "too_short": "at least {min_length} || Add one.",
        "greater_than_equal": "a number of at least {ge}",
        "less_than_equal": "a number of at most {le}",
    }
    if detail["type"] == "tuple_type":
        return 'a list || Put it in brackets: ["…"].' if isinstance(detail["input"], str) else "a list"
    if detail["type"] in words:
        return words[detail["type"]].format(**limits)
    message = detail["msg"].removeprefix("Input should be ")
    return message[0].lower() + message[1:]


def _line(node: yaml.Node, loc: tuple[int | str, ...]) -> int:
    """Return the 1-based line of the deepest part of `loc` that the file has."""
    line = node.start_mark.line + 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if getattr(key, "value", None) == str(part)]
            if not found:
                break
            line, node = found[0][0].start_mark.line + 1, found[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _fields_at(record: type[BaseModel], loc: tuple[int | str, ...]) -> set[str]:
    """Return the field names of the record that lies at `loc` below `record`."""
    for part in loc:
        if isinstance(part, int):
            continue
        field = record.model_fields.get(part)
        inner = _record_in(field.annotation) if field else None
        if inner is None:
            return set()
        record = inner
    return set(record.model_fields)


def _record_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if (found := _record_in(part)) is not None:
            return found
    return None
