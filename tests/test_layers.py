"""Who may know what, read from the imports themselves."""

import ast
import importlib
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

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
    {"running"},
    {"cli"},
]
"""The rooms in the order of the way of the data: each may import itself and those before it."""

RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}

WITHOUT_INSPECT = ("questions/", "statistics/", "board/", "gate.py")
MAY_IMPORT_HEAVY = ("results/", "cli/")
HEAVY = {"torch", "transformers", "pandas"}


@cache
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


@cache
def imports(module):
    """Return every name a module imports, inside functions too."""
    return names_imported(list(ast.walk(tree_of(module))))


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


def test_modules_import_only_from_their_own_and_earlier_rooms():
    later = [
        f"{module} imports {name}"
        for module in MODULES
        if module not in ("__init__.py", "_registry.py")
        for name in imports(module)
        if room(name) is not None and RANK[room(name)] > RANK[room(dotted(module))]
    ]
    assert later == []


def test_root_loads_nothing():
    """`import em_bench` costs nothing and registers nothing: what it exports is loaded when it is used."""
    assert {name.split(".")[0] for name in imports_when_loaded("__init__.py")} <= {"importlib", "typing"}
    code = "import sys; before = set(sys.modules); import em_bench; print(*set(sys.modules) - before)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = ran.stdout.split()
    assert [name for name in loaded if name.startswith("em_bench")] == ["em_bench"]
    assert {name.split(".")[0] for name in loaded} <= {"em_bench", *sys.stdlib_module_names}


def test_relative_imports_are_not_used():
    relative = [m for m in MODULES for n in ast.walk(tree_of(m)) if isinstance(n, ast.ImportFrom) and n.level]
    assert relative == []


def of_inspect():
    """Return (module, name) of every name of Inspect that a module imports."""
    found = [(module, name) for module in MODULES for name in imports(module) if name.split(".")[0] == "inspect_ai"]
    assert found
    return found


def test_modules_that_may_not_know_inspect_do_not_import_it():
    assert [(module, name) for module, name in of_inspect() if module.startswith(WITHOUT_INSPECT)] == []


def test_modules_import_only_public_names_of_inspect():
    """Inspect's private modules change without notice."""
    assert [(module, name) for module, name in of_inspect() if "._" in name] == []


def test_modules_outside_cli_neither_print_nor_exit():
    forbidden = {
        "print", "exit", "quit", "input", "click.echo", "click.secho", "echo", "sys.exit", "os._exit",
        "sys.stdout.write", "sys.stderr.write", "SystemExit",
    }  # fmt: skip
    others = [module for module in MODULES if not module.startswith("cli/")]
    assert [(module, name) for module in others for name in calls(module) if name in forbidden] == []
    raised = [
        (module, ast.unparse(node.exc))
        for module in others
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Raise) and node.exc
    ]
    assert [(module, exc) for module, exc in raised if exc.startswith(("SystemExit", "click.exceptions"))] == []


def isort_style(name):
    """Return the sort key of a name: constants, then classes, then functions and modules."""
    return (0 if name.isupper() else 1 if name.lstrip("_")[0].isupper() else 2, name)


def has_code(module):
    body = tree_of(module).body
    return len(body) > bool(ast.get_docstring(tree_of(module)))


def faults_of_exports(module):
    """Return what is wrong with a module's `__all__`, which only a module without code may lack."""
    loaded = importlib.import_module(dotted(module))
    exported = getattr(loaded, "__all__", None)
    if exported is None:
        return [f"{module} has code and no __all__"] if has_code(module) else []
    absent = [f"{module} exports {name}, which is not there" for name in exported if not hasattr(loaded, name)]
    is_sorted = list(exported) == sorted(set(exported), key=isort_style)
    return absent if is_sorted else [*absent, f"{module}: {exported} is unsorted or repeats a name"]


def test_exported_names_exist_once_and_in_order():
    """Constants, then classes, then functions, each by the alphabet."""
    modules = [module for module in MODULES if not re.search(r"(^|/)__main__\.py$", module)]
    assert [fault for module in modules for fault in faults_of_exports(module)] == []


def test_modules_do_not_load_heavy_libraries_with_themselves():
    """A run on an API needs neither pandas nor torch, and must not wait for them."""
    heavy = [
        (module, name)
        for module in MODULES
        if not module.startswith(MAY_IMPORT_HEAVY)
        for name in imports_when_loaded(module)
        if name.split(".")[0] in HEAVY
    ]
    assert heavy == []


def test_registering_with_inspect_loads_nothing_heavy():
    """Inspect imports the registry at every start."""
    heavy = "torch transformers pandas scipy sklearn krippendorff bandit datasets jinja2 pyarrow pooch"
    code = f"import sys, em_bench._registry; print([name for name in {heavy.split()} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_command_starts_without_inspect():
    """`em-bench --help` and `check` answer at once, `results` and `leaderboard build` of what was read before soon."""
    of_build = "em_bench.board.submissions, em_bench.results.summary, em_bench.results.texts"
    code = f"import sys, em_bench.cli.check, em_bench.board, {of_build}; print('inspect_ai' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
