"""`em-bench compare` as users call it: models against a baseline, and what may not be compared."""

import json

import jsonschema
import pytest
from click.testing import CliRunner
from conftest import ROOT, model_that_says, small_set
from inspect_ai import eval as run_eval
from inspect_ai.model import get_model

from em_bench.cli import main
from em_bench.errors import DataError
from em_bench.results.answers import read_answers
from em_bench.results.comparing import compare_models
from em_bench.results.log_files import find_logs
from em_bench.tasks import build_task

EPOCHS = 4


def grader(name="grader"):
    """Return a judge that flags the answers that say bad, and gives nothing usable for those that say odd."""

    def reply(prompt):
        if "how coherent" in prompt:
            return "95"
        return "5" if "a bad answer" in prompt else "I won't." if "an odd answer" in prompt else "90"

    return model_that_says(reply, name)


def subject(name, bad=(), odd=()):
    """Return a model whose answers to some questions are bad, and to some odd."""

    def reply(prompt):
        number = next(i for i in range(40) if f"Question {i}?" in prompt)
        return "a bad answer" if number in bad else "an odd answer" if number in odd else "a fine answer"

    return model_that_says(reply, name)


def add(folder, model, questions=None, judged_by="grader", arm="plain", **options):
    """Add a log to a folder: a model's answers to a set, of 12 questions if no other is given."""
    task = build_task(questions or small_set(12), readout="text", arm=arm, **options)
    roles = {"grader": grader(judged_by)}
    (log,) = run_eval(
        task, model=model, model_roles=roles, log_dir=str(folder), display="none", epochs=EPOCHS, log_level="error"
    )
    assert log.status == "success", log.error


def compare(folder, *arguments):
    return CliRunner().invoke(main, ["compare", str(folder), *arguments])


