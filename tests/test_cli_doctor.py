"""`em-bench doctor`: the real command once, and in-process what each line says of an environment made for it."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import PUBLISHED, needs_published

from em_bench.cli import graders, installation, machine, main
from em_bench.models.providers import PROVIDERS, WITHOUT_LOGPROBS
from em_bench.questions import ASSETS, canonical_names, read_pinned

SCRIPT = Path(sys.executable).with_name("em-bench")
SECRET = "sk-seen-by-nobody"
NOWHERE = "http://127.0.0.1:9/v1"  # nothing listens there, and no name is looked up


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No key, address or asset folder of the machine that runs the tests, an empty working directory, and no proxy."""
    for provider in graders.ASKED:
        for name in (*provider.keys, provider.address_variable):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv(ASSETS, raising=False)
    monkeypatch.setenv("EM_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def server():
    """Yield the address of a server that asks for a key, and the headers of what it was asked."""
    seen = []

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(str(self.headers))
            self.send_error(401)

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Refuses) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}/v1", seen
        made.shutdown()


def test_providers_that_are_asked_are_among_those_known():
    assert {provider.name for provider in graders.ASKED} <= set(PROVIDERS)


def test_providers_that_doctor_and_plans_say_give_no_probabilities_are_the_same():
    without = {f"{each.name}/" for each in graders.ASKED if each.logprobs.startswith("no logprobs")}
    assert without == set(WITHOUT_LOGPROBS)


def doctor(exit_code=0):
    """Return the findings by what was looked at."""
    ran = CliRunner().invoke(main, ["doctor", "--format", "json"])
    assert (ran.exit_code, ran.stderr) == (exit_code, ""), ran.output
    return {each["check"]: each for each in json.loads(ran.stdout)}


