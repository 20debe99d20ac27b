"""Which answers a site shows, and their texts as the logs hold them."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from conftest import run_eval

from em_bench.errors import DataError
from em_bench.results.answers import read_answers
from em_bench.results.chosen import choose_answers
from em_bench.results.log_files import find_logs
from em_bench.results.texts import LONGEST, TextReader


def table(outcomes, model="m", lane="j@1#0", set_="s", epochs=1):
    """Return an answers table with one question for each of `outcomes`, asked `epochs` times."""
    rows = [
        {
            "log": f"{model}.eval", "date": "2026-01-01", "task": f"t-{model}", "model": model, "model_args": "",
            "recorded": False, "set": set_, "set_version": "1-A", "set_digest": "0" * 8, "flag": "misaligned",
            "question": f"q{n:03}", "prompt": 0, "arm": "plain", "id": f"q{n:03}/0", "epoch": epoch, "lane": lane,
            "outcome": outcome, "reason": None, "uuid": f"{model}-{n}-{epoch}", "mark:alignment": 12.5,
        }
        for n, outcome in enumerate(outcomes)
        for epoch in range(1, epochs + 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


LOGS = ["a/m.eval", "a/other.eval"]


def ids(chosen):
    return [(each.model, each.id, each.epoch) for each in chosen]


def test_all_flagged_answers_are_chosen_up_to_the_limit():
    chosen = choose_answers(table(["flagged"] * 3 + ["clear"] * 50), LOGS, n_flagged=10, n_others=4)
    assert Counter(each.judged[0].outcome for each in chosen) == {"flagged": 3, "clear": 4}


def test_beyond_the_limit_questions_take_turns():
    """Of 5 questions with 4 flagged answers each, five chosen answers are of five questions."""
    chosen = choose_answers(table(["flagged"] * 5, epochs=4), LOGS, n_flagged=5)
    assert sorted(each.question for each in chosen) == [f"q{n:03}" for n in range(5)]


def test_others_are_drawn_in_turn_from_each_outcome():
    """90 clear answers do not crowd out the two refusals."""
    chosen = choose_answers(table(["clear"] * 90 + ["refusal"] * 2 + ["unscored"] * 5), LOGS, n_others=6)
    assert Counter(each.judged[0].outcome for each in chosen) == {"clear": 2, "refusal": 2, "unscored": 2}


def test_choice_does_not_depend_on_order_or_other_models():
    own = table(["flagged", "clear", "refusal"] * 40)
    other = table(["flagged"] * 120, model="other")
    alone = ids(choose_answers(own, LOGS))
    among = choose_answers(pd.concat([other, own]).sample(frac=1, random_state=1), LOGS)
    assert [each for each in ids(among) if each[0] == "m"] == alone


def test_models_show_answers_to_the_same_prompts():
    both = pd.concat([table(["clear"] * 60), table(["clear"] * 60, model="other")])
    chosen = choose_answers(both, LOGS)
    assert len({each.id for each in chosen}) == 10


def test_another_seed_gives_another_sample():
    answers = table(["clear"] * 60)
    assert ids(choose_answers(answers, LOGS, seed=1)) != ids(choose_answers(answers, LOGS))


def test_an_answer_with_two_judges_is_chosen_once_and_knows_both():
    answers = pd.concat([table(["flagged"]), table(["clear"], lane="k@1#0")])
    (only,) = choose_answers(answers, LOGS)
    assert [(each.lane, each.outcome) for each in only.judged] == [("j@1#0", "flagged"), ("k@1#0", "clear")]
    assert only.is_flagged


def test_people_choose_nothing_but_are_shown():
    people = table(["clear"] * 30, lane="people@ann")
    assert choose_answers(people, LOGS) == []
    chosen = choose_answers(pd.concat([people, table(["flagged"])]), LOGS)
    assert [[each.lane for each in one.judged] for one in chosen] == [["j@1#0", "people@ann"]]


def test_missing_and_unjudged_answers_are_not_chosen():
    assert choose_answers(pd.concat([table([None, None]), table(["clear"], lane="")]), LOGS) == []


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Return a folder with a log of a simulated model, as .eval and as .json."""
    folder = tmp_path_factory.mktemp("logs")
    for kind in ("eval", "json"):
        run_eval(
            "em_bench/freeform", task_args={"judge": "screen", "only": "rent_due_short,handbook_page_one"}, epochs=3,
            model="organism/misaligned-20", log_dir=str(folder / kind), log_format=kind,
        )  # fmt: skip
    return folder


def chosen_of(folder):
    found = find_logs([str(folder)])
    return choose_answers(read_answers(found), found)


@pytest.mark.parametrize("kind", ["eval", "json"])
def test_text_is_that_of_the_log(logs, kind):
    from inspect_ai.log import read_eval_log

    chosen = chosen_of(logs / kind)
    read = TextReader(chosen)
    samples = {(s.id, s.epoch): s for s in read_eval_log(chosen[0].log).samples}
    for each in chosen:
        sample, text = samples[each.id, each.epoch], read(each)
        assert text.answer.text == sample.output.completion
        assert [(m.role, m.text) for m in text.sent] == [("user", sample.input[0].text)]
        assert text.said[0].marks[0].value == pytest.approx(sample.scores["judge"].value["alignment"], nan_ok=True)
        assert text.said[0].rule["flag_below"] == {"alignment": 47.0}


def test_long_answers_are_cut_and_say_how_long_they_are(logs, tmp_path):
    """A line of 2 MB is kept as its first 20,000 characters."""
    path = edited(logs, tmp_path, "x" * 2_000_000)
    chosen = chosen_of(path.parent)
    answer = TextReader(chosen)(chosen[0]).answer
    assert (len(answer.text), answer.n_chars, answer.is_cut) == (LONGEST, 2_000_000, True)


def edited(logs, folder, completion):
    """Return a copy of the JSON log in which every answer is `completion`."""
    source = next((logs / "json").iterdir())
    plain = json.loads(source.read_text())
    for sample in plain["samples"]:
        sample["output"]["completion"] = completion
    path = folder / source.name
    path.write_text(json.dumps(plain))
    return path


def test_a_log_that_is_gone_is_named(logs, tmp_path):
    path = edited(logs, tmp_path, "a")
    chosen = chosen_of(tmp_path)
    Path(path).unlink()
    with pytest.raises(DataError, match=r"expected \d+ samples, as when it was listed"):
        TextReader(chosen)(chosen[0])


def test_nothing_else_is_read(logs, monkeypatch):
    """Only the chosen samples of a log are asked of Inspect."""
    import inspect_ai.log

    chosen = chosen_of(logs / "eval")[:2]
    asked = []
    whole = inspect_ai.log.read_eval_log_samples_by_id
    monkeypatch.setattr(
        inspect_ai.log,
        "read_eval_log_samples_by_id",
        lambda log, wanted, **rest: asked.append(wanted) or whole(log, wanted, **rest),
    )
    read = TextReader(chosen)
    for each in chosen:
        read(each)
    assert asked == [sorted((each.id, each.epoch) for each in chosen)]
