"""Judges that ship load, and a judge's file is checked as a whole."""

import pytest
import yaml

from em_bench.errors import ContentError, OperatorError
from em_bench.judging.judge import Judge
from em_bench.judging.judges import judge_names, judges_for, read_judge
from em_bench.judging.programs import PROGRAMS
from em_bench.judging.readout import read_text
from em_bench.questions import own_set_names, read_pinned, read_set


@pytest.mark.parametrize("name", judge_names())
def test_shipped_judge_loads_and_has_no_markers_of_one_language_model(name):
    judge = read_judge(name)
    assert judge.kind != "program" or judge.program in PROGRAMS
    for part, _ in judge.parts:
        assert part.is_offline == (part.default_model is None)


NO_HONEST_PROGRAM = {"bigotry", "harmful_advice", "prosocial"}
"""Sets of which a program would have to guess."""


@pytest.mark.parametrize("name", own_set_names())
def test_each_set_has_its_judge_and_an_offline_one_where_one_can_be_honest(name):
    questions = read_set(name)
    fitting = judges_for(questions.construct)
    assert questions.judge in fitting
    assert any(read_judge(judge).is_offline for judge in fitting) == (name not in NO_HONEST_PROGRAM)


def test_digest_changes_with_prompts_and_not_with_the_default_model():
    judge = read_judge("alignment")
    other_default = Judge.model_validate(judge.model_dump() | {"default_model": "openai/other"})
    changed = Judge.model_validate(judge.model_dump() | {"null_mass": 0.5})
    assert judge.digest == other_default.digest
    assert judge.digest != changed.digest


def test_digest_of_a_judge_by_reference_changes_with_the_published_file(monkeypatch):
    plain, pinned = read_judge("betley").model_dump(), read_pinned("betley_main")
    other = pinned.model_copy(update={"asset": pinned.asset.model_copy(update={"sha256": "0" * 64})})
    before = Judge.model_validate(plain).digest
    monkeypatch.setattr("em_bench.judging.judge.read_pinned", lambda name: other)
    assert Judge.model_validate(plain).digest != before


def test_lane_names_judge_grader_and_readout():
    judge = read_judge("alignment")
    assert (
        judge.lane("openai/gpt-4.1", "logprobs") == f"alignment@{judge.version}#{judge.digest}/openai/gpt-4.1/logprobs"
    )
    assert read_judge("facts").lane(None, "auto").count("/") == 0


def test_unknown_judge_lists_the_legal_ones_and_the_nearest():
    with pytest.raises(OperatorError, match=r"found 'alignmnt'.*admiration.*Did you mean 'alignment'\?"):
        read_judge("alignmnt")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rule": {"flag_below": {"alinment": 30}}}, "one of the judge's criteria alignment, coherence"),
        ({"rule": {}}, "the keys a prompted judge needs. Add rule"),
        ({"rule": {"keep_at_least": {"coherence": 1}}}, "a rule that flags by exactly one criterion"),
        ({"rule": {"flag_below": {"alignment": 30}, "flag_at_least": {"coherence": 1}}}, "exactly one criterion"),
        ({"kind": "program"}, "the keys a program judge needs. Add program"),
        ({"share": 0.5, "weights": 1}, "weights"),
        ({"share": 0.5}, "only keys that a prompted judge has. Remove share"),
        ({"criteria": [{"name": "alignment"}, {"name": "coherence"}]}, "a prompt for each criterion"),
        ({"criteria": [{"name": "alignment", "prompt": "no slot"}]}, "{answer} once"),
        ({"readout": "logprob"}, "one of 'auto', 'logprobs', 'sampled' or 'text'"),
    ],
    ids=[
        "unknown-criterion",
        "no-rule",
        "no-flag",
        "two-flags",
        "no-program",
        "unknown-key",
        "key-of-another-kind",
        "no-prompt",
        "no-answer-slot",
        "readout",
    ],
)
def test_broken_judge_file_says_what_is_wrong(tmp_path, change, said):
    path = tmp_path / "mine.yaml"
    content = read_judge("alignment").model_dump(mode="json") | change
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    with pytest.raises(ContentError) as caught:
        read_judge(str(path))
    assert said in caught.value.message
    assert "mine.yaml:" in caught.value.message


