"""Labels from people come back into the logs as lanes like those of any judge, all of them or none."""

from collections import Counter

import pytest
from inspect_ai.log import read_eval_log, write_eval_log
from inspect_ai.model import ModelOutput
from labelling import export, faults_of, fill, import_all, lanes, state, table

from em_bench.errors import DataError, OperatorError
from em_bench.judging.people_labels import LABELS
from em_bench.judging.verdict import OUTCOMES
from em_bench.results.annotation_key import read_key
from em_bench.results.label_import import import_labels
from em_bench.results.log_files import find_logs
from em_bench.results.rejudging import rejudge_log

# What comes back


def test_labels_become_a_lane_for_each_rater_and_nothing_counts_as_missing(logs, tmp_path):
    """Of 8 rows in order, alice labels flagged, clear, flagged …, bob leaves the first two open."""
    made = export(logs, tmp_path / "labels.csv", n=8)
    before = {name: counts for name, counts in lanes(logs).items()}
    alice = fill(made.rater_files[0], tmp_path / "a.csv", lambda i, row: "clear" if i % 2 else "flagged")
    bob = fill(made.rater_files[1], tmp_path / "b.csv", lambda i, row: "" if i < 2 else "refusal", ";")
    done = import_labels([alice, bob], made.key_file, find_logs([str(logs)]), ["alice", "bob"])
    assert sum(each.n_labels["alice"] for each in done) == 8
    after = lanes(logs)
    assert {name: after[name] for name in before} == before
    assert {lane for _, lane in after} - {lane for _, lane in before} == {"people@1-A/alice", "people@1-A/bob"}
    totals = {
        rater: sum(
            (Counter(counts.to_dict()) for (_, lane), counts in after.items() if lane.endswith(rater)), Counter()
        )
        for rater in ("alice", "bob")
    }
    assert totals["alice"] == {"answers": 8, "kept": 8, "flagged": 4, "clear": 4}
    assert totals["bob"] == {"answers": 6, "refusal": 6}


def test_score_of_a_person_holds_numbers_and_the_answer_that_was_shown(logs, tmp_path):
    made = export(logs, tmp_path / "labels.csv")
    shown = {row["row"]: row["answer"].removeprefix("'") for row in table(made.rater_files[0])}
    import_all(made, logs, lambda i, row: LABELS[i % 5])
    labelled = {row["row"]: row["label"] for row in table(made.rater_files[0].with_suffix(".filled.csv"))}
    by_place = {answer.place: row for row, answer in made.key.rows.items()}
    for path in logs.glob("*.eval"):
        log = read_eval_log(str(path))
        assert {score.name for score in log.results.scores} == {"judge", "people_alice", "people_bob"}
        for sample in log.samples:
            row = by_place[str(sample.id), sample.epoch, sample.uuid]
            score = sample.scores["people_alice"]
            assert sample.output.completion == shown[row]
            assert score.answer == labelled[row]
            assert score.value == {outcome: float(outcome == labelled[row]) for outcome in OUTCOMES}
            assert score.metadata["lane"] == "people@1-A/alice"
            assert score.metadata["flag"] == "misaligned"


def test_importing_again_replaces_a_raters_labels_and_leaves_the_others(logs, tmp_path):
    made = export(logs, tmp_path / "labels.csv", n=8)
    import_all(made, logs, lambda i, row: "flagged")
    changed = fill(made.rater_files[0], tmp_path / "a.csv", lambda i, row: "clear" if i < 3 else "")
    import_labels([changed], made.key_file, find_logs([str(logs)]), ["alice"])
    by_lane = Counter()
    for (_, lane), counts in lanes(logs).items():
        by_lane.update({(lane, "flagged"): counts.flagged, (lane, "clear"): counts.clear, (lane, "n"): counts.answers})
    assert [by_lane["people@1-A/alice", what] for what in ("n", "clear", "flagged")] == [3, 3, 0]
    assert [by_lane["people@1-A/bob", what] for what in ("n", "flagged")] == [8, 8]


def test_labels_of_two_exports_stand_beside_each_other(logs, tmp_path):
    first = export(logs, tmp_path / "first.csv", n=4)
    both = export(logs, tmp_path / "both.csv", n=8)
    assert set(first.key.rows) < set(both.key.rows)
    import_all(both, logs)
    import_all(first, logs, lambda i, row: "flagged")
    found = sum((Counter(c.to_dict()) for (_, lane), c in lanes(logs).items() if "alice" in lane), Counter())
    assert (found["flagged"], found["clear"]) == (4, 4)


def test_copied_and_renamed_logs_get_their_labels(logs, tmp_path, stored_logs):
    made = export(logs, tmp_path / "labels.csv")
    for path in list(logs.iterdir()):
        path.rename(logs / f"moved-{path.name}")
    (logs / "copy.eval").write_bytes(next(iter(stored_logs.values())))
    assert len(import_all(made, logs)) == 3
    assert {c.answers for (_, lane), c in lanes(logs).items() if "alice" in lane} == {12}


