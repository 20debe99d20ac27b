"""From logs to numbers: the answers table and the estimates over it."""

from em_bench.results.answers import find_logs, read_answers
from em_bench.results.estimates import ALL_ARMS, Counts, Estimate, QuestionRate, estimate_answers
from em_bench.results.protocol import Protocol
from em_bench.results.table import csv_text, flat_table, percent, said_rate

__all__ = [
    "ALL_ARMS",
    "Counts",
    "Estimate",
    "Protocol",
    "QuestionRate",
    "csv_text",
    "estimate_answers",
    "find_logs",
    "flat_table",
    "percent",
    "read_answers",
    "said_rate",
]