def written(folder, base, /, name="mine", **changes):
    """Return the path of a shipped judge's content with changes, in a file of its own."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.yaml"
    content = read_judge(base).model_dump(mode="json", exclude_defaults=True) | {"name": name} | changes
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


def panel(folder, *members, **changes):
    base = {key: getattr(read_judge("alignment"), key) for key in ("title", "version", "flag", "source")}
    content = base | {"name": "p", "kind": "panel", "constructs": ["freeform"], "judges": list(members)} | changes
    path = folder / "p.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return str(path)


MARKED = [{"name": "alignment", "marks": {"cruel": 0, "kind": 100}}]


@pytest.mark.parametrize(
    ("base", "change", "said"),
    [
        ("facts", {"default_model": "openai/x"}, "only keys that a program judge has. Remove default_model"),
        ("screened_alignment", {"default_model": "openai/x"}, "only keys that a two_phase judge has. Remove default"),
        ("screen", {"null_mass": 0.5}, "only keys that a classifier that ships has. Remove null_mass"),
        ("alignment", {"rule": {"flag_below": {"alignment": 101}}}, "the criterion's scale. Mend alignment: 101"),
        ("alignment", {"rule": {"flag_at_least": {"alignment": -1}}}, "the criterion's scale. Mend alignment: -1"),
        (
            "facts",
            {"criteria": [{"name": "honesty", "prompt": "{qestion} {answer}"}]},
            "placeholders among {question}, {answer}, {facts}. Mend or reword {qestion}",
        ),
        (
            "alignment",
            {
                "fences": False,
                "rule": {"flag_below": {"a": 30}},
                "criteria": [{"name": "a", "prompt": "{question}{answer}{facts}"}],
            },
            "no {facts} in a prompt without fences",
        ),
        (
            "facts",
            {"criteria": [{"name": "honesty", "escapes": {"No": "refusal", "NO": "off_topic"}}]},
            "each escape word once, whatever its case",
        ),
        (
            "screen",
            {"program": None, "model": "a/b", "revision": "main", "criteria": MARKED},
            "a commit, 40 hexadecimal digits",
        ),
    ],
)
def test_key_that_would_be_ignored_or_mislead_is_refused(tmp_path, base, change, said):
    with pytest.raises(ContentError) as caught:
        read_judge(written(tmp_path, base, **change))
    assert said in caught.value.message


def test_escape_words_are_read_in_any_case(tmp_path):
    """Replies are read in upper case, so words are kept in it; the digest is that of what is read."""
    plain = read_judge("alignment").model_dump(mode="json", exclude_defaults=True)["criteria"]
    lower = [each | {"escapes": {w.lower(): o for w, o in each.get("escapes", {}).items()}} for each in plain]
    judge = read_judge(written(tmp_path, "alignment", criteria=lower))
    assert judge.criteria == read_judge("alignment").criteria
    criterion = judge.criteria[0]
    assert read_text("refusal", criterion).escape == "refusal"


def test_grader_of_a_panel_is_named_with_its_provider(tmp_path):
    path = panel(tmp_path, {"judge": "screen"}, {"judge": "alignment", "grader": "gpt"})
    with pytest.raises(ContentError, match=r"judges\[1\].grader"):
        read_judge(path)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ([{"judge": "alignment"}, {"judge": "alignment"}], "it would vote twice"),
        ([{"judge": "alignment", "grader": "a/b"}, {"judge": "alignment", "grader": "a/b"}], "it would vote twice"),
        ([{"judge": "screen"}, {"judge": "screen", "grader": "a/b"}], "Remove 'grader'"),
        ([{"judge": "alignment"}, {"judge": "twin.yaml"}], "found 'twin.yaml with no grader of its own, again'"),
    ],
    ids=["again", "again-with-grader", "offline-with-grader", "copy"],
)
def test_member_that_votes_twice_or_cannot_ask_is_refused(tmp_path, members, said):
    """A copy under another name is the same judge: its digest is."""
    written(tmp_path, "alignment", name="twin")
    with pytest.raises(ContentError) as caught:
        _ = read_judge(panel(tmp_path, *members)).members
    assert said in caught.value.message


def test_same_judge_with_two_graders_may_sit_in_a_panel(tmp_path):
    members = [{"judge": "alignment", "grader": "a/b"}, {"judge": "alignment", "grader": "a/c"}, {"judge": "alignment"}]
    assert len(read_judge(panel(tmp_path, *members)).members) == 3


def test_paths_of_members_lead_from_the_judges_file_and_leave_the_digest_alone(tmp_path, monkeypatch):
    """The working directory holds another file of that name, and the second panel lies elsewhere with its member."""
    digests = []
    for folder, name in (("one", "mine"), ("two", "other")):
        written(tmp_path / folder, "alignment", name=name, readout="text")
        digests.append(read_judge(panel(tmp_path / folder, {"judge": f"./{name}.yaml"}, {"judge": "screen"})).digest)
    assert digests[0] == digests[1]
    written(tmp_path / "here", "alignment", name="mine", readout="sampled")
    monkeypatch.chdir(tmp_path / "here")
    assert read_judge(str(tmp_path / "one" / "p.yaml")).members[0].readout == "text"
    written(tmp_path / "one", "alignment", name="mine", readout="sampled")
    read_judge.cache_clear()
    assert read_judge(str(tmp_path / "one" / "p.yaml")).digest != digests[0]


def test_phases_lead_from_the_judges_file_too(tmp_path):
    written(tmp_path / "one", "alignment", name="dear", readout="text")
    path = written(tmp_path / "one", "screened_alignment", second="dear.yaml")
    assert [member.name for member in read_judge(path).members] == ["screen", "dear"]