def test_log_in_json_and_rejudging_keep_labels(logs, tmp_path):
    for path in list(logs.iterdir()):
        write_eval_log(read_eval_log(str(path)), str(path.with_suffix(".json")), format="json")
        path.unlink()
    made = export(logs, tmp_path / "labels.csv", n=8)
    import_all(made, logs)
    log = find_logs([str(logs)])[0]
    assert rejudge_log(log, "alignment", "text", "mockllm/model")
    found = {lane.partition("#")[0]: counts.answers for (_, lane), counts in lanes(log).items()}
    assert found == {"people@1-A/alice": 4, "people@1-A/bob": 4, "screen@1-A": 12, "alignment@1-A": 12}


# What is refused


def test_every_fault_of_every_file_is_named_by_its_line_and_no_log_changes(logs, tmp_path):
    made = export(logs, tmp_path / "labels.csv", n=4)
    rows = sorted(made.key.rows)
    first, second, third = tmp_path / "rater1.csv", tmp_path / "rater2.csv", tmp_path / "rater3.csv"
    first.write_text(f'row,answer,label\n{rows[0]},"a\nb",flaged\n{rows[1]},a,clear\n{rows[1]},a,clear\nxyz,a,clear\n')
    second.write_text(f"row,answer,note\n{rows[0]},a,b\n")
    third.write_text(f"row;label\n{rows[0]};clear;more\n")
    before = state(logs)
    with pytest.raises(DataError) as raised:
        import_labels([first, second, third], made.key_file, find_logs([str(logs)]))
    assert faults_of(raised) == {
        ("rater1.csv:2 label", "flaged"),
        ("rater1.csv:5 row", rows[1]),
        ("rater1.csv:6 row", "xyz"),
        ("rater2.csv:1", "['row', 'answer', 'note']"),
        ("rater3.csv:2", "3 cells"),
    }
    assert "Did you mean 'flagged'?" in raised.value.message
    assert "each row once (also on line 4). Delete one of the two." in raised.value.message
    assert "label cannot be read. Keep the first line of the file as it was." in raised.value.message
    assert state(logs) == before


def test_log_that_was_exported_from_must_be_there(logs, tmp_path):
    """Else labels would be lost without a word; the other log keeps its bytes."""
    made = export(logs, tmp_path / "labels.csv")
    gone = sorted(logs.iterdir())[0]
    gone.unlink()
    before = state(logs)
    with pytest.raises(DataError, match=rf"12 labelled answers of {gone.name[:20]}") as raised:
        import_all(made, logs)
    assert f"Name {gone.name} too." in raised.value.message
    assert state(logs) == before


def test_answer_that_is_another_text_now_gets_no_label(logs, tmp_path):
    made = export(logs, tmp_path / "labels.csv")
    path = sorted(logs.iterdir())[-1]
    log = read_eval_log(str(path))
    log.samples[0].output = ModelOutput.from_content("none", "Something else.")
    write_eval_log(log, str(path))
    before = state(logs)
    with pytest.raises(DataError, match="another text than raters saw"):
        import_all(made, logs)
    assert state(logs) == before


def test_log_of_a_run_that_goes_on_is_not_replaced(logs, tmp_path):
    made = export(logs, tmp_path / "labels.csv")
    path = sorted(logs.iterdir())[0]
    log = read_eval_log(str(path))
    log.status = "started"
    write_eval_log(log, str(path))
    with pytest.raises(DataError, match="a run that is not finished"):
        import_all(made, logs)


def test_failure_while_writing_changes_no_log(logs, tmp_path, monkeypatch):
    from em_bench.results import label_import

    made = export(logs, tmp_path / "labels.csv")
    before, written = state(logs), []

    def fails_at_the_second(log, path, format):
        written.append(path)
        if len(written) == 2:
            raise OSError("disk full")
        write_eval_log(log, path, format=format)

    monkeypatch.setattr(label_import, "write_eval_log", fails_at_the_second)
    with pytest.raises(OSError, match="disk full"):
        import_all(made, logs)
    assert state(logs) == before


@pytest.mark.parametrize(
    ("raters", "message"),
    [
        (["alice"], "found '1 names'; expected one for each of 2 files"),
        (["alice", "alice"], "expected another name for each file"),
        (["alice", "b/b"], "expected a name of letters"),
    ],
)
def test_raters_that_do_not_fit_the_files_are_refused(tmp_path, raters, message):
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    with pytest.raises(OperatorError, match=message):
        import_labels(files, tmp_path / "key.json", [], raters)
    with pytest.raises(OperatorError, match="a file that names no rater"):
        import_labels(files, tmp_path / "key.json", [])


@pytest.mark.parametrize("content", ["", "[1]", '{"rows": {}}', '{"form": "em_bench annotation key 1"}'])
def test_file_that_is_no_key_is_refused(tmp_path, content):
    path = tmp_path / "labels.key.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"labels\.key\.json: .*the key file of an export"):
        read_key(path)
