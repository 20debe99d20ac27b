"""`em-bench agreement` as users call it: judges over the same answers, and only over those."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from conftest import RECORDED, model_that_says, run_task, small_set
from inspect_ai.log import read_eval_log, write_eval_log
from sklearn.metrics import cohen_kappa_score

from em_bench.cli import main
from em_bench.errors import DataError
from em_bench.judging import read_judge
from em_bench.results.agreement import compare_lanes, with_texts
from em_bench.results.answers import read_answers
from em_bench.results.log_files import find_logs
from em_bench.results.people_score import people_score
from em_bench.results.rater_file import RaterLabel
from em_bench.results.rejudging import rejudge_log
from em_bench.tasks import build_task

HOSTILE = "An answer \x1b[31mto\u202e question"


def grader(name, **marks):
    """Return a judge that says of alignment what is given for a question (q0=5), else 90."""

    def reply(prompt):
        if "how coherent" in prompt:
            return "95"
        number = next(i for i in range(9) if f"Question {i}?" in prompt)
        return str(marks.get(f"q{number}", 90))

    return model_that_says(reply, name)


def subject():
    return model_that_says(lambda prompt: f"{HOSTILE} {prompt}", "subject")


def judged_twice(log_dir, first, second, **options):
    """Return the folder of a log whose answers two graders judged."""
    log = run_task(build_task(small_set(6), readout="text"), subject(), first, log_dir=log_dir, **options)
    assert rejudge_log(log.location, "alignment", "text", second)
    return str(log_dir)


def agreement(folder, *arguments):
    ran = CliRunner().invoke(main, ["agreement", folder, *arguments])
    assert ran.exit_code == 0, ran.stderr or ran.exception
    return ran


def objects(folder, *arguments):
    return json.loads(agreement(folder, "--format", "json", *arguments).stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six questions twice: the first judge flags 0 and 1, the second 0 alone and gives nothing usable for 5."""
    first, second = grader("one", q0=5, q1=10, q2=80), grader("two", q0=5, q1=60, q5="I won't.")
    return judged_twice(tmp_path_factory.mktemp("twice"), first, second, epochs=2)


@pytest.fixture(scope="module")
def screened(tmp_path_factory):
    """A log of three answers that the screen judged."""
    task = build_task(small_set(3), judge="screen")
    return run_task(task, subject(), log_dir=tmp_path_factory.mktemp("screened")).location


def test_agreement_of_two_judges_is_that_of_their_verdicts(folder):
    """Ten answers both scored: 2 flagged by both, 2 by the first alone, 6 by neither."""
    (found,) = objects(folder)
    (pair,) = found["pairs"]
    assert [found["set"], found["model"], found["flag"]] == ["small", "all", "misaligned"]
    assert [pair["first"], pair["second"]] == found["lanes"] == sorted(found["lanes"])
    assert (pair["answers"], pair["unscored"]) == (12, [0, 2])
    kappa = cohen_kappa_score([1] * 4 + [0] * 6, [1] * 2 + [0] * 8)
    for name in ("verdict", "outcome"):
        assert (pair[name]["answers"], pair[name]["questions"]) == (10, 5)
        assert pair[name]["share"]["value"] == 0.8
        assert pair[name]["kappa"]["value"] == pytest.approx(kappa)


def test_rates_are_over_the_same_answers_and_the_difference_is_second_minus_first(folder):
    ((pair,),) = [found["pairs"] for found in objects(folder)]
    rates = pair["rates"]
    assert rates["first"] == {"flagged": 4, "kept": 10, "rate": 0.4}
    assert rates["second"] == {"flagged": 2, "kept": 10, "rate": 0.2}
    assert rates["second_minus_first"] == pytest.approx(-0.2)
    assert rates["interval"][0] < -0.2 < rates["interval"][1]


def test_marks_of_criteria_that_both_have_are_compared(folder):
    """Marks are 50 apart on question 1, 10 on question 2, else none; the unscored answers do not count."""
    ((pair,),) = [found["pairs"] for found in objects(folder)]
    assert set(pair["marks"]) == {"alignment", "coherence"}
    assert pair["marks"]["alignment"]["answers"] == 10
    assert pair["marks"]["alignment"]["mean_gap"] == pytest.approx((50 + 10) / 5)
    assert pair["marks"]["coherence"]["alpha"]["value"] is None
    assert pair["marks"]["coherence"]["alpha"]["notes"] == ["one category only: chance agreement is total"]


def test_worst_are_different_verdicts_first_then_marks_furthest_apart(folder):
    ((pair,),) = [found["pairs"] for found in objects(folder)]
    worst = pair["worst"]
    assert [(each["id"], each["epoch"]) for each in worst] == [("q1/0", 1), ("q1/0", 2), ("q2/0", 1), ("q2/0", 2)]
    assert (worst[0]["outcomes"], worst[0]["marks"]["alignment"]) == (["flagged", "clear"], [10, 60])
    assert worst[0]["text"].startswith(HOSTILE)
    assert "Question 1?" in worst[0]["text"]
    assert worst[0]["log"].endswith(".eval")


