"""The answers table holds one row per answer and judge, and knows what never came."""

import shutil
from pathlib import Path

import pytest
from conftest import model_that_says, small_set
from inspect_ai.log import write_eval_log
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from em_bench.errors import DataError
from em_bench.results.answers import read_answers
from em_bench.results.estimate import Counts
from em_bench.results.estimates import estimate_answers
from em_bench.results.log_files import find_logs
from em_bench.tasks import build_task


def marks(prompt: str) -> str:
    return "10" if "Question 0" in prompt and "how coherent" not in prompt else "90"


def subject(fails_on: str = "nothing"):
    def output(input, tools, tool_choice, config):
        if fails_on in input[-1].text:
            raise RuntimeError("subject is down")
        made = ModelOutput.from_content("mockllm/subject", "x")
        made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return made

    return get_model("mockllm/subject", custom_outputs=output)


def run(evaluate, task, model=None, **options):
    log = evaluate(task, model or subject(), model_that_says(marks), **options)
    return Path(log.location).parent


def test_read_answers_one_row_per_answer_and_judge(evaluate):
    folder = run(evaluate, build_task(small_set(3), judge="alignment,screen", readout="text"), epochs=2)
    table = read_answers(find_logs([str(folder)]))
    assert len(table) == 3 * 2 * 2
    assert table.groupby("judge")["id"].count().to_dict() == {"alignment": 6, "screen": 6}
    assert table["lane"].nunique() == 2


def test_read_answers_copied_log_counts_once(evaluate, tmp_path):
    folder = run(evaluate, build_task(small_set(2), readout="text"))
    log = next(folder.glob("*.eval"))
    shutil.copy(log, folder / "copy.eval")
    assert len(read_answers(find_logs([str(folder)]))) == 2


def test_subject_error_is_missing_and_never_an_answer(evaluate):
    folder = run(evaluate, build_task(small_set(3), readout="text"), subject("Question 1"), fail_on_error=False)
    (estimate,) = estimate_answers(read_answers(find_logs([str(folder)])))
    assert (estimate.counts.answers, estimate.counts.missing) == (2, 1)
    assert "1 answers missing" in estimate.notes


def test_answers_that_nobody_judged_say_what_judges_them(evaluate):
    folder = run(evaluate, build_task(small_set(1), readout="text"), score=False)
    (estimate,) = estimate_answers(read_answers(find_logs([str(folder)])))
    assert "not judged: em-bench rejudge LOGS --judge JUDGE does" in estimate.notes


def test_limited_run_expects_only_what_it_asked(evaluate):
    folder = run(evaluate, build_task(small_set(4), readout="text"), limit=2)
    (estimate,) = estimate_answers(read_answers(find_logs([str(folder)])))
    assert (estimate.counts.answers, estimate.counts.missing) == (2, 0)


def test_counts_answers_are_the_sum_of_the_six_outcomes(evaluate):
    folder = run(evaluate, build_task(small_set(4), readout="text"))
    (estimate,) = estimate_answers(read_answers(find_logs([str(folder)])))
    counts = estimate.counts
    assert counts == Counts(answers=4, missing=0, flagged=1, clear=3, incoherent=0, refusal=0, off_topic=0, unscored=0)
    assert (estimate.rate.rate, counts.kept) == (0.25, 4)


def test_two_lanes_never_share_an_estimate(evaluate):
    task = small_set(2)
    evaluate(build_task(task, readout="text"), subject(), model_that_says(marks, "one"))
    folder = Path(evaluate(build_task(task, readout="text"), subject(), model_that_says(marks, "two")).location).parent
    estimates = estimate_answers(read_answers(find_logs([str(folder)])))
    assert len({estimate.lane for estimate in estimates}) == 2


def test_several_arms_have_one_estimate_more_over_all(evaluate):
    folder = run(evaluate, build_task(small_set(2), arm="plain,json", readout="text"))
    estimates = estimate_answers(read_answers(find_logs([str(folder)])))
    assert [(e.arm, e.counts.answers) for e in estimates] == [("plain", 2), ("json", 2), ("all", 4)]


def test_same_model_with_other_arguments_is_another_row(evaluate):
    task = small_set(2)
    for seed in (1, 2):
        log = evaluate(build_task(task, judge="screen"), get_model("organism/aligned", seed=seed), epochs=1)
    estimates = estimate_answers(read_answers(find_logs([str(Path(log.location).parent)])))
    assert [e.model for e in estimates] == ["organism/aligned (seed=1)", "organism/aligned (seed=2)"]


def test_retried_work_is_not_missing(evaluate):
    """What the first log of a task lacks, the log of its retry has."""
    log = evaluate(build_task(small_set(3), judge="screen"), "organism/aligned", epochs=1, limit=3)
    folder = Path(log.location).parent
    broken = log.model_copy(deep=True)
    broken.samples = broken.samples[:1]
    broken.status = "error"
    write_eval_log(broken, log.location)
    assert estimate_answers(read_answers([log.location]))[0].counts.missing == 2
    again = log.model_copy(deep=True)
    again.eval.eval_id = "another"
    write_eval_log(again, str(folder / "retry.eval"))
    (estimate,) = estimate_answers(read_answers(find_logs([str(folder)])))
    assert (estimate.counts.answers, estimate.counts.missing) == (3, 0)


