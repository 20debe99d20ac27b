"""The commands that would supply what is missing, as they are typed."""

from __future__ import annotations

import json
import math
import shlex
from collections import Counter
from collections.abc import Sequence

from em_bench.judging.judge import FILE_ENDINGS, RECORDED
from em_bench.questions import PolicyRule, Presentation
from em_bench.results.labels import Model
from em_bench.results.secrets import without_secrets

__all__ = ["ask_command", "judge_name", "rejudge_command", "retry_command"]


def judge_name(rule: PolicyRule) -> str:
    """Return the judge of a rule as `read_judge` and `-T judge=` take it from the working directory."""
    name = rule.lane.judge
    return rule.path_of(name) if name.endswith(FILE_ENDINGS) else name


def ask_command(
    rule: PolicyRule,
    model: Model,
    log_dir: str,
    n_answers: int,
    asked: Sequence[Presentation] | None = None,
    epochs: int = 0,
) -> str:
    """Return the command that asks a model what a rule needs.

    Args:
        rule: The rule.
        model: The model.
        log_dir: Where the log belongs.
        n_answers: Answers that each question needs; more epochs than the set's own are asked for where these are few.
        asked: The prompts to ask; None means all that the rule is about.
        epochs: Answers to each prompt; 0 means as many as it takes.
    """
    name, model_args, _ = model
    lane = rule.lane
    if lane.readout == RECORDED:
        grader = ["--grader", lane.grader] if lane.grader else []
        return shlex.join(["em-bench", "import", "FILE", "--set", rule.set, *grader, "--log-dir", log_dir])
    given = json.loads(model_args) if model_args else {}
    words = ["inspect", "eval", f"em_bench/{'questions' if rule.file else rule.set}", "--model", name]
    words += [part for key, value in given.items() for part in ("-M", without_secrets(f"{key}={value}"))]
    words += ["-T", f"file={rule.path_of(rule.file)}"] if rule.file else []
    words += ["-T", f"judge={judge_name(rule)}"]
    words += [] if rule.arm == "all" else ["-T", f"arm={rule.arm}"]
    only = [each.id for each in asked] if asked else list(rule.only)
    words += ["-T", f"only={','.join(only)}"] if only else []
    words += ["-T", f"readout={lane.readout}"] if lane.readout else []
    words += ["--model-role", f"grader={lane.grader}"] if lane.grader else []
    fewest = min(Counter((each.question.id, each.arm.name) for each in rule.presented).values())
    least = epochs or math.ceil(n_answers / fewest)
    words += ["--epochs", str(least)] if epochs or least > rule.questions.sampling.samples else []
    return shlex.join([*words, "--log-dir", log_dir])


def rejudge_command(rule: PolicyRule, log_dir: str) -> str:
    """Return the command that has answers judged by the judge of a rule."""
    lane = rule.lane
    grader = ["--grader", lane.grader] if lane.grader else []
    readout = ["--readout", lane.readout] if lane.readout else []
    return shlex.join(["em-bench", "rejudge", log_dir, "--judge", judge_name(rule), *grader, *readout])


def retry_command(log: str) -> str:
    """Return the command that goes on with a run that ended early."""
    return shlex.join(["inspect", "eval-retry", log])