def test_worst_option_says_how_many(folder):
    assert [len(found["pairs"][0]["worst"]) for n in (0, 1) for found in objects(folder, "--worst", str(n))] == [0, 1]


def test_table_is_safe_for_a_terminal_and_not_wide(folder):
    said = agreement(folder).stdout
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "An answer" in said
    assert "second - first: -20.0 points" in said
    assert "Fewer than 12 questions" in said
    assert "(not examined)" in said
    assert max(map(len, said.splitlines())) <= 130


def test_table_says_nothing_about_rates_that_no_judge_gave(tmp_path):
    """Both judges flag nothing: no coefficient is given, and why."""
    said = agreement(judged_twice(tmp_path, grader("one"), grader("two"))).stdout
    assert "misaligned or not: one category only: chance agreement is total" in said
    assert "second - first: the same on every question: no interval" in said
    assert "Furthest apart" not in said


def test_same_logs_give_the_same_bytes(folder):
    assert agreement(folder).stdout == agreement(folder).stdout


def test_by_model_takes_each_model_by_itself(evaluate):
    task = build_task(small_set(4), judge="screen,alignment", readout="text")
    for name in ("organism/aligned", "organism/misaligned-20"):
        log = evaluate(task, name, grader("one"))
    folder = str(Path(log.location).parent)
    assert [found["model"] for found in objects(folder, "--by", "model")] == [
        "organism/aligned",
        "organism/misaligned-20",
    ]
    (both,) = objects(folder)
    assert both["pairs"][0]["answers"] == sum(f["pairs"][0]["answers"] for f in objects(folder, "--by", "model"))
    assert both["examined"] == [False, True]


def test_three_judges_are_compared_at_once_and_in_pairs(folder, tmp_path):
    log = shutil.copy(*find_logs([folder]), tmp_path)
    rejudge_log(str(log), "screen")
    (found,) = objects(str(log))
    assert (len(found["lanes"]), len(found["pairs"])) == (3, 3)
    assert set(found["alpha"]) == {"verdict", "outcome", "alignment", "coherence"}
    assert "small, all models: 3 judges at once, α: misaligned" in agreement(str(log)).stdout


def test_judge_of_the_papers_shares_its_criteria_under_other_names(screened):
    """Their `aligned` is what `alignment` marks here."""
    answers = read_answers([screened])
    papers = answers.rename(columns={"mark:alignment": "mark:aligned", "mark:coherence": "mark:coherent"})
    lane = read_judge("betley").lane("openai/gpt-4o", "logprobs")
    both = pd.concat([answers, papers.assign(lane=lane)], ignore_index=True)
    (found,) = compare_lanes(both)
    assert found.pairs[0].notes == ()
    assert {name: marks.mean_gap for name, marks in found.pairs[0].marks.items()} == {"alignment": 0, "coherence": 0}


def with_lane(screened, lane):
    """Return answers that the screen judged, and again as if a judge of another lane had said the same."""
    answers = read_answers([screened])
    return pd.concat([answers, answers.assign(lane=lane)], ignore_index=True)


@pytest.mark.parametrize("lane", ["my_judge@1-A#0a1b2c3d", "alignment@1-A#00000000/openai/gpt-4o/text"])
def test_marks_on_a_scale_that_is_not_known_are_not_compared(screened, lane):
    """A judge of a user's own, or one that shipped once, may mark from 1 to 10; outcomes are compared all the same."""
    (found,) = compare_lanes(with_lane(screened, lane))
    (pair,) = found.pairs
    assert (pair.marks, pair.n_answers) == ({}, 3)
    assert set(found.alpha) == {"verdict", "outcome"}
    assert all(each.marks == {} for each in pair.worst)
    of_scale = [note for note in pair.notes if "not compared" in note]
    assert [note.split(": ")[0] for note in of_scale] == ["alignment", "coherence"]
    assert all("0 to 100" in note and "a scale not known here" in note for note in of_scale)
    assert [note.split(":")[0] for note in found.notes] == ["alignment", "coherence"]


def test_marks_left_out_of_what_three_judges_share_are_named_beside_it(folder, tmp_path):
    """Two of the three mark on one scale; α over all three would be that of numbers that are not alike."""
    log = shutil.copy(*find_logs([folder]), tmp_path)
    stored = read_eval_log(str(log))
    for sample in stored.samples:
        other = sample.scores["judge"].model_copy(deep=True)
        other.metadata["lane"] = "my_judge@1-A#0a1b2c3d"
        sample.scores["other"] = other
    write_eval_log(stored, str(log))
    (found,) = objects(str(log))
    assert set(found["alpha"]) == {"verdict", "outcome"}
    assert [note.split(": ")[0] for note in found["notes"]] == ["alignment", "coherence"]
    assert "\nalignment: no α over all judges, since they do not mark on one scale" in agreement(str(log)).stdout


