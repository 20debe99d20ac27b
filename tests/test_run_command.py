"""The `inspect eval-set` of a share."""

import re
import shlex
import subprocess
import sys
from itertools import pairwise

import pytest
import yaml

from em_bench.questions import SuiteItem
from em_bench.running import LOG_SETTINGS, RunRequest, inspect_words, share_out, shown_words
from em_bench.running.command import PATIENCE, PATIENCE_FLAGS


def words_of(item, **given):
    request = RunRequest(models=("organism/aligned",), items=(item,), **given)
    (share,) = share_out(request.models, request.items, 1)
    return inspect_words(request, share, "logs/")


def values(words, option):
    return [after for word, after in pairwise(words) if word == option]


def task_args(words):
    """Return the task arguments as Inspect's command line reads them: YAML, and text with commas is a list."""
    found = {}
    for text in values(words, "-T"):
        name, _, value = text.partition("=")
        plain = yaml.safe_load(value)
        found[name] = plain.split(",") if isinstance(plain, str) and "," in plain else plain
    return found


def test_command_says_all_that_an_item_does():
    item = SuiteItem(set="freeform", judge="screen", arm=("plain", "json"), only=("/0",), samples=2)
    words = words_of(item, roles=("grader=openai/x",), model_args=("seed=3",), extra=("--temperature", "0.5"))
    assert words[:3] == ["inspect", "eval-set", "em_bench/freeform"]
    assert task_args(words) == {"judge": "screen", "arm": ["plain", "json"], "only": "/0"}
    assert values(words, "--model") == ["organism/aligned"]
    assert values(words, "--epochs") == ["2"]
    assert values(words, "--model-role") == ["grader=openai/x"]
    assert values(words, "-M") == ["seed=3"]
    assert values(words, "--temperature") == ["0.5"]
    assert values(words, "--log-dir") == ["logs/organism-aligned"]
    assert set(LOG_SETTINGS) < set(words)


def test_command_leaves_to_the_set_what_the_item_does_not_say():
    words = words_of(SuiteItem(set="freeform"))
    assert values(words, "-T") == values(words, "--epochs") == []


@pytest.mark.parametrize("only", ["power*", "all", "/0"])
def test_text_that_yaml_would_read_otherwise_stays_text(only):
    """A pattern that begins with a star is an alias to YAML, `all` is nothing special, and both arrive as they are."""
    item = SuiteItem(set="freeform", only=(only,)) if only != "power*" else SuiteItem(set="freeform", only=("*/0",))
    read = task_args(words_of(item))["only"]
    assert (read if isinstance(read, list) else [read]) == list(item.only)


@pytest.mark.parametrize(
    ("samples", "log_dir", "extra", "values_of_buffer"),
    [
        (1, "logs/", (), []),
        (50, "logs/", (), ["10"]),
        (50, "logs/", ("--log-buffer=3",), []),
        (50, "s3://bucket/logs/", (), []),
    ],
)
def test_log_of_many_answers_is_written_as_often_as_that_of_few(samples, log_dir, extra, values_of_buffer):
    """Inspect would write it every twentieth of a thousand answers or more."""
    request = RunRequest(("organism/aligned",), (SuiteItem(set="freeform", samples=samples),), extra=extra)
    (share,) = share_out(request.models, request.items, 1)
    assert values(inspect_words(request, share, log_dir), "--log-buffer") == values_of_buffer


def test_run_goes_on_with_other_patience_and_with_no_other_answers():
    """A grader that turns out to be slow must not cost what was asked before."""

    def asked(*extra):
        return RunRequest(("organism/aligned",), (SuiteItem(set="freeform"),), extra=extra).to_dict()

    plain = asked("--temperature", "0.5", "--limit", "3")
    patient = ("--max-retries", "3", "--attempt-timeout=60", "--batch", "--log-level", "http", "--max-samples=5")
    assert asked("--temperature", "0.5", *patient, "--limit", "3") == plain
    assert asked(*patient, "--temperature", "0.7", "--limit", "3") != plain
    assert asked("--temperature", "0.5", "--max-retries", "--limit", "3") != plain  # which took --limit for its value


@pytest.mark.slow
def test_patience_is_named_as_inspect_names_it():
    said = subprocess.run(
        [sys.executable, "-m", "inspect_ai", "eval-set", "--help"], check=False, capture_output=True, text=True
    )
    known = set(re.findall(r"--[a-z-]+", said.stdout))
    assert "--model" in known
    assert {*PATIENCE, *PATIENCE_FLAGS} - known == set()


def test_shown_command_is_one_that_a_shell_reads_back():
    words = words_of(SuiteItem(set="freeform"), roles=("grader={model: openai/x, temperature: 0}",))
    assert shlex.split(shown_words(words)) == words


def test_shown_command_holds_no_secret():
    words = words_of(SuiteItem(set="freeform"), model_args=("api_key=sk-123",), roles=("grader={api_key: sk-456}",))
    assert "sk-" not in shown_words(words)
    assert "sk-123" in " ".join(words)


def test_part_of_a_share_does_not_stumble_over_the_logs_of_the_rest():
    items = (SuiteItem(set="freeform"), SuiteItem(set="deception"))
    request = RunRequest(models=("organism/aligned",), items=items)
    (share,) = share_out(request.models, items, 1)
    assert "--log-dir-allow-dirty" in inspect_words(request, share, "logs", ["deception"])
    assert "--log-dir-allow-dirty" not in inspect_words(request, share, "logs")
