"""What is wrong with a run, found before anything is asked."""

from __future__ import annotations

from collections.abc import Sequence
from logging import getLogger

from inspect_ai.model import get_model

from em_bench.errors import EmBenchError, Fault, OperatorError, unknown_name
from em_bench.judging.judge import Judge
from em_bench.judging.scorer import check_judge
from em_bench.models.providers import PROVIDERS, SIMULATED, TRIAL_GRADER, is_local
from em_bench.questions import SuiteItem, read_set
from em_bench.results.prices import Prices
from em_bench.results.suite_items import judge_of

__all__ = ["check_grading", "check_models", "check_prices", "judges_of"]

logger = getLogger(__name__)


def judges_of(items: Sequence[SuiteItem]) -> dict[str, Judge]:
    """Return the judge of each item's set, by the judge's name, having checked that it may judge it and can run.

    Raises:
        EmBenchError: One may not, or cannot; all such are named.
    """
    found: dict[str, Judge] = {}
    faults: list[Fault] = []
    for item in items:
        try:
            judge = found[judge_of(item)] = check_judge(judge_of(item), read_set(item.set).construct, f"set {item.set}")
            for part, _ in judge.parts:
                if part.kind == "prompted":
                    part.prompt_of(part.criteria[0])  # may have to be fetched
        except EmBenchError as error:
            faults += error.faults
    if faults:
        raise OperatorError(dict.fromkeys(faults))
    return found


def check_models(models: Sequence[str]) -> None:
    """Check that each name is one that Inspect could know; whether a model can be loaded turns out when it is.

    Raises:
        OperatorError: A provider or an organism does not exist; all such are named with the nearest.
    """
    faults = []
    for name in models:
        provider, slash, _ = name.partition("/")
        if name == TRIAL_GRADER:
            faults.append(Fault("--model", name, "a model under test", "It only grades: --grader organism/grader"))
        if not slash:
            expected = "PROVIDER/MODEL"
            faults.append(Fault("--model", name, expected, "As Inspect names it, such as openai/gpt-4o."))
        elif not is_local(name):
            try:
                get_model(name, memoize=False)
            except OperatorError as error:  # of this package's own providers
                faults += error.faults if provider == "organism" else []
            except ValueError as error:
                if "not recognized" in str(error):
                    faults.append(unknown_name(f"--model {name}", provider, PROVIDERS, "providers of models"))
            except Exception as error:  # a missing key or extra: its share will say so, and others can run
                logger.debug(f"{name}: {error}")
    if faults:
        raise OperatorError(faults)


def check_grading(judges: Sequence[Judge], models: Sequence[str], grader: str | None) -> list[str]:
    """Return the models that grade.

    Args:
        judges: The judges.
        models: The models under test.
        grader: The model in the role `grader`; None means each judge's default.

    Raises:
        OperatorError: A judge has none, or it is under test.
    """
    graders, faults = [], []
    how = "Name another with --grader, or judge offline with --judge."
    for judge in judges:
        for part, own in judge.parts:
            if part.is_offline:
                continue
            name = own or grader or part.default_model
            if name is None:
                place = f"judge {judge.name}"
                faults.append(Fault(place, "no grader and no default model", "a model that grades", how))
            elif name in models:
                place = f"judge {judge.name}"
                faults.append(Fault(place, f"grader {name}, a model under test", "another model as grader", how))
            else:
                graders.append(name)
    if faults:
        raise OperatorError(dict.fromkeys(faults))
    return sorted(set(graders))


def check_prices(prices: Prices | None, models: Sequence[str], max_cost_usd: float | None) -> None:
    """Check that there is a price for each model that is called, where costs are asked for; simulated ones are free.

    Raises:
        OperatorError: There is a limit and no price file, or a model without a price; all such are named.
    """
    if prices is None:
        if max_cost_usd is not None:
            expected = "the prices that a limit on cost needs"
            raise OperatorError(Fault("--prices", "no file", expected, "Give a price file, or leave out --max-cost."))
        return
    prices.of(sorted({name for name in models if not name.startswith(SIMULATED)}))