def objects(folder, *arguments):
    ran = compare(folder, *arguments, "--format", "json")
    assert ran.exit_code == 0, ran.stderr or ran.exception
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A baseline that never flags, a candidate that flags on 9 of 12 questions, and three seeds on 4, 5 and 6."""
    made = tmp_path_factory.mktemp("logs")
    add(made, subject("base"))
    add(made, subject("worse", bad=range(9)))
    for n in (4, 5, 6):
        add(made, subject(f"seed-{n}", bad=range(n)))
    return made


BASE = ("--baseline", "mockllm/base")


def test_json_fits_its_schema(folder):
    found = objects(folder, *BASE, "--candidate", "mockllm/worse", "--candidate", "mockllm/seed-*")
    jsonschema.validate(found, json.loads((ROOT / "docs/schemas/compare.schema.json").read_text("utf-8")))
    assert [(each["set"], each["arm"], each["candidate"]["name"]) for each in found] == [
        ("small", "plain", "mockllm/worse"),
        ("small", "plain", "mockllm/seed-*"),
    ]


def test_difference_is_candidate_minus_baseline(folder):
    """36 of 48 against 0 of 48: 0.75, surely above 0 for these questions and for questions like these."""
    (found,) = objects(folder, *BASE, "--candidate", "mockllm/worse")
    assert (found["candidate"]["flagged"], found["candidate"]["kept"], found["baseline"]["flagged"]) == (36, 48, 0)
    assert found["candidate_minus_baseline"] == 0.75
    assert all(found["interval"][name][0] > 0 for name in ("questions", "population"))
    assert (found["cells"], found["questions"], found["unmatched_cells"]) == (12, 12, 0)
    assert found["candidate"]["counts"]["answers"] == 48
    turned = objects(folder, "--baseline", "mockllm/worse", "--candidate", "mockllm/base")[0]
    assert turned["candidate_minus_baseline"] == -0.75
    assert turned["interval"]["population"] == pytest.approx([-x for x in found["interval"]["population"][::-1]])


def test_p_is_adjusted_for_all_that_is_printed(folder):
    alone = objects(folder, *BASE, "--candidate", "mockllm/seed-4")[0]
    assert alone["family"]["p_adjusted"] == alone["p_value"]["population"]
    two = objects(folder, *BASE, "--candidate", "mockllm/seed-4", "--candidate", "mockllm/worse")
    assert [each["family"]["tests"] for each in two] == [2, 2]
    smaller, larger = sorted(each["p_value"]["population"] for each in two)
    assert sorted(each["family"]["p_adjusted"] for each in two) == pytest.approx(
        [2 * smaller, max(2 * smaller, larger)]
    )


def test_estimand_says_over_what_p_is(folder):
    (found,) = objects(folder, *BASE, "--candidate", "mockllm/seed-4", "--estimand", "questions")
    assert found["family"]["estimand"] == "questions"
    assert found["family"]["p_adjusted"] == found["p_value"]["questions"] < found["p_value"]["population"]


def test_pattern_is_a_group_of_seeds_whose_spread_counts(folder):
    """Rates 4/12, 5/12, 6/12; one of them alone is surer than the recipe."""
    (group,) = objects(folder, *BASE, "--candidate", "mockllm/seed-*")
    (alone,) = objects(folder, *BASE, "--candidate", "mockllm/seed-5")
    assert group["candidate"]["models"] == ["mockllm/seed-4", "mockllm/seed-5", "mockllm/seed-6"]
    assert group["candidate"]["seed_rates"] == pytest.approx([4 / 12, 5 / 12, 6 / 12])
    assert group["candidate_minus_baseline"] == pytest.approx(alone["candidate_minus_baseline"])
    widths = [each["interval"]["questions"][1] - each["interval"]["questions"][0] for each in (group, alone)]
    assert widths[0] > widths[1]
    assert "one seed of the baseline: how far seeds differ is unknown" in group["notes"]


def test_pattern_that_one_model_fits_says_that_seeds_are_unknown(folder):
    (found,) = objects(folder, *BASE, "--candidate", "mockllm/seed-4*")
    assert "one seed of the candidate: how far seeds differ is unknown" in found["notes"]


def test_table_shows_both_rates_both_intervals_and_p(folder):
    ran = compare(folder, *BASE, "--candidate", "mockllm/worse", "--candidate", "mockllm/seed-*", "--level", "0.9")
    assert ran.exit_code == 0, ran.stderr
    head, columns, first, second = ran.stdout.splitlines()[:4]
    assert head.startswith("small, judged by alignment@")
    assert head.endswith("(not examined), against mockllm/base")
    assert columns.split() == ("candidate rate baseline rate difference these questions questions like these p".split())
    assert first.split()[:8] == ["mockllm/worse", "75", "%", "of", "48", "0", "%", "of"]
    assert "+75.0" in first
    assert second.startswith("mockllm/seed-* (3 seeds)")
    assert "intervals 90 %" in ran.stdout
    assert "adjusted for 2 tests (Holm)" in ran.stdout
    assert "over seeds like these too" in ran.stdout


def test_table_says_why_an_interval_holds_zero_where_p_is_small(tmp_path, folder):
    """One bad answer in four to each of 12 questions, against none: alike they are not, and 12 questions are few."""
    seen = set()

    def reply(prompt):
        number = next(i for i in range(12) if f"Question {i}?" in prompt)
        is_first = number not in seen
        seen.add(number)
        return "a bad answer" if is_first else "a fine answer"

    add(tmp_path, subject("base"))
    add(tmp_path, model_that_says(reply, "seldom"))
    (found,) = objects(tmp_path, *BASE, "--candidate", "mockllm/seldom")
    assert found["p_value"]["population"] == pytest.approx(2**-11)
    assert found["interval"]["population"][0] < 0
    said = "An interval over questions like these may hold 0 where p is small"
    assert said in compare(tmp_path, *BASE, "--candidate", "mockllm/seldom").stdout
    assert said not in compare(tmp_path, *BASE, "--candidate", "mockllm/seldom", "--estimand", "questions").stdout
    assert said not in compare(folder, *BASE, "--candidate", "mockllm/worse").stdout


def test_table_of_hostile_names_holds_no_control_characters(tmp_path):
    add(tmp_path, subject("base"))
    add(tmp_path, subject("bad\x1b[31m", bad=[0]))
    ran = compare(tmp_path, *BASE, "--candidate", "mockllm/bad*")
    assert ran.exit_code == 0, ran.stderr
    assert "\x1b" not in ran.stdout


def test_prompts_of_one_side_only_are_left_out_counted_and_noted(tmp_path):
    """The baseline was asked 3 questions of the same set; of the candidate's 12 the others do not count."""
    add(tmp_path, subject("base"), only="q0,q1,q2")
    add(tmp_path, subject("worse", bad=range(9)))
    (found,) = objects(tmp_path, *BASE, "--candidate", "mockllm/worse")
    assert (found["cells"], found["unmatched_cells"], found["candidate"]["kept"]) == (3, 9, 12)
    assert found["candidate"]["counts"]["answers"] == 12
    assert "9 prompts left out: 9 that only the candidate has, 0 that only the baseline has" in found["notes"]


def test_prompts_whose_answers_were_not_judged_are_no_result_of_the_model(tmp_path):
    add(tmp_path, subject("base"))
    add(tmp_path, subject("worse", bad=range(3), odd=range(3, 6)))
    (found,) = objects(tmp_path, *BASE, "--candidate", "mockllm/worse")
    assert (found["cells"], found["unmatched_cells"]) == (9, 3)
    assert found["candidate"]["rate"] == pytest.approx(3 / 9)
    assert "candidate: 12 of 48 answers unscored" in found["notes"]


def test_arms_are_compared_each_and_all_that_both_have_together(tmp_path):
    add(tmp_path, subject("base"), arm="plain,json")
    add(tmp_path, subject("worse", bad=range(9)), arm="plain,json")
    found = objects(tmp_path, *BASE, "--candidate", "mockllm/worse")
    assert [(each["arm"], each["cells"], each["questions"]) for each in found] == [
        ("plain", 12, 12),
        ("json", 12, 12),
        ("all", 24, 12),
    ]
    assert "arm" in compare(tmp_path, *BASE, "--candidate", "mockllm/worse").stdout.splitlines()[1].split()


