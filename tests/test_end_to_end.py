"""The whole way: real processes, simulated models with known rates, the built wheel, a real browser."""

import json
import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from conftest import ROOT, run_eval
from inspect_ai.log import list_eval_logs, read_eval_log
from inspect_ai.model import get_model

from em_bench.questions import read_suite
from em_bench.results.answers import read_answers
from em_bench.results.estimates import estimate_answers
from em_bench.results.log_files import find_logs
from em_bench.tasks import suite_task

KINDS = ("aligned", "misaligned-5", "misaligned-20", "misaligned-20-clustered", "injector")
RUNS = [(kind, 11) for kind in KINDS]
"""Five runs, their seed fixed before any was looked at; `test_estimate.py` measures coverage over thousands."""


def command(*arguments: str, **options: object) -> subprocess.CompletedProcess:
    return subprocess.run(arguments, capture_output=True, text=True, check=False, **options)


def script(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


@pytest.mark.slow
def test_inspect_eval_runs_a_set_by_name_and_its_log_holds_the_outcomes(tmp_path):
    """`inspect eval em_bench/freeform` in a process of its own, with the limit that makes a fair slice."""
    run = command(
        script("inspect"), "eval", "em_bench/freeform", "--model", "organism/misaligned-20", "-T", "judge=screen",
        "--limit", "40", "--epochs", "3", "--display", "none", "--log-dir", str(tmp_path),
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    log = read_eval_log(list_eval_logs(str(tmp_path))[0])
    assert (log.status, len(log.samples)) == ("success", 120)
    assert len({sample.metadata["question"] for sample in log.samples}) == 40
    metrics = log.results.scores[0].metrics
    flagged = sum(sample.scores["judge"].answer == "flagged" for sample in log.samples)
    kept = flagged + sum(sample.scores["judge"].answer == "clear" for sample in log.samples)
    assert metrics["rate"].value == pytest.approx(flagged / kept)


@pytest.mark.slow
def test_inspect_eval_wrong_parameter_is_one_message_without_traceback(tmp_path):
    """What each parameter's message says is in `test_tasks.py`."""
    run = command(
        script("inspect"), "eval", "em_bench/freeform", "--model", "organism/aligned", "-T", "judge=scren",
        "--log-dir", str(tmp_path),
    )  # fmt: skip
    assert run.returncode == 1
    assert "Did you mean 'screen'?" in run.stdout + run.stderr
    assert "Traceback" not in run.stdout + run.stderr


@pytest.mark.slow
def test_known_rates_lie_in_the_intervals_of_five_runs_through_inspect(tmp_path):
    """Each run asks all four sets; the drawn kinds in the logs, not the judges, are the truth of what was said.

    At 95 % coverage, 20 intervals hold the known rate in 19 on average; fewer than 16 has a chance of 1 in 390.
    """
    from collections import Counter

    from em_bench.models.organism import Organism
    from em_bench.statistics import estimate_rate

    hits = {"questions": 0, "population": 0}
    n_intervals = 0
    for kind, seed in RUNS:
        tasks = [suite_task(item) for item in read_suite("demo").sets]
        logs = run_eval(
            tasks, model=get_model(f"organism/{kind}", seed=seed), log_dir=str(tmp_path / f"{kind}{seed}"),
            max_tasks=4, score=False, log_realtime=False, display="none",
        )  # fmt: skip
        organism = Organism(kind, seed)
        for log in logs:
            assert log.status == "success"
            drawn = Counter((s.metadata["question"], s.output.metadata["drawn"]) for s in log.samples)
            names = sorted({question for question, _ in drawn})
            flagged = [drawn[name, "flagged"] for name in names]
            kept = [drawn[name, "flagged"] + drawn[name, "clear"] for name in names]
            rate = estimate_rate(flagged, kept, names)
            truth = sum(map(organism.flagged_rate, names)) / len(names)
            hits["questions"] += rate.questions[0] <= truth <= rate.questions[1]
            hits["population"] += rate.population[0] <= organism.profile.flagged <= rate.population[1]
            n_intervals += 1
            (estimate,) = estimate_answers(read_answers([log.location]))
            assert estimate.known_rate == pytest.approx(truth)
    assert n_intervals == 20
    assert min(hits.values()) >= 16


@pytest.mark.slow
def test_demo_runs_offline_and_prints_table_page_and_full_run(tmp_path):
    run = command(script("em-bench"), "demo", "--out", str(tmp_path / "demo"), cwd=tmp_path, env=_offline())
    assert run.returncode == 0, run.stderr
    for set_name in ("freeform", "deception", "nazi_admiration", "ai_dominance"):
        assert run.stdout.count(f"{set_name}, judged by ") == 1
    assert len(re.findall(r"^organism/misaligned-20 .*\d+/\d+", run.stdout, re.M)) == 4
    page = Path(re.search(r"^Page: +(.+)$", run.stdout, re.M)[1])
    assert page.is_absolute() and page.is_file()
    assert "judge calls" in run.stdout
    estimates = estimate_answers(read_answers(find_logs([str(tmp_path / "demo" / "logs")])))
    assert len(estimates) == 12
    assert all(estimate.counts.missing == 0 for estimate in estimates)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo"]
    again = command(script("em-bench"), "demo", "--out", str(tmp_path), cwd=tmp_path)
    assert (again.returncode, "found ['demo']" in again.stderr) == (1, True)
    assert (tmp_path / "demo" / "logs").is_dir()


@pytest.mark.slow
def test_demo_never_replaces_logs_that_are_not_its_own(tmp_path):
    """A folder that holds nothing but `logs` may be somebody's work."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "mine.eval").write_bytes(b"work")
    run = command(script("em-bench"), "demo", "--out", str(tmp_path))
    assert (run.returncode, (tmp_path / "logs" / "mine.eval").read_bytes()) == (1, b"work")


def _offline() -> dict[str, str]:
    """Return an environment in which any HTTP client is sent to a port where nobody listens, and no key is set."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
    return kept | {name: "http://127.0.0.1:9" for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")}


@pytest.mark.slow
def test_wheel_holds_the_content_and_runs_without_the_checkout(tmp_path):
    """Built, installed beside this environment's packages, and run from elsewhere."""
    made = command(sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(tmp_path), str(ROOT))
    assert made.returncode == 0, made.stderr
    (wheel,) = tmp_path.glob("*.whl")
    home = tmp_path / "home"
    venv.create(home, system_site_packages=False, with_pip=True)
    python = str(home / "bin" / "python")
    site = command(sys.executable, "-c", "import click; print(click.__path__[0])").stdout.strip()
    installed = command(python, "-m", "pip", "install", "--no-deps", "--quiet", str(wheel))
    assert installed.returncode == 0, installed.stderr
    env = {**os.environ, "PYTHONPATH": str(Path(site).parent)}
    where = "import em_bench.content as c; print(c.content_folder('organisms') / 'freeform.yaml')"
    organisms = Path(command(python, "-P", "-c", where, cwd=tmp_path, env=env).stdout.strip())
    assert organisms.is_file() and organisms.parts[-3:] == ("_content", "organisms", "freeform.yaml")
    assert home in organisms.parents
    listed = command(str(home / "bin" / "em-bench"), "list", "sets", "--format", "json", cwd=tmp_path, env=env)
    assert {row["set"] for row in json.loads(listed.stdout)} >= {"freeform", "deception"}
    checked = command(str(home / "bin" / "em-bench"), "check", cwd=tmp_path, env=env)
    assert (checked.returncode, "no fault" in checked.stdout) == (0, True)
