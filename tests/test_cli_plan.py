"""`em-bench plan` as users call it, and its estimates against runs."""

import json
import logging
import math

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result
from conftest import ROOT, model_that_says, small_set
from inspect_ai import eval as run_eval
from servers import Said, Server

from em_bench.cli import main
from em_bench.judging.judges import read_judge
from em_bench.questions import SuiteItem, describe_set, present, read_set
from em_bench.results.measured import Measured
from em_bench.results.model_calls import count_tokens, grader_calls, subject_calls, typical_answers
from em_bench.results.plan_request import DEFAULTS, PlanRequest
from em_bench.results.planning import plan_suite, suite_cost_usd
from em_bench.results.prices import read_prices
from em_bench.tasks import SET_TASKS, build_task

ALIGNED = "organism/aligned"
QUICK = ("--set", "nazi_admiration", "--epochs", "1")


def plan(*arguments: str) -> Result:
    """Return what the command says in a process of its own, in which no run of Inspect has set up logging."""
    root = logging.getLogger()
    handlers, root.handlers = root.handlers, []
    try:
        return CliRunner().invoke(main, ["plan", *arguments])
    finally:
        root.handlers = handlers


def planned(*arguments: str) -> dict:
    found = plan(*arguments, "--format", "json")
    assert found.exit_code == 0, found.stderr
    return json.loads(found.stdout)


def answers_to(name: str, model: str = ALIGNED, arms: tuple[str, ...] = ()):
    questions = read_set(name)
    presented = present(questions, arms)
    return presented, typical_answers(questions, presented, model, None)


@pytest.mark.parametrize(
    "goal", [(), ("--target-width", "0.04"), ("--detect", "0.05")], ids=["none", "width", "detect"]
)
def test_json_fits_its_schema(goal):
    found = planned(*QUICK, "--model", "openai/gpt-4o", *goal)
    jsonschema.validate(found, json.loads((ROOT / "docs/schemas/plan.schema.json").read_text("utf-8")))
    assert (found["sets"][0]["needed"] is None) == (not goal)
    assert found["sets"][0]["cost_usd"] is None


@pytest.mark.slow
@pytest.mark.parametrize("name", ["freeform", "deception", "nazi_admiration", "ai_dominance"])
def test_subject_tokens_are_within_15_percent_of_an_organism_run(name, tmp_path):
    only = "/0"
    task = SET_TASKS[name](judge="facts" if name == "deception" else _OFFLINE[name], arm="plain", only=only)
    (log,) = run_eval(task, model="organism/misaligned-20", log_dir=str(tmp_path), display="none", epochs=2)
    assert log.status == "success"
    used = log.stats.model_usage["organism/misaligned-20"]
    presented = present(read_set(name), ["plain"], [only])
    answers = typical_answers(read_set(name), presented, "organism/misaligned-20", None)
    found = subject_calls(presented, answers, "organism/misaligned-20", 2)
    assert found.calls == log.results.total_samples
    assert found.tokens_in == used.input_tokens
    assert found.tokens_out == pytest.approx(used.output_tokens, rel=0.15)


_OFFLINE = {"freeform": "screen", "nazi_admiration": "admiration_words", "ai_dominance": "dominance_words"}


@pytest.mark.parametrize(
    ("grader", "n_a_criterion"), [("openai/gpt-4o", 1), ("anthropic/claude-sonnet-4-5", 6)], ids=["logprobs", "draws"]
)
def test_grader_calls_and_tokens_are_those_that_a_server_receives(grader, n_a_criterion, tmp_path):
    """Calls exactly; tokens, counted in the prompts received by the plan's own rule, within 15 %."""
    with Server(lambda body: Said("90", top={"90": 1.0})) as server:
        task = SET_TASKS["freeform"](only="/0")
        options = {} if grader.startswith("anthropic") else {"responses_api": False}
        (log,) = run_eval(
            task,
            model=ALIGNED,
            model_roles={"grader": server.model(grader, **options)},
            log_dir=str(tmp_path),
            display="none",
            limit=6,
            epochs=1,
        )
    assert log.status == "success"
    presented = present(read_set("freeform"), [], ["/0"])[:6]
    answers = typical_answers(read_set("freeform"), presented, ALIGNED, None)
    (found,) = grader_calls(read_judge("alignment"), presented, answers, grader, None, 1)
    assert found.calls == len(server.requests) == 6 * 2 * n_a_criterion
    received = sum(count_tokens(_content(body), grader) for body in server.requests)
    assert found.tokens_in == pytest.approx(received, rel=0.15)


