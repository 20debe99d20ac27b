"""What is asked: question sets, arms, suites, and files of users."""

from em_bench.questions.formats import read_questions
from em_bench.questions.library import (
    PLAIN,
    arm_names,
    read_arm,
    read_set,
    read_suite,
    set_names,
    suite_names,
)
from em_bench.questions.presentation import Presentation, present
from em_bench.questions.schema import Arm, Fact, Question, QuestionSet, Sampling, Suite, SuiteItem, Turn

__all__ = [
    "PLAIN",
    "Arm",
    "Fact",
    "Presentation",
    "Question",
    "QuestionSet",
    "Sampling",
    "Suite",
    "SuiteItem",
    "Turn",
    "arm_names",
    "present",
    "read_arm",
    "read_questions",
    "read_set",
    "read_suite",
    "set_names",
    "suite_names",
]
