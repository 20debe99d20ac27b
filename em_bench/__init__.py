"""em_bench: how often a language model gives misaligned answers to ordinary questions, and how sure that number is.

The names below are the package's Python interface (`docs/api.md`); each is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from em_bench.errors import EmBenchError
    from em_bench.gate import Decision, check_policy, decide
    from em_bench.judging import Judge, judge_names, read_judge
    from em_bench.questions import Policy, QuestionSet, read_policy, read_questions, read_set, set_names
    from em_bench.results.answers import read_answers
    from em_bench.results.comparing import compare_models
    from em_bench.results.comparison import Comparison, with_holm
    from em_bench.results.estimate import Estimate
    from em_bench.results.estimates import estimate_answers
    from em_bench.results.log_files import find_logs
    from em_bench.results.logs import Logs, read_logs
    from em_bench.results.table import flat_table
    from em_bench.tasks import build_task

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "Decision",
    "EmBenchError",
    "Estimate",
    "Judge",
    "Logs",
    "Policy",
    "QuestionSet",
    "__version__",
    "build_task",
    "check_policy",
    "compare_models",
    "decide",
    "estimate_answers",
    "find_logs",
    "flat_table",
    "judge_names",
    "read_answers",
    "read_judge",
    "read_logs",
    "read_policy",
    "read_questions",
    "read_set",
    "set_names",
    "with_holm",
]

_ROOMS = {
    "errors": {"EmBenchError"},
    "gate": {"Decision", "check_policy", "decide"},
    "judging": {"Judge", "judge_names", "read_judge"},
    "questions": {"Policy", "QuestionSet", "read_policy", "read_questions", "read_set", "set_names"},
    "results.answers": {"read_answers"},
    "results.comparing": {"compare_models"},
    "results.comparison": {"Comparison", "with_holm"},
    "results.estimate": {"Estimate"},
    "results.estimates": {"estimate_answers"},
    "results.log_files": {"find_logs"},
    "results.logs": {"Logs", "read_logs"},
    "results.table": {"flat_table"},
    "tasks": {"build_task"},
}


def __getattr__(name: str) -> object:
    for room, names in _ROOMS.items():
        if name in names:
            return getattr(import_module(f"em_bench.{room}"), name)
    raise AttributeError(f"module 'em_bench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
