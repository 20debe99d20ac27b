"""What the logs of a share say, and which of them are set aside."""

from pathlib import Path

import pytest
from conftest import model_that_says, small_set

from em_bench.errors import OperatorError
from em_bench.running import Share, survey, survey_share
from em_bench.tasks import build_task


@pytest.fixture
def logged(evaluate, tmp_path):
    """Return a share whose set is logged, the folder of the run, and the log."""
    log = evaluate(build_task(small_set(2), judge="screen"), model_that_says(lambda prompt: "x", "subject"))
    folder = tmp_path / "run"
    (folder / "m").mkdir(parents=True)
    path = folder / "m" / log.location.rpartition("/")[2]
    path.write_bytes(Path(log.location).read_bytes())
    name = log.eval.metadata["set"]
    return Share("m", "mockllm/subject", None, (), (), None, {name: 2}), str(folder), path, name


def test_whole_log_is_complete(logged):
    share, folder, _, name = logged
    assert survey_share(share, folder, with_answers=True)[name].status == "complete"


def test_damaged_log_is_set_aside_and_its_answers_are_absent(logged):
    share, folder, path, name = logged
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    told = []
    assert survey_share(share, folder, with_answers=True, tell=told.append)[name].status == "absent"
    assert path.with_name(f"{path.name}.unreadable").is_file() and len(told) == 1


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), RuntimeError("Slow Down")])
@pytest.mark.parametrize("reader", ["read_eval_log", "read_eval_log_sample_summaries"])
def test_log_that_cannot_be_read_now_stays_where_it_is(logged, monkeypatch, reader, error):
    """Its answers were bought: a folder that is slow or closed for a moment must not cost them."""

    def fails(*args, **options):
        raise error

    share, folder, path, _ = logged
    monkeypatch.setattr(survey, reader, fails)
    with pytest.raises(OperatorError, match="expected a log that can be read"):
        survey_share(share, folder, with_answers=True)
    assert path.is_file()