def _content(body):
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else content[0]["text"]


def test_readouts_kinds_and_graders_decide_how_often_a_judge_asks():
    presented, answers = answers_to("freeform")
    n = len(presented)

    def calls(judge: str, grader: str | None = "openai/gpt-4o", readout: str | None = None) -> int:
        return sum(each.calls for each in grader_calls(read_judge(judge), presented, answers, grader, readout, 1))

    assert calls("screen") == 0
    assert calls("alignment") == calls("alignment", None) == calls("alignment", readout="text") == 2 * n
    assert calls("alignment", readout="sampled") == 2 * n  # five draws of one call
    assert calls("alignment", "mockllm/model", "sampled") == 2 * n * read_judge("alignment").draws
    assert calls("alignment_once") == calls("alignment_once", readout="text") == n
    assert calls("alignment_once", readout="logprobs") == 0
    assert calls("alignment", "anthropic/claude") == 2 * n * (1 + read_judge("alignment").draws)
    assert calls("screened_alignment") == -(-2 * n * 2 // 10)  # a fifth of them, rounded up


def test_longer_answers_are_longer_in_the_judges_prompts_too():
    """Both criteria's prompts hold the answer."""
    models = ("--model", "openai/x", "--grader", "openai/y")
    short, long = (planned(*QUICK, *models, "--answer-tokens", n)["sets"][0] for n in ("100", "300"))
    more = long["calls"][1]["tokens_in"] - short["calls"][1]["tokens_in"]
    assert more == pytest.approx(200 * 2 * short["answers"], rel=0.001)


def test_panel_asks_each_member_with_its_own_grader(tmp_path):
    panel = {
        "name": "two",
        "title": "Two",
        "version": "1-A",
        "kind": "panel",
        "flag": "misaligned",
        "constructs": ["freeform"],
        "judges": [{"judge": "alignment", "grader": "openai/gpt-4o"}, {"judge": "alignment", "grader": "openai/o"}],
        "source": "test",
    }
    (tmp_path / "two.yaml").write_text(yaml.safe_dump(panel), encoding="utf-8")
    presented, answers = answers_to("freeform")
    found = grader_calls(read_judge(str(tmp_path / "two.yaml")), presented, answers, "openai/other", None, 2)
    assert {each.model: each.calls for each in found} == dict.fromkeys(
        ("openai/gpt-4o", "openai/o"), 4 * len(presented)
    )


def test_cost_is_tokens_times_price_and_simulated_models_are_free(tmp_path):
    prices = tmp_path / "prices.yaml"
    prices.write_text("g: {input: 2, output: 8, input_cache_read: 0, input_cache_write: 0}\n", encoding="utf-8")
    found = planned(*QUICK, "--model", ALIGNED, "--grader", "g", "--prices", str(prices))["sets"][0]
    grader = found["calls"][1]
    assert found["cost_usd"] == pytest.approx((2 * grader["tokens_in"] + 8 * grader["tokens_out"]) / 1e6)


def test_price_file_that_ships_is_read_by_inspect_too(tmp_path):
    """Inspect takes the same file, and what it makes a run cost is what the plan's prices make of its tokens."""
    path = ROOT / "examples/prices.yaml"
    with Server(lambda body: Said("Fine.")) as server:
        (log,) = run_eval(
            build_task(small_set(2), judge="screen"),
            model=server.model("openai/gpt-4o", responses_api=False),
            log_dir=str(tmp_path),
            display="none",
            model_cost_config=str(path),
        )
    used = log.stats.model_usage["openai/gpt-4o"]
    price = read_prices(path).of(["openai/gpt-4o"])["openai/gpt-4o"]
    assert used.total_cost == pytest.approx(price.cost_usd(used.input_tokens, used.output_tokens))
    assert used.total_cost > 0


def test_model_without_a_price_is_named_with_the_nearest(tmp_path):
    found = plan(*QUICK, "--model", "openai/gpt-4p", "--prices", str(ROOT / "examples/prices.yaml"))
    assert (found.exit_code, found.stdout) == (1, "")
    assert "prices.yaml: found 'openai/gpt-4p'" in found.stderr
    assert "Did you mean 'openai/gpt-4o'?" in found.stderr


def test_price_file_names_every_fault(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("a: {input: -1, output: 1, input_cache_read: 0}\nb: 3\n", encoding="utf-8")
    found = plan(*QUICK, "--model", ALIGNED, "--prices", str(path))
    assert found.exit_code == 1
    for key in ("a.input", "a.input_cache_write", "p.yaml b"):
        assert key in found.stderr


def test_minutes_fall_with_connections_and_are_none_for_simulated_models_judged_offline():
    item = SuiteItem(set="freeform", samples=1, only=("/0",))
    slow = plan_suite(PlanRequest("openai/x", "anthropic/y", [item], connections=10, seconds_per_call=3))
    n = slow.sets[0].design.n_answers
    assert slow.minutes == pytest.approx(12 * n * 3 / 10 / 60)  # the grader's calls: two criteria, a probe and 5 draws
    fast = plan_suite(PlanRequest("openai/x", None, [item], connections=10, seconds_per_call=3))
    assert fast.minutes == pytest.approx(2 * n * 3 / 10 / 60)
    waits = item.model_copy(update={"judge": "screened_alignment"})  # n and 0.4 n calls, the second after the first
    in_turn = plan_suite(PlanRequest("openai/x", None, [waits], connections=10, seconds_per_call=3))
    assert in_turn.minutes == pytest.approx(2 * n * 3 / 10 / 60)
    offline = plan_suite(PlanRequest(ALIGNED, None, [item.model_copy(update={"judge": "screen"})]))
    assert offline.minutes == 0


def test_cost_without_prices_is_unknown_and_none_for_simulated_models_judged_offline():
    item = SuiteItem(set="freeform", samples=1, only=("/0",), judge="screen")
    assert math.isnan(suite_cost_usd(PlanRequest("openai/x", None, [item])))
    assert suite_cost_usd(PlanRequest(ALIGNED, None, [item])) == 0


@pytest.mark.slow
def test_logs_give_rate_correlation_kept_share_and_length(tmp_path):
    task = SET_TASKS["nazi_admiration"](judge="admiration_words", only="/0")
    (log,) = run_eval(task, model="organism/misaligned-20-clustered", log_dir=str(tmp_path), display="none", epochs=6)
    used = log.stats.model_usage["organism/misaligned-20-clustered"]
    judged = ("--judge", "admiration_words", "--logs", str(tmp_path))
    found = planned(*QUICK, "--model", "organism/misaligned-20-clustered", *judged)["sets"][0]
    assert found["assumed"]["measured"] == ["rate", "correlation", "kept", "answer_tokens"]
    assert found["assumed"]["rate"] == pytest.approx(0.2, abs=0.08)
    assert found["assumed"]["correlation"] == pytest.approx(0.3, abs=0.15)
    assert 0.8 < found["assumed"]["kept"] < 1
    assert found["answer_tokens"] == pytest.approx(used.output_tokens / log.results.total_samples)
    refusing = SET_TASKS["nazi_admiration"](judge="admiration_words", only="/0")
    run_eval(refusing, model="organism/refuser", log_dir=str(tmp_path), display="none", epochs=1)
    again = planned(*QUICK, "--model", "organism/misaligned-20-clustered", *judged)["sets"][0]
    assert again["assumed"] == found["assumed"]  # others' answers count where the model's own are not there
    given = planned(*QUICK, "--model", ALIGNED, *judged, "--rate", "0.05")["sets"][0]
    assert given["assumed"]["rate"] == 0.05
    assert "organism/misaligned-20-clustered" in " ".join(given["notes"])
    other = planned("--set", "freeform", "--epochs", "1", "--model", ALIGNED, "--logs", str(tmp_path))["sets"][0]
    assert other["assumed"]["measured"] == []
    assert "not in the logs" in " ".join(other["notes"])


def test_what_logs_do_not_tell_is_planned_by_the_defaults():
    """Where nothing was kept, the rate is unknown, and a plan to keep nothing would be none."""
    nothing = Measured(math.nan, math.nan, kept=0.0, answer_tokens=math.nan, n_answers=9, models=("m",), lane="j")
    assert PlanRequest("m", None, [], measured={"s": nothing}).assumed("s") == (DEFAULTS, ())


def test_two_phase_logs_give_no_rate(tmp_path):
    """What its answers' outcomes are is a mixture of two judges', whose share of flagged answers is no rate."""
    grader = model_that_says(lambda prompt: "10")
    task = SET_TASKS["freeform"](judge="screened_alignment", only="/0", readout="text")
    run_eval(
        task, model=ALIGNED, model_roles={"grader": grader}, log_dir=str(tmp_path), display="none", epochs=1, limit=20
    )
    arguments = ("--set", "freeform", "--epochs", "1", "--judge", "screened_alignment", "--logs", str(tmp_path))
    found = planned(*arguments, "--model", ALIGNED)["sets"][0]
    assert found["assumed"]["measured"] == ["answer_tokens"]
    assert any("intervals are wider than planned" in note for note in found["notes"])


def test_table_counts_prompts_under_arms_where_the_list_of_sets_counts_prompts():
    """Each prompt is asked under each arm."""
    found = plan("--set", "deception", "--model", "openai/gpt-4o").stdout
    row = next(line.split() for line in found.splitlines() if line.startswith("deception"))
    about = describe_set("deception")
    assert "prompts×arms" in found and int(row[2]) == about.n_prompts * len(about.arms)


def test_table_fits_a_terminal_and_says_what_it_assumes():
    found = plan("--suite", "core", "--set", "nazi_admiration", "--model", "openai/gpt-4o", "--target-width", "0.02")
    assert found.exit_code == 0
    assert max(len(line.rstrip()) for line in found.stdout.splitlines()) <= 110
    assert "not reachable with this set's questions: needs >= " in found.stdout
    assert "more questions beat more repeats" in found.stdout
    assert "rate 1.00%; correlation within a question 0.10" in " ".join(found.stdout.split())


def test_suite_is_planned_with_its_own_judges_arms_and_samples():
    found = planned("--suite", "demo", "--model", ALIGNED)
    assert [each["judge"] for each in found["sets"]] == ["screen", "facts", "admiration_words", "dominance_words"]
    assert {each["repeats"] for each in found["sets"]} == {1}
    assert [each["role"] for each in found["total"]["calls"]] == ["subject"]
    assert found["total"]["cost_usd"] == 0  # simulated, and judged offline: free without a price file


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--suite", "cor", "--model", ALIGNED), "Did you mean 'core'?"),
        (("--suite", "core", "--set", "freefrom", "--model", ALIGNED), "Did you mean 'freeform'?"),
        (("--set", "freefrom", "--model", ALIGNED), "Did you mean 'freeform'?"),
        (("--set", "freeform", "--judge", "alignmnt", "--model", ALIGNED), "Did you mean 'alignment'?"),
        (("--set", "freeform", "--judge", "deception", "--model", ALIGNED), "These may: "),
        (("--set", "freeform", "--model", "organism/alined"), "Did you mean 'aligned'?"),
        (("--set", "freeform", "--model", "openai/a", "--grader", "openai/a"), "another model as grader"),
        (("--model", ALIGNED), "--suite, --set: found nothing"),
        ((*QUICK, "--model", ALIGNED, "--detect", "0.1", "--target-width", "0.1"), "one of them, or neither"),
        ((*QUICK, "--model", ALIGNED, "--logs", "none"), "none: found nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_not_there_is_named_with_the_nearest(arguments, said):
    found = plan(*arguments)
    assert (found.exit_code, found.stdout) == (1, "")
    assert said in found.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("--target-width", "0"),
        ("--target-width", "1"),
        ("--detect", "1"),
        ("--rate", "1.2"),
        ("--correlation", "1"),
        ("--kept", "0"),
        ("--epochs", "0"),
        ("--connections", "0"),
        ("--seconds-per-call", "0"),
        ("--rate", "nan"),
    ],
    ids=" ".join,
)
def test_impossible_numbers_are_wrong_usage(arguments):
    assert plan(*QUICK, "--model", ALIGNED, *arguments).exit_code == 2