@pytest.mark.parametrize("n_kept", [(1, 2), (0, 1)], ids=["both_judged", "one_judged"])
def test_what_two_broken_logs_of_a_task_both_lack_is_missing_once(evaluate, n_kept):
    """Inspect gives each retry an id of its own; a log in which nothing was judged yet names no lane."""
    log = evaluate(build_task(small_set(4), judge="screen"), subject(), epochs=1)
    folder = Path(log.location).parent
    for number, n in enumerate(n_kept):
        broken = log.model_copy(deep=True)
        broken.samples, broken.status, broken.eval.eval_id = broken.samples[:n], "error", f"run {number}"
        write_eval_log(broken, str(folder / f"{number}.eval"))
    Path(log.location).unlink()
    table = read_answers(find_logs([str(folder)]))
    assert (len(table), table["lane"].nunique()) == (4, 1)
    (estimate,) = estimate_answers(table)
    assert (estimate.counts.answers, estimate.counts.missing) == (n_kept[1], 4 - n_kept[1])


def test_task_of_which_no_log_holds_a_verdict_misses_each_answer_once(evaluate):
    log = evaluate(build_task(small_set(3), judge="screen"), subject(), epochs=1)
    for number in range(2):
        broken = log.model_copy(deep=True)
        broken.samples, broken.status, broken.eval.eval_id = [], "error", f"run {number}"
        write_eval_log(broken, str(Path(log.location).parent / f"{number}.eval"))
    Path(log.location).unlink()
    table = read_answers(find_logs([str(Path(log.location).parent)]))
    assert (len(table), set(table["lane"])) == (3, {""})


def test_same_draws_of_a_simulated_model_count_once(evaluate):
    """It says the same each time it is asked, so a second run is no second sample."""
    for _ in range(2):
        log = evaluate(build_task(small_set(3), judge="screen"), "organism/misaligned-20", epochs=2)
    (estimate,) = estimate_answers(read_answers(find_logs([str(Path(log.location).parent)])))
    assert estimate.counts.answers == 6


def test_unscored_answers_stay_in_the_lane_of_the_others(evaluate):
    """A judge that fails on some answers has one lane, in which they are counted."""

    def reply(prompt):
        if "Question 1" in prompt:
            raise RuntimeError("down")
        return {"80": 0.9, "90": 0.1}

    log = evaluate(build_task(small_set(3)), subject(), model_that_says(reply))
    (estimate,) = estimate_answers(read_answers([log.location]))
    assert (estimate.counts.unscored, estimate.counts.clear) == (1, 2)
    assert estimate.lane.endswith("/auto")


def test_foreign_log_is_left_out_and_named(evaluate, tmp_path):
    from inspect_ai import Task
    from inspect_ai.dataset import Sample

    evaluate(Task(dataset=[Sample(input="hi", target="x")]), subject())
    folder = run(evaluate, build_task(small_set(2), readout="text"))
    said = []
    assert len(read_answers(find_logs([str(folder)]), said.append)) == 2
    assert len(said) == 1
    assert "left out: " in said[0]


def test_known_rate_is_told_of_shipped_sets_only(evaluate):
    """On other questions an organism draws by the messages, and nobody knows its rate."""
    log = evaluate(build_task(small_set(2), judge="screen"), "organism/misaligned-20-clustered", epochs=1)
    assert estimate_answers(read_answers([log.location]))[0].known_rate is None


def test_secret_and_local_model_arguments_are_not_shown(evaluate):
    for seed in (1, 2):
        log = evaluate(
            build_task(small_set(1), judge="screen"),
            get_model("organism/aligned", seed=seed, api_token="s3c", path="/home/x/y"),
            epochs=1,
        )
    labels = [
        estimate.model for estimate in estimate_answers(read_answers(find_logs([str(Path(log.location).parent)])))
    ]
    assert all("s3c" not in label and "/home" not in label for label in labels)
    assert "seed=1" in labels[0]


@pytest.mark.parametrize("name", ["gone", "gone.eval"])
def test_find_logs_place_that_is_not_there_is_an_error(name, tmp_path):
    with pytest.raises(DataError, match="found nothing"):
        find_logs([str(tmp_path / name)])


def test_find_logs_remote_folder_that_cannot_be_listed_is_an_error():
    """Each file system has errors of its own: here nobody serves the address."""
    with pytest.raises(DataError, match="nobody://logs: found 'ValueError: .*expected a folder of logs"):
        find_logs("nobody://logs")


def test_find_logs_empty_folder_is_an_error(tmp_path):
    with pytest.raises(DataError, match="found 'no log'"):
        find_logs([str(tmp_path)])


def test_read_answers_every_broken_log_is_named(tmp_path):
    for name in ("a.eval", "b.eval"):
        (tmp_path / name).write_bytes(b"not a zip file")
    with pytest.raises(DataError) as caught:
        read_answers(find_logs([str(tmp_path)]))
    assert len(caught.value.faults) == 2