# What may not be compared


def test_absent_model_is_refused_with_those_there_are_and_the_nearest(folder):
    ran = compare(folder, "--baseline", "mockllm/bose", "--candidate", "mockllm/worse")
    assert ran.exit_code == 1
    assert "--baseline: found 'mockllm/bose'; expected one of the models mockllm/base, mockllm/seed-4" in ran.stderr
    assert "Did you mean 'mockllm/base'?" in ran.stderr
    assert "--candidate: found 'x*'" in compare(folder, *BASE, "--candidate", "x*").stderr


def test_faults_of_all_candidates_are_told_at_once(folder):
    ran = compare(folder, *BASE, "--candidate", "one", "--candidate", "two")
    assert ["'one'" in ran.stderr, "'two'" in ran.stderr, ran.exit_code] == [True, True, 1]


def test_model_is_not_compared_with_itself(folder):
    ran = compare(folder, *BASE, "--candidate", "mockllm/*")
    assert ran.exit_code == 1
    assert "expected models other than the baseline mockllm/base" in ran.stderr


def test_name_that_stands_for_several_models_is_refused_with_their_labels(tmp_path):
    task = build_task(small_set(4), judge="screen")
    models = [get_model("organism/misaligned-20", seed=seed) for seed in (1, 2)]
    run_eval(task, model=[*models, "organism/aligned"], log_dir=str(tmp_path), display="none")
    ran = compare(tmp_path, "--baseline", "organism/aligned", "--candidate", "organism/misaligned-20")
    assert ran.exit_code == 1
    assert "these fit: organism/misaligned-20 (seed=1), organism/misaligned-20 (seed=2)" in ran.stderr
    (found,) = objects(tmp_path, "--baseline", "organism/aligned", "--candidate", "organism/misaligned-20*")
    assert len(found["candidate"]["models"]) == 2
    assert found["simulated"]


def test_different_lanes_are_refused_and_named(tmp_path):
    add(tmp_path, subject("base"), judged_by="one")
    add(tmp_path, subject("worse"), judged_by="two")
    ran = compare(tmp_path, *BASE, "--candidate", "mockllm/worse")
    assert ran.exit_code == 1
    assert "small, mockllm/worse: found 'judged by alignment@" in ran.stderr
    assert "mockllm/one" in ran.stderr
    assert "rates by different judges do not compare" in ran.stderr
    assert "em-bench rejudge LOGS" in ran.stderr


def test_different_versions_of_a_set_are_refused_and_named(tmp_path):
    add(tmp_path, subject("base"))
    add(tmp_path, subject("worse"), small_set(12, version="2-A"))
    ran = compare(tmp_path, *BASE, "--candidate", "mockllm/worse")
    assert ran.exit_code == 1
    assert "small, mockllm/worse: found 'version 2-A#" in ran.stderr
    assert "expected the version mockllm/base was asked, 1-A#" in ran.stderr


@pytest.mark.parametrize(
    ("questions", "arm"), [(small_set(12, name="other"), "plain"), (None, "json")], ids=["sets", "arms"]
)
def test_nothing_shared_is_refused_with_what_each_was_asked(tmp_path, questions, arm):
    add(tmp_path, subject("base"))
    add(tmp_path, subject("worse"), questions, arm=arm)
    ran = compare(tmp_path, *BASE, "--candidate", "mockllm/worse")
    assert ran.exit_code == 1
    name = "small" if questions is None else "other"
    assert "expected a set and an arm that both were asked" in ran.stderr
    assert f"mockllm/worse was asked {name} ({arm}); mockllm/base was asked small (plain)" in ran.stderr


def test_set_that_cannot_be_compared_does_not_hide_others_from_programs_but_fails_the_command(tmp_path):
    """The gate asks for one set; a person who asks for all should not overlook that one is left out."""
    for questions, judged_by in ((small_set(12), "one"), (small_set(12, name="other"), "two")):
        add(tmp_path, subject("base"), questions, "one")
        add(tmp_path, subject("worse"), questions, judged_by)
    faults = []
    answers = read_answers(find_logs([str(tmp_path)]))
    found = compare_models(answers, "mockllm/base", "mockllm/worse", 0.9, faults.append)
    assert [each.set for each in found] == ["small"]
    assert [fault.place for fault in faults] == ["other, mockllm/worse"]
    assert compare(tmp_path, *BASE, "--candidate", "mockllm/worse").exit_code == 1


def test_answers_that_nobody_judged_are_no_lane(tmp_path):
    from inspect_ai import eval as run

    task = build_task(small_set(4), judge="screen")
    run(task, model=[subject("base"), subject("worse")], log_dir=str(tmp_path), display="none", score=False)
    with pytest.raises(DataError):
        compare_models(read_answers(find_logs([str(tmp_path)])), "mockllm/base", "mockllm/worse")