def test_command_without_a_network_says_a_line_for_each_thing_and_shows_no_key_or_control_character(tmp_path):
    environment = os.environ | {
        "OPENAI_API_KEY": SECRET,
        "OPENAI_BASE_URL": "http://user:password@127.0.0.1:9/\x1b[31m",
        "TOGETHER_API_KEY": f"\x1b]0;{SECRET}",
        ASSETS: "/no\x9b31m/folder",
    }
    ran = subprocess.run([SCRIPT, "doctor"], env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    lines, last = ran.stdout.rstrip("\n").rsplit("\n\n", 1)
    assert {line[:5] for line in lines.split("\n")} <= {"ok   ", "fix  ", "-    "}
    assert last == "What every use needs is here; 3 to fix."
    assert ran.stdout.replace("\n", "").isprintable()
    assert not any(part in ran.stdout for part in (SECRET, "user", "password"))


def test_default_grader_without_a_key_is_to_fix_unless_another_grader_is_here(monkeypatch):
    found = doctor()["grader openai"]
    assert found["state"] == "fix"
    assert found["found"].startswith("OPENAI_API_KEY is not set; openai/gpt-6-luna grades for ")
    monkeypatch.setenv("VLLM_BASE_URL", NOWHERE)
    assert doctor()["grader openai"]["state"] == "-"


def test_grader_that_asks_for_a_key_answers_and_is_not_sent_one(monkeypatch, server):
    address, seen = server
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_BASE_URL", address)
    found = doctor()["grader openai"]
    assert found["state"] == "ok"
    assert found["found"].endswith("answers; gives logprobs without reasoning")
    assert len(seen) == 1
    assert SECRET not in seen[0]


def test_grader_that_refuses_connections_is_to_fix(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", SECRET)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", NOWHERE)
    found = doctor()["grader anthropic"]
    assert (found["state"], found["found"]) == (
        "fix",
        "ANTHROPIC_API_KEY is set, but 127.0.0.1:9 cannot be reached (Connection refused)",
    )


def test_grader_that_never_replies_is_waited_for_once_and_not_longer(monkeypatch):
    """Two that are silent take as long as one; the request's own timeout is far longer than the wait."""
    monkeypatch.setattr(graders, "_WAIT_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        failures = graders._failures([f"{address}/a", f"{address}/b"])
    assert time.monotonic() - started < 2
    assert set(failures) == {f"{address}/a", f"{address}/b"}


@pytest.mark.parametrize("key", [f"{SECRET}\n", f"'{SECRET}'", f"{SECRET} {SECRET}", "sk-\u200bzero"])
def test_key_that_no_provider_gives_out_is_to_fix_and_not_asked_with(monkeypatch, key):
    monkeypatch.setenv("OPENAI_API_KEY", key)
    found = doctor()["grader openai"]
    assert found["state"] == "fix"
    assert found["found"].startswith("OPENAI_API_KEY holds white space, quotes")


def test_keys_in_an_env_file_count_as_inspect_reads_them(monkeypatch, tmp_path):
    (tmp_path / ".env").write_text(f"MISTRAL_API_KEY={SECRET}\nMISTRAL_BASE_URL={NOWHERE}\n", encoding="utf-8")
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    assert doctor()["grader mistral"]["found"].startswith("MISTRAL_API_KEY is set, but 127.0.0.1:9")


def test_inspect_that_is_too_old_stops_every_use(monkeypatch):
    monkeypatch.setattr(installation, "version", lambda name: "0.3.100" if name == "inspect-ai" else version(name))
    found = doctor(exit_code=1)["Inspect"]
    assert (found["state"], found["needed"]) == ("fix", True)
    assert found["found"].startswith("inspect-ai is 0.3.100 (needed: >=")
    ran = CliRunner().invoke(main, ["doctor"])
    assert ran.stdout.endswith("Nothing works before this does: Inspect.\n")


def test_extra_that_is_missing_names_its_packages_what_it_is_for_and_the_command(monkeypatch):
    def without_bandit(name):
        if name == "bandit":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(installation, "version", without_bandit)
    found = doctor()["extra code"]
    assert (found["state"], found["found"]) == ("-", "not installed: bandit")
    assert found["fix"] == "For the judge insecure_code: pip install 'em-bench[code]'"


def with_driver(monkeypatch, folder, script):
    (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def test_gpu_is_named_with_its_memory_and_needs_torch(monkeypatch, tmp_path):
    with_driver(monkeypatch, tmp_path, "echo 'NVIDIA H200, 143771'")
    monkeypatch.setattr(machine, "find_spec", lambda name: None)
    found = doctor()["GPU"]
    assert (found["state"], found["found"]) == ("-", "NVIDIA H200 (140 GiB), but no torch")  # 143771 / 1024 = 140.4


def test_driver_that_hangs_is_no_gpu(monkeypatch, tmp_path):
    with_driver(monkeypatch, tmp_path, "exec sleep 60")
    monkeypatch.setattr(machine, "_ASK_S", 0.2)
    assert doctor()["GPU"]["found"] == "none found"


@pytest.mark.parametrize(
    ("about", "state"), [("cuda: Optional[str] = None\nhip = None\n", "fix"), ("cuda = '12.8'\n", "ok")]
)
def test_torch_without_cuda_beside_a_gpu_is_to_fix(monkeypatch, tmp_path, about, state):
    with_driver(monkeypatch, tmp_path, "echo 'NVIDIA H200, 143771'")
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('loaded')\n", encoding="utf-8")
    (tmp_path / "torch" / "version.py").write_text(about, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    assert doctor()["GPU"]["state"] == state


def test_cache_that_cannot_be_made_is_to_fix_and_stops_nothing(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("EM_BENCH_CACHE", str(tmp_path / "file" / "cache"))
    assert doctor()["cache"]["state"] == "fix"


def test_looking_makes_no_folder(tmp_path):
    assert doctor()["cache"]["found"].endswith("(not made yet)")
    assert list(tmp_path.iterdir()) == []


def test_published_files_are_absent_wrong_or_here(monkeypatch, tmp_path):
    n_sets = len(canonical_names())
    absent = doctor()["canonical sets"]
    assert (absent["state"], absent["found"][:6]) == ("-", f"0 of {n_sets}")
    (tmp_path / read_pinned("betley_main").asset.file).write_text("other\n", encoding="utf-8")
    monkeypatch.setenv(ASSETS, str(tmp_path))
    wrong = doctor()["canonical sets"]
    assert (wrong["state"], wrong["found"]) == ("fix", f"in {ASSETS}, other files than the pinned: betley_main")


@needs_published
def test_published_files_with_the_right_hash_are_ok(monkeypatch):
    monkeypatch.setenv(ASSETS, str(PUBLISHED))
    assert doctor()["canonical sets"]["state"] == "ok"
