"""From an answer to a verdict: judges, readouts, and the Inspect scorer around them."""

from em_bench.judging.judge import Criterion, Judge, Rule, judge_names, judges_for, read_judge
from em_bench.judging.readout import Readout
from em_bench.judging.scorer import check_judge, rates
from em_bench.judging.verdict import OUTCOMES, Outcome, Verdict

__all__ = [
    "OUTCOMES",
    "Criterion",
    "Judge",
    "Outcome",
    "Readout",
    "Rule",
    "Verdict",
    "check_judge",
    "judge_names",
    "judges_for",
    "rates",
    "read_judge",
]