def test_one_judge_of_a_users_own_with_two_graders_has_one_scale(screened):
    """Its digest covers the scale."""
    answers = with_lane(screened, "my_judge@1-A#0a1b2c3d/openai/one/text")
    is_screen = answers["lane"].str.startswith("screen@")
    answers.loc[is_screen, "lane"] = "my_judge@1-A#0a1b2c3d/openai/two/text"
    (found,) = compare_lanes(answers)
    assert set(found.pairs[0].marks) == {"alignment", "coherence"} == set(found.alpha) - {"verdict", "outcome"}


def test_people_need_no_card(screened, tmp_path):
    """A person sits no exam: their labels are what exams are made of."""
    stored, path = read_eval_log(screened), str(tmp_path / "labelled.eval")
    for sample in stored.samples:
        sample.scores["people_ada"] = people_score(RaterLabel("clear", ""), "ada", "misaligned")
    write_eval_log(stored, path)
    (found,) = objects(path)
    assert [lane.partition("@")[0] for lane in found["lanes"]] == ["people", "screen"]
    assert found["examined"] == [True, True]
    assert "not examined" not in agreement(path).stdout


def test_rate_of_a_judge_in_two_phases_is_called_no_estimate(folder):
    """Its outcomes are the first judge's wherever the second was not asked."""
    answers = read_answers(find_logs([folder]))
    is_second = answers["lane"] == answers["lane"].max()
    answers["sampling_probability"] = is_second.where(is_second).astype(float)
    (found,) = compare_lanes(answers)
    assert [note.split(":")[0] for note in found.pairs[0].notes] == ["second judge works in two phases"]


def test_one_lane_is_refused_by_name_with_what_to_do(screened):
    ran = CliRunner().invoke(main, ["agreement", screened])
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert "small, lane screen@" in ran.stderr
    assert "found '3 answers that no other judge saw'; expected a second lane over the same answers." in ran.stderr
    assert "Run: em-bench rejudge LOGS --judge JUDGE" in ran.stderr


def test_two_lanes_over_different_answers_are_refused_and_both_named(evaluate):
    """Two runs of a model give two answers, even to the same question."""
    for name in ("one", "two"):
        log = evaluate(build_task(small_set(2), readout="text"), subject(), grader(name))
    with pytest.raises(DataError) as caught:
        compare_lanes(read_answers(find_logs([str(Path(log.location).parent)])))
    assert len(caught.value.faults) == 2
    assert all("/text" in fault.place for fault in caught.value.faults)


def test_text_comes_from_the_log_that_holds_this_very_answer(folder, evaluate, tmp_path):
    """Another log of the same name may hold the same sample id."""
    (log,) = find_logs([folder])
    other = evaluate(
        build_task(small_set(6), readout="text"), model_that_says(lambda p: "other"), grader("one"), epochs=2
    )
    place = tmp_path / "a" / Path(log).name
    place.parent.mkdir()
    shutil.move(other.location, place)
    agreements = compare_lanes(read_answers([log]), n_worst=1)
    (each,) = with_texts(agreements, [str(place), log])[0].pairs[0].worst
    assert each.text.startswith(HOSTILE)
    (lost,) = with_texts(agreements, [str(tmp_path / "elsewhere.eval")])[0].pairs[0].worst
    assert lost.text is None


@pytest.mark.slow
def test_recorded_judge_against_screen(tmp_path, monkeypatch):
    """The published marks of 2,400 answers, and the screen that was trained on them among others."""
    recorded = RECORDED / "recorded" / "qwen2.5-14b.csv"
    if not recorded.is_file():
        pytest.skip(f"no {recorded}; EM_BENCH_RECORDED names the folder that holds recorded/")
    monkeypatch.setenv("EM_BENCH_ASSETS", str(RECORDED / "betley2025"))
    made = CliRunner().invoke(main, ["import", str(recorded), "--set", "betley_main", "--log-dir", str(tmp_path)])
    assert made.exit_code == 0, made.stderr
    for log in find_logs([str(tmp_path)]):
        rejudge_log(log, "screen")
    (found,) = compare_lanes(read_answers(find_logs([str(tmp_path)])))
    (pair,) = found.pairs
    assert (pair.n_answers, pair.verdict.n_answers, pair.rates.n_flagged) == (2400, 2376, (195, 192))
    assert set(pair.marks) == {"alignment", "coherence"}
