"""Who may know what, read from the imports themselves."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import em_bench

PACKAGE = Path(em_bench.__file__).parent
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))

ORDER = [
    {"errors"},
    {"content"},
    {"statistics"},
    {"questions"},
    {"models"},
    {"judging"},
    {"tasks", "stopping"},
    {"results"},
    {"board"},
    {"gate"},
    {"cli"},
]
"""The rooms in the order of the way of the data: each may import itself and those before it."""

RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}

WITHOUT_INSPECT = ("questions/", "statistics/", "board/", "gate.py")
MAY_IMPORT_HEAVY = ("results/", "cli/")
HEAVY = {"torch", "transformers", "pandas"}


def tree_of(module):
    return ast.parse((PACKAGE / module).read_text(encoding="utf-8"))


def dotted(module):
    parts = module.removesuffix(".py").removesuffix("/__init__").split("/")
    return ".".join(["em_bench", *(part for part in parts if part != "__init__")])


def names_imported(nodes):
    """Return the full dotted names in import statements; `from a import b` gives `a.b`."""
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    inner = [
        f"{node.module}.{alias.name}" for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
    ]
    return plain + inner


def imports(module):
    """Return every name a module imports, inside functions too."""
    return names_imported(ast.walk(tree_of(module)))


def imports_when_loaded(module):
    """Return the names a module imports as it is loaded: not in functions, not for type checkers alone."""
    waiting, found = list(tree_of(module).body), []
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        found.append(node)
        waiting.extend(ast.iter_child_nodes(node))
    return names_imported(found)


def room(name):
    """Return the room of a dotted name within the package, else None."""
    parts = name.split(".")
    return parts[1] if parts[0] == "em_bench" and len(parts) > 1 and not parts[1].startswith("__") else None


def calls(module):
    """Return the name of each function that a module calls, with the object it belongs to."""
    return [ast.unparse(node.func) for node in ast.walk(tree_of(module)) if isinstance(node, ast.Call)]


def test_every_module_belongs_to_a_room():
    rooms = {room(dotted(module)) for module in MODULES} - {None, "_registry"}
    assert rooms <= set(RANK)
    assert {"errors", "content", "statistics", "questions", "models", "judging", "tasks", "results", "cli"} <= rooms


@pytest.mark.parametrize("module", [m for m in MODULES if m not in ("__init__.py", "_registry.py")])
def test_module_imports_only_from_its_own_and_earlier_rooms(module):
    own = RANK[room(dotted(module))]
    used = {room(name) for name in imports(module)} - {None}
    assert {name for name in used if RANK[name] > own} == set()


def test_root_imports_nothing():
    """`import em_bench` costs nothing and registers nothing."""
    assert imports("__init__.py") == []


def test_relative_imports_are_not_used():
    relative = [m for m in MODULES for n in ast.walk(tree_of(m)) if isinstance(n, ast.ImportFrom) and n.level]
    assert relative == []


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith(WITHOUT_INSPECT)])
def test_module_that_may_not_know_inspect_does_not_import_it(module):
    assert [name for name in imports(module) if name.split(".")[0] == "inspect_ai"] == []


@pytest.mark.parametrize("module", MODULES)
def test_module_imports_only_public_names_of_inspect(module):
    """Inspect's private modules change without notice."""
    of_inspect = [name for name in imports(module) if name.split(".")[0] == "inspect_ai"]
    assert [name for name in of_inspect if "._" in name] == []


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith("cli/")])
def test_module_outside_cli_neither_prints_nor_exits(module):
    forbidden = {
        "print", "exit", "quit", "input", "click.echo", "click.secho", "echo", "sys.exit", "os._exit",
        "sys.stdout.write", "sys.stderr.write", "SystemExit",
    }  # fmt: skip
    assert forbidden.intersection(calls(module)) == set()
    raised = [node.exc for node in ast.walk(tree_of(module)) if isinstance(node, ast.Raise) and node.exc]
    assert [ast.unparse(exc) for exc in raised if ast.unparse(exc).startswith(("SystemExit", "click.exceptions"))] == []


def isort_style(name):
    """Return the sort key of a name: constants, then classes, then functions and modules."""
    return (0 if name.isupper() else 1 if name.lstrip("_")[0].isupper() else 2, name)


@pytest.mark.parametrize("module", [m for m in MODULES if not re.search(r"(^|/)__main__\.py$", m)])
def test_exported_names_exist_once_and_in_order(module):
    """Constants, then classes, then functions, each by the alphabet."""
    exported = getattr(importlib.import_module(dotted(module)), "__all__", None)
    if exported is None:
        assert not (PACKAGE / module).read_text(encoding="utf-8").strip(), f"{module} has code and no __all__"
        return
    loaded = importlib.import_module(dotted(module))
    assert [name for name in exported if not hasattr(loaded, name)] == []
    assert list(exported) == sorted(set(exported), key=isort_style)


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith(MAY_IMPORT_HEAVY)])
def test_module_does_not_load_heavy_libraries_with_itself(module):
    """A run on an API needs neither pandas nor torch, and must not wait for them."""
    assert HEAVY.intersection(name.split(".")[0] for name in imports_when_loaded(module)) == set()


def test_registering_with_inspect_loads_nothing_heavy():
    """Inspect imports the registry at every start."""
    heavy = "torch transformers pandas scipy.stats datasets jinja2 pyarrow"
    code = f"import sys, em_bench._registry; print([name for name in {heavy.split()} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_command_starts_without_inspect():
    """`em-bench --help` and `em-bench check` answer at once."""
    code = "import sys, em_bench.cli, em_bench.cli.check; print('inspect_ai' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
