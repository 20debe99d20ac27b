"""The folder of a run: made once, gone on with, and for one run alone."""

import errno
import fcntl
import json

import pytest

from em_bench.errors import OperatorError
from em_bench.questions import SuiteItem
from em_bench.running import RunRequest, folder, open_folder, share_out

TYPED = "em-bench run --model organism/aligned"


def request(*models, **changes):
    item = SuiteItem(set="nazi_admiration", judge="admiration_words", **changes)
    return RunRequest(models=models or ("organism/aligned",), items=(item,))


def opened(place, asked, n_processes=1, report=print):
    with open_folder(str(place), asked, share_out(asked.models, asked.items, n_processes), TYPED, report) as found:
        return found


def begun(place, asked, n_processes=1):
    """Open a folder as a run that came as far as its first log."""
    found = opened(place, asked, n_processes)
    (place / "2026-01-01T00-00-00-00-00_task_id.eval").touch()
    return found


def test_run_that_is_gone_on_with_keeps_its_shares(tmp_path):
    """A machine with more cores would have shared out otherwise."""
    first = begun(tmp_path / "logs", request("organism/aligned", "organism/refuser"))
    again = opened(tmp_path / "logs", request("organism/refuser", "organism/aligned"), 8)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.shares == first.shares


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (request("organism/refuser"), "models: found 'organism/refuser'; expected organism/aligned, as this run"),
        (
            request(samples=3),
            "sets: found 'samples=3 of nazi_admiration'; expected samples=the set's own, as this run was begun with",
        ),
        (
            request(arm=("json",)),
            "sets: found 'arm=json of nazi_admiration'; expected arm=the set's own, as this run was begun with",
        ),
    ],
    ids=["model", "samples", "arm"],
)
def test_other_run_in_a_folder_is_refused_with_what_differs_and_how_to_go_on(tmp_path, asked, said):
    begun(tmp_path, request())
    with pytest.raises(OperatorError) as refused:
        opened(tmp_path, asked)
    assert said in refused.value.message
    assert refused.value.message.endswith(f"Name a new folder, or go on with: {TYPED}")


def test_run_that_logged_nothing_does_not_hold_its_folder(tmp_path):
    """A mistyped command is mended and typed again: nothing was asked yet."""
    opened(tmp_path, request("organism/alinged"))
    assert opened(tmp_path, request()).is_new
    begun(tmp_path, request())
    assert not opened(tmp_path, request()).is_new


def test_file_system_without_locks_is_said_and_used(tmp_path, monkeypatch):
    """Lustre without `-o flock`, some NFS mounts."""

    def flock(file, how):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", flock)
    said = []
    assert opened(tmp_path, request(), report=said.append).is_new
    assert said == [f"{tmp_path}: no lock there (Function not implemented); nothing keeps a second run out."]


def test_how_a_run_is_operated_may_change(tmp_path):
    """Connections, patience and logging bear on no answer."""
    begun(tmp_path, request())
    asked = RunRequest(models=request().models, items=request().items, operation=("--max-connections", "3"))
    assert not opened(tmp_path, asked).is_new


def test_folder_with_logs_of_others_is_refused(logs):
    with pytest.raises(OperatorError, match="2 logs of other runs"):
        opened(logs, request())
    assert not (logs / folder.RECORD).exists()


def test_changed_set_is_another_run(tmp_path):
    """Answers to other questions must not be taken for these."""
    begun(tmp_path, request())
    record = tmp_path / folder.RECORD
    plain = json.loads(record.read_text())
    plain["asked"]["sets"][0]["digest"] = "0" * 64
    record.write_text(json.dumps(plain))
    with pytest.raises(
        OperatorError, match=r"sets: found 'digest=\w+ of nazi_admiration'; expected digest=0{64}, as this"
    ):
        opened(tmp_path, request())


def test_record_that_cannot_be_read_is_said(tmp_path):
    begun(tmp_path, request())
    (tmp_path / folder.RECORD).write_text("{}")
    with pytest.raises(OperatorError, match=r"em-bench-run.json: found \"KeyError.*expected what em-bench run wrote"):
        opened(tmp_path, request())


@pytest.mark.parametrize("place", ["file", "file/below", "unheard-of://x"])
def test_folder_that_cannot_be_written_is_refused(tmp_path, place):
    (tmp_path / "file").touch()
    where = place if "://" in place else tmp_path / place
    with pytest.raises(OperatorError, match="expected a folder that can be written. Name another"):
        opened(where, request())


def test_second_run_in_a_folder_is_refused_while_the_first_is_at_work(tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "_PATIENCE_S", 0.3)
    begun(tmp_path, request())
    with (tmp_path / ".em-bench-run.lock").open("r") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = []
        with pytest.raises(OperatorError, match=r"another run at work \(process \d+\)"):
            opened(tmp_path, request(), report=said.append)
        assert [line.partition(":")[2][:26] for line in said] == [" another run is at work (p"]  # said once
    assert not opened(tmp_path, request()).is_new


def test_record_holds_no_secret(tmp_path):
    asked = RunRequest(models=request().models, items=request().items, model_args=("api_key=sk-123",))
    opened(tmp_path, asked)
    assert "sk-123" not in (tmp_path / folder.RECORD).read_text()
