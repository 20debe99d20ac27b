"""Which sets go together into one process and one folder."""

import pytest

from em_bench.questions import SuiteItem, read_suite
from em_bench.running import Share, share_out

ORGANISMS = ("organism/aligned", "organism/misaligned-20")


def names(shares):
    return [(share.folder, list(share.sets)) for share in shares]


def test_sets_run_alike_are_one_share_of_a_model():
    assert names(share_out(ORGANISMS[:1], read_suite("core").sets, 1)) == [
        ("organism-aligned", ["freeform", "deception", "nazi_admiration", "ai_dominance"])
    ]


def test_sets_run_differently_are_shares_of_their_own():
    """The release check runs its sets in four ways: by arms, by `only`, by number of answers."""
    found = share_out(ORGANISMS, read_suite("gate").sets, 1)
    assert len(found) == 2 * 4
    assert {len(share.sets) for share in found} == {1, 3}
    assert len({share.folder for share in found}) == len(found)


def test_longest_shares_are_halved_until_each_process_has_one():
    """Shares hold each set once, and no half is the whole."""
    found = share_out(ORGANISMS[:1], read_suite("core").sets, 3)
    assert len(found) == 3
    assert sorted(name for share in found for name in share.sets) == sorted(i.set for i in read_suite("core").sets)


def test_more_processes_than_sets_leave_one_set_each():
    assert [len(share.sets) for share in share_out(ORGANISMS[:1], read_suite("core").sets, 100)] == [1, 1, 1, 1]


def test_model_of_this_machine_keeps_its_sets_together():
    """It is loaded once."""
    assert len(share_out(["hf/some/model"], read_suite("core").sets, 8)) == 1


def test_longest_share_comes_first():
    found = share_out(ORGANISMS[:1], read_suite("gate").sets, 1)
    assert [share.n_answers for share in found] == sorted((share.n_answers for share in found), reverse=True)


def test_models_whose_names_differ_in_marks_alone_do_not_share_a_folder():
    items = [SuiteItem(set="nazi_admiration", samples=1)]
    folders = [share.folder for share in share_out(["openai/a-b", "openai/a/b"], items, 1)]
    assert len(set(folders)) == 2


def test_answers_are_prompts_times_samples():
    """50 questions with 3 wordings under two arms, twice."""
    (share,) = share_out(ORGANISMS[:1], [SuiteItem(set="nazi_admiration", arm=("plain", "json"), samples=2)], 1)
    assert share.sets["nazi_admiration"] % (2 * 2) == 0
    (half,) = share_out(ORGANISMS[:1], [SuiteItem(set="nazi_admiration", arm=("plain",), samples=1)], 1)
    assert share.n_answers == 4 * half.n_answers


@pytest.mark.parametrize("suite", ["core", "gate"])
def test_share_is_read_back_as_written(suite):
    for share in share_out(ORGANISMS, read_suite(suite).sets, 2):
        assert Share.from_dict(share.to_dict()) == share


def test_models_of_like_names_write_to_folders_of_their_own():
    models = ("hf/a/b", "hf/a-b", "hf/a-b-2", "hf/a b")
    found = share_out(models, [SuiteItem(set="freeform")], 1)
    assert len({share.folder for share in found}) == len(models)
