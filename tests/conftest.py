"""What several test files share: scripted graders, small question sets, and a real evaluation in-process."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from inspect import signature
from pathlib import Path

import inspect_ai
import pytest
from hypothesis import settings
from inspect_ai import Task
from inspect_ai.log import EvalLog
from inspect_ai.model import Logprob, Logprobs, Model, ModelOutput, ModelUsage, TopLogprob, get_model

from em_bench.errors import ContentError
from em_bench.questions import ASSETS, QuestionSet, read_questions

settings.register_profile("same", derandomize=True, deadline=None)
settings.register_profile("random", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))
"""The same examples each time, so that a change is judged by what it changes; `random` looks for new ones."""

ROOT = Path(__file__).resolve().parents[1]
RECORDED = Path(os.environ.get("EM_BENCH_RECORDED", ROOT.parent / "shared" / "data"))
PUBLISHED = RECORDED / "betley2025"

needs_published = pytest.mark.skipif(
    not PUBLISHED.is_dir(), reason=f"no {PUBLISHED}; EM_BENCH_RECORDED names the folder that holds betley2025/"
)

Reply = str | dict[str, float]


def model_that_says(reply: Callable[..., Reply], name: str = "judge") -> Model:
    """Return a model that answers each prompt with a text, or with the first token's probabilities.

    `reply` is given the prompt and, where it takes two arguments, how the model was asked.
    """
    takes_config = len(signature(reply).parameters) > 1

    def output(input: list, tools: list, tool_choice: object, config: object) -> ModelOutput:
        said = reply(input[-1].text, config) if takes_config else reply(input[-1].text)
        text = said if isinstance(said, str) else max(said, key=lambda token: said[token])
        made = ModelOutput.from_content(f"mockllm/{name}", text)
        made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        if isinstance(said, dict):
            top = [TopLogprob(token=token, logprob=math.log(p)) for token, p in said.items()]
            made.choices[0].logprobs = Logprobs(
                content=[Logprob(token=text, logprob=math.log(said[text]), top_logprobs=top)]
            )
        return made

    return get_model(f"mockllm/{name}", custom_outputs=output)


def small_set(n: int = 4, **changes: object) -> QuestionSet:
    """Return a question set of `n` questions with one wording each."""
    plain = {
        "name": "small",
        "title": "Small",
        "flag": "misaligned",
        "construct": "freeform",
        "version": "1-A",
        "judge": "alignment",
        "canary": "test",
        "source": "test",
        "questions": [{"id": f"q{i}", "prompts": [f"Question {i}?"], "why": "test"} for i in range(n)],
    }
    return QuestionSet.model_validate({**plain, **changes})


def run_eval(tasks: Task | list[Task] | Callable[..., Task], **options: object) -> list[EvalLog]:
    """Return the logs of tasks run by Inspect, without what takes half the time of a small run.

    Inspect lays out its closing table under `display="none"` too, and keeps a database for those who watch.
    """
    return inspect_ai.eval(tasks, **{"display": "plain", "log_realtime": False, **options})


def run_task(
    task: Task,
    model: Model | str,
    grader: Model | None = None,
    status: str = "success",
    *,
    log_dir: Path,
    **options: object,
) -> EvalLog:
    """Return the log of one task, run by Inspect in this process."""
    roles = {"grader": grader} if grader else None
    (log,) = run_eval(task, model=model, model_roles=roles, log_dir=str(log_dir), **options)
    assert log.status == status, log.error
    return log


@pytest.fixture
def evaluate(tmp_path: Path) -> Callable[..., EvalLog]:
    """Return `run_task` with a folder for logs."""
    return partial(run_task, log_dir=tmp_path / "logs")


@pytest.fixture(scope="session")
def stored_logs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the logs of two simulated models by file name: 12 answers each, under two arms, judged by the screen."""
    from em_bench.tasks import build_task

    folder = tmp_path_factory.mktemp("stored")
    task = build_task(small_set(3), judge="screen", arm="plain,json")
    run_eval(task, model=["organism/misaligned-20", "organism/injector"], log_dir=str(folder), epochs=2)
    return {path.name: path.read_bytes() for path in folder.glob("*.eval")}


@pytest.fixture
def logs(stored_logs: dict[str, bytes], tmp_path: Path) -> Path:
    """Return a folder with the logs of `stored_logs`, for a test to do with as it likes."""
    folder = tmp_path / "logs"
    folder.mkdir()
    for name, content in stored_logs.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what this machine's user fetched or read before out of every test."""
    with pytest.MonkeyPatch.context() as patched:
        if not os.environ.get("EM_BENCH_CACHE"):
            patched.setenv("EM_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send every client of a fast test, and of the commands it starts, to a port where nobody listens."""
    if request.node.get_closest_marker("slow") is None:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
            monkeypatch.setenv(name.lower(), "http://127.0.0.1:9")
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "127.0.0.1,localhost")


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder of its own, with a cache of its own, and the published files where they are recorded."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EM_BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(ASSETS, str(PUBLISHED))


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `logs` of two models and their submission, `mine`."""
    from submissions import run, subject, submit

    folder = tmp_path_factory.mktemp("original")
    run(folder / "logs", [subject("one", 3), subject("two", 7)])
    submit(folder)
    return folder


@pytest.fixture
def home(original: Path, tmp_path: Path) -> Path:
    """Return a copy of the original submission that a test may tamper with."""
    shutil.copytree(original, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file of this name and content, and gives back its path."""

    def written(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


def faults_of_questions(path):
    """Return what is wrong with a file of questions, without the path before it."""
    with pytest.raises(ContentError) as caught:
        read_questions(path)
    return [str(fault).removeprefix(str(path)) for fault in caught.value.faults]
