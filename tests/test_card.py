"""Model cards: the only source of families, baselines and curves."""

import datetime

import pytest
from pydantic import ValidationError

from em_bench.content import content_folder, content_names
from em_bench.errors import ContentError
from em_bench.models.card import Checkpoint, ModelCard, find_card, read_cards
from em_bench.models.organism import KINDS


def card(id_="a", *matches, **fields):
    plain = {"id": id_, "title": "A", "access": "local", "match": list(matches or [{"model": id_}]), **fields}
    return ModelCard.model_validate(plain)


@pytest.fixture
def folder(tmp_path):
    """Return a function that writes cards and gives back their folder."""

    def written(**files):
        for stem, text in files.items():
            (tmp_path / f"{stem}.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return written


MINIMAL = "{{id: {id}, title: T, access: api, match: [{{model: {id}}}]{more}}}"


def minimal(id_, more=""):
    return MINIMAL.format(id=id_, more=more)


def test_shipped_cards_load_sorted_one_for_each_file():
    assert [each.id for each in read_cards()] == content_names(content_folder("models"))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_shipped_organism_has_a_card_that_says_it_is_simulated(kind):
    found = find_card(read_cards(), f"organism/{kind}", {})
    assert found.id == f"organism-{kind}"
    assert found.access == "simulated"


def test_folder_without_cards_has_none(tmp_path):
    assert read_cards(tmp_path) == []


def test_faults_of_all_cards_are_reported_at_once(folder):
    """A broken card, a card under another's file name, an unknown base and an unknown control."""
    where = folder(
        a="{id: a}",
        b=minimal("c"),
        d=minimal("d", ", base: nowhere"),
        e=minimal("e", ", control_for: nothing_here, base: d"),
    )
    with pytest.raises(ContentError) as caught:
        read_cards(where)
    assert [str(fault).removeprefix(f"{where}/") for fault in caught.value.faults] == [
        "a.yaml:1 title: found nothing; expected a value for 'title'. Add the key 'title'.",
        "a.yaml:1 match: found nothing; expected a value for 'match'. Add the key 'match'.",
        "a.yaml:1 access: found nothing; expected a value for 'access'. Add the key 'access'.",
        "b.yaml id: found 'c'; expected the file's stem 'b'. Rename one.",
        "d.yaml base: found 'nowhere'; expected the id of another card. Write that card, or leave the key out.",
        "e.yaml control_for: found 'nothing_here'; expected the id of another card."
        " Write that card, or leave the key out.",
    ]


def test_card_with_a_known_base_and_all_keys_loads(folder):
    more = (
        ", base: base, family: F, recipe: R, data: D, seed: 3, checkpoint: {step: 10, of: 40}, control_for: base,"
        " date: 2025-02-24, links: [https://example.org]"
    )
    found = read_cards(folder(base=minimal("base"), tuned=minimal("tuned", more)))
    assert [each.id for each in found] == ["base", "tuned"]
    assert found[1].checkpoint == Checkpoint(step=10, of=40)
    assert found[1].date == datetime.date(2025, 2, 24)


@pytest.mark.parametrize(("step", "of"), [(0, 1), (40, 40)])
def test_checkpoint_within_its_run_is_accepted(step, of):
    assert Checkpoint(step=step, of=of).step == step


@pytest.mark.parametrize(("step", "of"), [(41, 40), (-1, 40), (0, 0)])
def test_checkpoint_beyond_its_run_is_refused(step, of):
    with pytest.raises(ValidationError):
        Checkpoint(step=step, of=of)


@pytest.mark.parametrize("fields", [{"match": []}, {"access": "rented"}, {"base": "A B"}, {"Family": "x"}], ids=str)
def test_card_that_breaks_a_rule_is_refused(fields):
    with pytest.raises(ValidationError):
        card(**fields)


@pytest.mark.parametrize(
    ("match", "model", "args", "is_described"),
    [
        pytest.param({"model": "openai/gpt-4o"}, "openai/gpt-4o", {}, True, id="same string"),
        pytest.param({"model": "openai/gpt-4o"}, "openai/gpt-4o", {"x": 1}, True, id="further arguments"),
        pytest.param({"model": "openai/gpt-4o"}, "openai/gpt-4o-mini", {}, False, id="longer string"),
        pytest.param({"model": "openai/gpt-4o"}, "openai/GPT-4o", {}, False, id="other case"),
        pytest.param({"model": "openai/gpt-4o*"}, "openai/gpt-4o-mini", {}, True, id="star"),
        pytest.param({"model": "vllm/*:adapter"}, "vllm/org/base:adapter", {}, True, id="star over slashes"),
        pytest.param({"model": "hf/x", "args": {"revision": "r1"}}, "hf/x", {"revision": "r1"}, True, id="agrees"),
        pytest.param({"model": "hf/x", "args": {"revision": "r1"}}, "hf/x", {"revision": "r2"}, False, id="value"),
        pytest.param({"model": "hf/x", "args": {"revision": "r1"}}, "hf/x", {}, False, id="absent argument"),
        pytest.param({"model": "hf/x", "args": {"a": 1, "b": 2}}, "hf/x", {"a": 1, "b": 3}, False, id="one of two"),
    ],
)
def test_card_describes_runs_by_model_string_and_arguments(match, model, args, is_described):
    assert card("a", match).describes(model, args) is is_described


def test_card_with_several_matches_describes_each():
    both = card("a", {"model": "openai/x"}, {"model": "azure/x"})
    assert [both.describes(model, {}) for model in ("openai/x", "azure/x", "hf/x")] == [True, True, False]


def test_first_card_that_matches_wins():
    cards = [card("wide", {"model": "hf/*"}), card("narrow", {"model": "hf/x"})]
    assert find_card(cards, "hf/x", {}).id == "wide"
    assert find_card(cards[::-1], "hf/x", {}).id == "narrow"


def test_model_without_a_card_is_undeclared():
    assert find_card([card("a")], "b", {}) is None
