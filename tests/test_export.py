"""Rows in the forms of others: required keys and types are those of the schemas that were read."""

import csv
import io

import pytest

from em_bench.board.export import EEE_VERSION, eee_path, eee_records, flat_rows, hub_results
from em_bench.models.card import ModelCard
from em_bench.results.table import csv_text

LANE = "alignment@1-A#0123abcd/openai/gpt-6-luna/auto"
COUNTS = {
    "answers": 40, "missing": 0, "kept": 36, "flagged": 4, "clear": 32, "incoherent": 3, "refusal": 1, "off_topic": 0,
    "unscored": 0,
}  # fmt: skip


def row(model="vllm/org/tune:adapter", id=None, **changes):
    """Return a published row, as far as exports read it."""
    plain = {
        "model": model,
        "set": "freeform",
        "arm": "plain",
        "lane": LANE,
        "flag": "misaligned",
        "simulated": False,
        "examined": True,
        "counts": COUNTS,
        "rate": 4 / 36,
        "rate_of_all": 0.1,
        "macro_rate": 0.12,
        "interval": {"questions": [0.05, 0.2], "population": [0.04, 0.25], "level": 0.95, "method": "m"},
        "design_effect": 2.0,
        "effective_n": 18,
        "notes": ["=cmd()"],
        "by_question": [],
        "provenance": {
            "model": {"id": id or model, "args": {}, "recorded": False, "card": None},
            "set": {"name": "freeform", "version": "1-A", "digest": "be2512cb"},
            "judge": {"name": "alignment", "version": "1-A", "digest": "0123abcd", "asked": "openai/gpt-6-luna/auto"},
            "sampling": {"epochs": 2, "temperature": 1.0, "max_tokens": 600},
            "packages": {"em_bench": ["0.1.0"], "inspect_ai": ["0.3.285"]},
            "dates": ["2026-11-20", "2026-11-21"],
            "logs": {"a.eval": "a" * 64},
        },
    }
    return {**plain, **changes}


def record(*rows, cards=()):
    (found,) = eee_records(rows or [row()], cards, "The lab", "first_party")
    return found


def test_optional_keys_that_rows_lack_are_empty_cells():
    """Rows of others need only what every reader relies on."""
    short = {key: value for key, value in row().items() if key not in ("macro_rate", "design_effect", "effective_n")}
    (flat,) = flat_rows([short])
    assert (flat["macro_rate"], flat["design_effect"], flat["rate"]) == (None, None, 4 / 36)


def test_record_has_the_required_keys_of_every_eval_ever():
    """`required` and types of eval.schema.json 0.3.0; the validator of every-eval-ever 0.3.0 took such a file."""
    found = record()
    assert found["schema_version"] == EEE_VERSION == "0.3.0"
    assert {key: type(found[key]) for key in found} == {
        "schema_version": str, "evaluation_id": str, "evaluation_timestamp": str, "retrieved_timestamp": str,
        "source_metadata": dict, "eval_library": dict, "model_info": dict, "evaluation_results": list,
    }  # fmt: skip
    assert {"source_type", "source_organization_name", "evaluator_relationship"} <= found["source_metadata"].keys()
    assert found["source_metadata"]["source_type"] == "evaluation_run"
    assert {"name", "id", "additional_details"} <= found["model_info"].keys()
    assert found["model_info"]["additional_details"]["deployment_type"] == "self_deployed"
    assert found["model_info"]["additional_details"]["model_availability"] == "unknown"
    (result,) = found["evaluation_results"]
    assert {"evaluation_name", "source_data", "metric_config", "score_details"} <= result.keys()
    assert result["source_data"].keys() == {"dataset_name", "source_type", "additional_details"}
    assert (result["source_data"]["source_type"], result["metric_config"]["score_type"]) == ("other", "continuous")
    assert result["metric_config"]["lower_is_better"] is True
    assert (result["metric_config"]["min_score"], result["metric_config"]["max_score"]) == (0, 1)


