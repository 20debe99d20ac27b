"""The files of a submission: what is read of them, and what is refused before anything is followed."""

import shutil

import pytest
from submissions import WORDS, change_rows, change_yaml, index_of, reasons, verify

from em_bench.board.log_list import find_listed, log_list_text, read_log_list
from em_bench.board.submission import read_submission
from em_bench.errors import ContentError


def test_submission_of_another_folder_name_is_refused(home):
    (home / "results" / "mine").rename(home / "results" / "renamed")
    with pytest.raises(ContentError, match="found 'mine'; expected the folder's name 'renamed'"):
        read_submission(home / "results" / "renamed")


def test_log_of_another_submission_counts_once(home):
    shutil.copytree(home / "results" / "mine", home / "results" / "yours")
    change = home / "results" / "yours" / "submission.yaml"
    change.write_text(change.read_text("utf-8").replace("id: mine", "id: yours"), encoding="utf-8")
    said = reasons(verify(home))
    assert len(said) == 2 and all("a log of yours" in reason for reason in said)


# What a submission says of itself


def test_claims_that_rows_do_not_bear_out_are_refused_all_at_once(home):
    change_yaml(
        home, lanes=["gold@1-A#00000000"], sets=["nazi_admiration 9-Z#00000000"], models={"mockllm/one": "nobody"}
    )
    said = reasons(verify(home))
    assert any("'gold@1-A#00000000'; expected one that has rows" in reason for reason in said)
    assert any("'nazi_admiration 9-Z#00000000'; expected one that has rows" in reason for reason in said)
    assert any("found 'nobody'; expected the id of a model card" in reason for reason in said)
    assert any("expected 'mockllm/two', which has rows" in reason for reason in said)


def test_badge_in_the_file_is_an_unknown_key(home):
    """A submission's own claim grants nothing."""
    change_yaml(home, badge="reproduced")
    (reason,) = reasons(verify(home))
    assert "badge: found 'badge'; expected one of the keys" in reason


def test_schema_faults_of_all_three_files_come_at_once(home):
    where = home / "results" / "mine"
    change_yaml(home, id="Other", date="soon")
    (where / "logs.sha256").write_text("abc  x.eval\n", encoding="utf-8")
    change_rows(home, lambda rows: rows[0]["counts"].update(answers="many"))
    said = reasons(verify(home))
    places = [reason.partition(": ")[0].rpartition("/")[2] for reason in said]
    assert [place.partition(":")[0].partition(" ")[0] for place in places] == [
        "submission.yaml", "submission.yaml", "rows.json", "logs.sha256",
    ]  # fmt: skip
    assert "[0].counts.answers: found 'many'; expected a valid integer" in said[2]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../../../etc/passwd.eval", "no '.', '..' or empty part"),
        ("/etc/passwd.eval", "no absolute path"),
        ("a//b.eval", "no '.', '..' or empty part"),
        ("https://example.org/x.eval", "no absolute path, address"),
        ("..\\x.eval", "backslash"),
        ("a\u202eb.eval", "printable"),
        ("x.html", "ends in .eval or .json"),
    ],
)
def test_log_names_cannot_lead_elsewhere(tmp_path, name, why):
    path = tmp_path / "logs.sha256"
    path.write_text(log_list_text({name: "0" * 64}), encoding="utf-8")
    with pytest.raises(ContentError, match=why.replace(".", r"\.")):
        read_log_list(path)


@pytest.mark.parametrize("logs", ["../elsewhere", "/etc", "file:///etc", "http://localhost", "a/b", ".git"])
def test_place_of_logs_cannot_lead_elsewhere(home, logs):
    change_yaml(home, logs=logs)
    assert "'logs' as" in reasons(verify(home))[0]


def test_links_are_not_followed(home, tmp_path):
    where = home / "results" / "mine"
    log = sorted((home / "logs").glob("*.eval"))[0]
    log.rename(tmp_path / "away.eval")
    log.symlink_to(tmp_path / "away.eval")
    assert any("a symbolic link" in reason for reason in reasons(verify(home)))
    listed = read_log_list(where / "logs.sha256")
    (tmp_path / "scratch").mkdir()
    assert find_listed(listed, str(home / "logs"), tmp_path / "scratch").has_links
    (where / "rows.json").rename(tmp_path / "rows.json")
    (where / "rows.json").symlink_to(tmp_path / "rows.json")
    assert "rows.json: found 'a symbolic link'" in reasons(verify(home))[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id: mine\na: &a [x, x]\nb: &b [*a, *a]\n", "YAML without aliases"),
        ("- " * 20_000 + "a", "levels of nesting"),
        ("x" * 100_000, "at most 64,000"),
        ("id: mine\nid: mine\n", "each key once"),
    ],
    ids=["aliases", "depth", "size", "twice"],
)
def test_yaml_that_grows_when_read_is_refused_before(home, text, said):
    (home / "results/mine/submission.yaml").write_text(text, encoding="utf-8")
    assert said in reasons(verify(home))[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [("[NaN]", "NaN"), ("[" * 50_000, "JSON"), ('[{"a": 1, "a": 2}]', "twice"), ("[]", "at least 1"), ("{}", "array")],
)
def test_rows_that_are_no_rows_are_refused(home, text, said):
    (home / "results/mine/rows.json").write_text(text, encoding="utf-8")
    assert said in reasons(verify(home))[0]


def test_title_of_several_lines_or_turned_writing_is_refused(home):
    for title in ("a\nb", "a\u202eb", "", "x" * 400):
        change_yaml(home, title=title)
        assert "submission.yaml" in reasons(verify(home))[0]


def test_other_files_in_the_folder_are_refused(home):
    (home / "results/mine/index.html").write_text("<script>", encoding="utf-8")
    assert "found 'index.html'; expected only submission.yaml" in reasons(verify(home))[0]


# Without logs


def test_submission_without_logs_is_self_reported_with_the_reason(home):
    found = verify(home, logs=None)
    assert (found.badge, found.faults) == ("self-reported", ())
    assert "submission.yaml logs: found nothing" in str(found.missing[0])
    gone = verify(home, logs="gone")
    assert gone.badge == "self-reported" and "expected the folder of the logs" in str(gone.missing[0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda row: row.update(rate=0.5), ".rate: found 0.5; expected 0."),
        (lambda row: row["counts"].update(flagged=0), "expected"),
        (lambda row: row["counts"].update(missing=3), ".counts.missing: found 3; expected 0"),
        (lambda row: row["interval"].update(questions=[0.0, 0.01]), "an interval around the rate"),
    ],
    ids=["rate", "counts", "missing", "interval"],
)
def test_rows_that_contradict_themselves_are_not_even_self_reported(home, change, said):
    change_rows(home, lambda rows: change(rows[index_of(rows, WORDS)]))
    assert any(said in reason for reason in reasons(verify(home, logs=None)))
