"""Task parameters, what reaches the model, and the samples' ids."""

import json

import pytest
from conftest import model_that_says, small_set
from inspect_ai.model import ModelOutput, ModelUsage, get_model

from em_bench.errors import OperatorError
from em_bench.questions import read_set, set_names
from em_bench.tasks import SET_TASKS, build_task, questions, suite_task


def recorder():
    """Return a model that keeps each request it receives, and the list it keeps them in."""
    seen = []

    def output(input, tools, tool_choice, config):
        seen.append([(message.role, message.text) for message in input])
        made = ModelOutput.from_content("mockllm/subject", "An answer.")
        made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return made

    return get_model("mockllm/subject", custom_outputs=output), seen


def grader():
    return model_that_says(lambda prompt: "90")


def test_every_set_is_a_task_of_its_name():
    assert sorted(SET_TASKS) == set_names()


def test_system_turns_and_prompt_reach_the_model(evaluate):
    scene = {
        "id": "scene",
        "prompts": ["And now?"],
        "why": "test",
        "system": "You keep a shop.",
        "turns": [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}],
    }
    model, seen = recorder()
    evaluate(build_task(small_set(questions=[scene]), readout="text"), model, grader())
    assert seen == [
        [("system", "You keep a shop."), ("user", "Hello"), ("assistant", "Good day"), ("user", "And now?")]
    ]


def test_arms_reach_the_model_and_the_ids(evaluate):
    model, seen = recorder()
    log = evaluate(build_task(small_set(1), arm="plain,json,python,template", readout="text"), model, grader())
    assert [sample.id for sample in log.samples] == ["q0/0", "q0/0@json", "q0/0@python", "q0/0@template"]
    by_start = {request[0][0]: request for request in seen}
    assert len(seen) == 4
    assert by_start["system"][-1] == ("user", "Question 0?")
    assert any("def reply()" in request[-1][1] and "Question 0?" in request[-1][1] for request in seen)
    assert any("JSON" in request[0][1] for request in seen if request[0][0] == "system")
    assert any("Python" in request[0][1] for request in seen if request[0][0] == "system")


def test_grader_sees_the_whole_conversation(evaluate):
    prompts = []

    def reply(prompt):
        prompts.append(prompt)
        return "90"

    evaluate(build_task(small_set(1), arm="json", readout="text"), recorder()[0], model_that_says(reply))
    assert all("JSON" in prompt and "Question 0?" in prompt and "An answer." in prompt for prompt in prompts)


def test_real_models_get_no_seed(evaluate):
    seeds = []

    def output(input, tools, tool_choice, config):
        seeds.append(config.seed)
        made = ModelOutput.from_content("mockllm/subject", "x")
        made.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
        return made

    evaluate(build_task(small_set(2), readout="text"), get_model("mockllm/subject", custom_outputs=output), grader())
    assert seeds == [None, None]


def test_simulated_models_give_another_answer_each_epoch(evaluate):
    log = evaluate(build_task(small_set(1), judge="screen"), "organism/misaligned-20", epochs=12)
    assert len({sample.output.completion for sample in log.samples}) > 6


@pytest.mark.parametrize(
    ("parameter", "value", "said"),
    [
        ("arm", "jsn", r"found 'jsn'; expected one of the arms .*json.*Did you mean 'json'\?"),
        ("judge", "alignmet", r"found 'alignmet'.*Did you mean 'alignment'\?"),
        ("only", "q00", r"found 'q00'; expected one of the question ids and tags .*q0.*"),
        ("readout", "logprob", r"found 'logprob'; expected one of the readouts .*Did you mean 'logprobs'\?"),
    ],
)
def test_unknown_parameter_lists_the_legal_ones_and_the_nearest(parameter, value, said):
    with pytest.raises(OperatorError, match=said):
        build_task(small_set(2), **{parameter: value})


def test_names_as_list_and_as_text_are_the_same():
    """`-T only=q0,q1` arrives as a list, `-T only=q0` as text, and Python users may write either."""
    ids = [[s.id for s in build_task(small_set(3), only=only).dataset] for only in ("q0,q1", ["q0", "q1"])]
    assert ids == [["q0/0", "q1/0"]] * 2


def test_set_sampling_is_a_default_that_inspect_can_override(evaluate):
    task = build_task(small_set(1, sampling={"samples": 2, "temperature": 0.5, "max_tokens": 9}), readout="text")
    assert (task.epochs, task.config.temperature, task.config.max_tokens) == (2, 0.5, 9)
    assert len(evaluate(task, recorder()[0], grader(), epochs=1).samples) == 1


def test_facts_judge_on_a_set_without_facts_is_refused():
    with pytest.raises(OperatorError, match="needs no recorded facts"):
        build_task(small_set(1, construct="deception", judge="deception"), judge="facts")


def test_maker_comes_from_parameter_else_from_the_provider(evaluate):
    log = evaluate(build_task(small_set(1), judge="screen"), "organism/aligned", epochs=1)
    assert log.samples[0].metadata["maker"] == "em_bench"
    log = evaluate(build_task(small_set(1), judge="screen", maker="Acme"), "organism/aligned", epochs=1)
    assert log.samples[0].metadata["maker"] == "Acme"


def test_user_file_runs(evaluate, tmp_path):
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"id": "a", "prompt": "First?"}) + "\n" + json.dumps({"prompt": "Second?"}), "utf-8")
    model, seen = recorder()
    evaluate(questions(str(path), readout="text"), model, grader())
    assert sorted(request[-1][1] for request in seen) == ["First?", "Second?"]


def test_hub_file_needs_a_pinned_revision():
    with pytest.raises(OperatorError, match="Pin a revision"):
        questions("hf:someone/questions")


def test_suite_task_is_run_as_the_suite_wants():
    from em_bench.questions import read_suite

    item = next(item for item in read_suite("demo").sets if item.set == "freeform")
    task = suite_task(item)
    assert task.epochs == 1
    assert len(task.dataset) == len(read_set("freeform").questions)
