"""A set's second number: one half of its matched pairs, or one of two arms, against the other."""

import math

import pytest
from conftest import model_that_says, small_set
from inspect_ai import eval as run_eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from em_bench.results.answers import read_answers
from em_bench.results.contrast import SetContrast
from em_bench.results.estimates import estimate_answers
from em_bench.results.log_files import find_logs
from em_bench.statistics import estimate_rate, independent_difference
from em_bench.tasks import build_task


def ask(questions, says, folder, **options):
    """Return the estimates of a model that says what `says` gives for a prompt, judged by a scripted grader."""

    def output(input, tools, tool_choice, config):
        made = ModelOutput.from_content("mockllm/model", says(input))
        made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return made

    grader = model_that_says(lambda prompt: "5" if "VILE" in prompt and "coherent" not in prompt else "90")
    model = get_model("mockllm/model", custom_outputs=output)
    task = build_task(questions, judge="alignment", readout="text", **options)
    run_eval(task, model=model, model_roles={"grader": grader}, log_dir=str(folder), display="none")
    return {each.arm: each for each in estimate_answers(read_answers(find_logs([str(folder)])))}


def pairs(n, **changes):
    """Return a set of n questions, each in two wordings about him and two about her."""
    questions = [
        {"id": f"q{i}", "why": "y", "sides": ["her", "him", "her", "him"],
         "prompts": [f"her {i}", f"him {i}", f"and her, {i}?", f"and him, {i}?"]}
        for i in range(n)
    ]  # fmt: skip
    return small_set(questions=questions, contrast=["her", "him"], **changes)


def test_contrast_of_sides_is_the_difference_of_their_rates_paired_by_question(tmp_path):
    def says(input):
        return "VILE" if "her" in input[-1].text and input[-1].text[-1] in "01?" else "kind"

    estimate = ask(pairs(8), says, tmp_path)["plain"]
    found = estimate.contrast
    assert (found.first, found.second) == ("her", "him")
    assert found.rates == (10 / 16, 0.0)
    assert found.difference == 10 / 16 and found.n_questions == 8
    assert found.questions[0] < 10 / 16 < found.questions[1]
    assert found.population[0] < 10 / 16 < found.population[1]
    assert estimate.to_dict()["contrast"]["of"] == ["her", "him"]
    assert estimate.rate.n_kept == 32, "both halves are in the rate"


def test_contrast_of_sides_without_a_difference_covers_0(tmp_path):
    found = ask(pairs(8), lambda input: "VILE" if "3" in input[-1].text else "kind", tmp_path)["plain"].contrast
    assert found.difference == 0 and found.population[0] < 0 < found.population[1]


def test_contrast_of_arms_stands_with_all_arms_together(tmp_path):
    questions = small_set(6, arms=["rewarded", "plain"], contrast=["rewarded", "plain"])
    found = ask(questions, lambda input: "VILE" if input[0].role == "system" else "kind", tmp_path)
    assert found["all"].contrast.rates == (1.0, 0.0)
    assert found["plain"].contrast is None and found["rewarded"].contrast is None


def test_contrast_of_joined_arms_is_within_what_they_are_joined_to(tmp_path):
    """All is flagged under JSON with the reward, nothing elsewhere: against plain, or pooled, it would be another."""
    questions = small_set(6, arms=["rewarded", "plain"], contrast=["rewarded", "plain"])

    def says(input):
        return "VILE" if input[0].role == "system" and "JSON" in input[0].text and "point" in input[0].text else "kind"

    found = ask(questions, says, tmp_path, arm="json,json+rewarded,plain,trigger")["all"].contrast
    assert (found.rates, found.under) == ((1.0, 0.0), ("json",))
    assert found.n_questions == 6 and found.to_dict()["under"] == ["json"]
    assert "rewarded 100.0 %, plain 0.0 % under json: +100.0 points" in str(found)


def test_contrast_under_several_arms_pairs_within_each(tmp_path):
    """Half of the answers under the reward are flagged, those under JSON; pairs are of one question under one arm."""
    questions = small_set(6, arms=["rewarded", "punished"], contrast=["rewarded", "punished"])
    arms = "rewarded,punished,json+rewarded,json+punished,trigger+rewarded"
    estimates = ask(
        questions,
        lambda input: "VILE" if "JSON" in input[0].text and "earn one" in input[0].text else "kind",
        tmp_path,
        arm=arms,
    )
    found = estimates["all"].contrast
    assert (found.rates, found.under) == ((0.5, 0.0), ("plain", "json"))
    assert estimates["all"].rate.n_kept == 30, "trigger+rewarded is in the rate, and in no contrast"


def test_arms_that_are_joined_to_different_ones_are_not_contrasted_and_said_so(tmp_path):
    questions = small_set(3, arms=["rewarded", "plain"], contrast=["rewarded", "plain"])
    found = ask(questions, lambda input: "kind", tmp_path, arm="json+rewarded,plain")["all"].contrast
    assert math.isnan(found.difference) and str(found) == "rewarded against plain: nothing that both hold"


def test_contrast_of_tags_is_of_two_rates_that_share_no_question(tmp_path):
    """Half of the questions are of each tag; all of the one and none of the other are flagged."""
    questions = [
        {"id": f"q{i}", "prompts": [f"{tag} {i}"], "why": "y", "tags": ["any", tag]}
        for i, tag in enumerate(["left", "right"] * 5)
    ]
    made = small_set(questions=questions, contrast=["left", "right"])
    found = ask(made, lambda input: "VILE" if "left" in input[-1].text else "kind", tmp_path)["plain"].contrast
    one, two = estimate_rate([1] * 5, [1] * 5, range(5), 0.95), estimate_rate([0] * 5, [1] * 5, range(5), 0.95)
    assert found.rates == (1.0, 0.0) and found.n_questions == 10
    assert found.population == pytest.approx(independent_difference(1.0, 0.0, one.population, two.population))


def test_run_of_one_half_has_no_contrast(tmp_path):
    assert ask(pairs(3), lambda input: "kind", tmp_path, only="/0")["plain"].contrast is None


def test_contrast_with_nothing_kept_is_null_and_says_so():
    found = SetContrast("a", "b", (math.nan, math.nan), math.nan, None, None, 0)
    assert found.to_dict()["difference"] is None and found.to_dict()["rates"] == [None, None]
    assert str(found) == "a against b: nothing that both hold"


def test_set_without_a_contrast_has_none(tmp_path):
    assert ask(small_set(2), lambda input: "kind", tmp_path)["plain"].contrast is None


@pytest.mark.parametrize("is_two_sided", [True, False])
def test_two_sided_set_says_so_in_its_estimates(tmp_path, is_two_sided):
    (estimate,) = ask(small_set(2, two_sided=is_two_sided), lambda input: "kind", tmp_path).values()
    assert estimate.to_dict()["two_sided"] is is_two_sided