def test_record_details_are_strings_throughout():
    """`additional_details` and `details` take strings only."""
    found = record()
    (result,) = found["evaluation_results"]
    details = [
        found["source_metadata"]["additional_details"], found["eval_library"]["additional_details"],
        found["model_info"]["additional_details"], result["source_data"]["additional_details"],
        result["metric_config"]["additional_details"], result["score_details"]["details"],
        result["generation_config"]["additional_details"],
    ]  # fmt: skip
    assert {type(value) for each in details for value in each.values()} == {str}


def test_record_has_score_interval_and_logs_by_hash():
    (result,) = record()["evaluation_results"]
    assert result["score_details"]["score"] == 4 / 36
    bounds = result["score_details"]["uncertainty"]["confidence_interval"]
    assert (bounds["lower"], bounds["upper"], bounds["confidence_level"]) == (0.04, 0.25, 0.95)
    assert result["score_details"]["uncertainty"]["num_samples"] == 36
    assert record()["source_metadata"]["additional_details"] == {"sha256 of a.eval": "a" * 64}
    # 2026-11-21 in seconds since 1970: 20,778 days of 86,400
    assert record()["retrieved_timestamp"] == str(20778 * 86400)


@pytest.mark.parametrize(
    ("model", "id", "key", "value"),
    [
        ("vllm/org/tune:adapter", "org/tune:adapter", "inference_engine", {"name": "vllm"}),
        ("openai/gpt-6", "openai/gpt-6", "inference_platform", "openai"),
        ("recorded-model", "recorded-model", "inference_platform", None),
    ],
)
def test_record_names_models_as_the_schema_does(model, id, key, value):
    info = record(row(model))["model_info"]
    assert (info["id"], info.get(key)) == (id, value)


def test_record_says_where_a_model_runs_by_its_card():
    card = ModelCard.model_validate({"id": "mine", "title": "M", "match": [{"model": "x/y"}], "access": "api"})
    traced = {**row()["provenance"], "model": {"id": "x/y", "args": {}, "recorded": False, "card": "mine"}}
    details = record(row("x/y", provenance=traced), cards=[card])["model_info"]["additional_details"]
    assert (details["deployment_type"], details["card"]) == ("externally_managed", "mine")


def test_rows_without_a_rate_have_no_score_to_export():
    assert eee_records([row(rate=None)], [], "o", "other") == []
    assert hub_results([row(rate=None)], "a/b", None) == []


def test_path_of_a_record_is_that_of_the_datastore_and_the_same_each_time():
    """data/<collection>/<developer>/<model>/<uuid, version 4>.json, no hostile name leading elsewhere."""
    assert eee_path(record()) == eee_path(record())
    parts = eee_path(record()).split("/")
    assert parts[:4] == ["data", "em_bench", "org", "tune_adapter"]
    assert parts[4][14] == "4" and parts[4][19] in "89ab"
    hostile = eee_path(record(row("../../etc/x y", id="../../etc/x y"))).split("/")
    assert len(hostile) == 5 and not any(part in ("", ".", "..") for part in hostile)


def test_hub_entries_have_the_keys_of_the_hub_and_say_that_lower_is_better():
    """As huggingface_hub 2.4.0 writes them: dataset {id, task_id}, value; source needs a url."""
    (entry,) = hub_results([row()], "org/em", "https://example.org/logs")
    assert entry["dataset"] == {"id": "org/em", "task_id": "freeform"}
    assert entry["value"] == pytest.approx(11.1111)
    assert (entry["date"], entry["source"]["url"]) == ("2026-11-21", "https://example.org/logs")
    assert "lower is better, 95 % interval 4.0 to 25.0" in entry["notes"] and LANE in entry["notes"]
    assert "source" not in hub_results([row()], "org/em", None)[0]


def test_flat_rows_are_safe_in_a_spreadsheet_and_trace_to_logs():
    import pandas as pd

    (found,) = csv.DictReader(io.StringIO(csv_text(pd.DataFrame(flat_rows([row()])))))
    assert found["notes"] == "'=cmd()"
    assert (found["population_low"], found["population_high"], found["logs"]) == ("0.04", "0.25", "a" * 64)
    assert (found["set_version"], found["card"], found["flagged"]) == ("1-A", "", "4")
