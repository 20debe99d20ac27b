"""Rows in the forms that others read: Every Eval Ever records, and evaluation results of the Hugging Face Hub.

Every Eval Ever: `eval.schema.json` 0.3.0, as the package every-eval-ever 0.3.0 carries it. The Hub: what lies in
`.eval_results/*.yaml`, as huggingface_hub 2.4.0 writes it (huggingface/hub-docs, docs/hub/eval-results.md at 064c7548).
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any

from em_bench import __version__
from em_bench.board.published import Row
from em_bench.board.row_checks import said_set
from em_bench.models.card import ModelCard
from em_bench.models.providers import is_local

__all__ = ["EEE_VERSION", "eee_path", "eee_records", "flat_rows", "hub_results"]

EEE_VERSION = "0.3.0"
"""Of the schema of Every Eval Ever."""

COLLECTION = "em_bench"


def flat_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return rows as flat columns, for a spreadsheet: intervals as two columns each, logs by hash."""
    return [_flat(row) for row in rows]


def _flat(row: Row) -> dict[str, Any]:
    traced, interval = row["provenance"], row["interval"]
    bounds = {
        f"{name}_{end}": (interval[name] or (None, None))[index]
        for name in ("questions", "population")
        for index, end in enumerate(("low", "high"))
    }
    return {
        **{key: row[key] for key in ("model", "set", "arm", "lane", "flag", "simulated", "examined")},
        "model_id": traced["model"]["id"],
        "card": traced["model"]["card"],
        "set_version": traced["set"]["version"],
        "set_digest": traced["set"]["digest"],
        **row["counts"],
        **{key: row[key] for key in ("rate", "rate_of_all")},
        "macro_rate": row.get("macro_rate"),
        **bounds,
        "level": interval["level"],
        "method": interval["method"],
        **{key: row.get(key) for key in ("design_effect", "effective_n")},
        "first_date": traced["dates"][0],
        "last_date": traced["dates"][1],
        "logs": " ".join(sorted(traced["logs"].values())),
        "notes": "; ".join(row["notes"]),
    }


def eee_records(
    rows: Sequence[Row], cards: Sequence[ModelCard], organization: str, relationship: str
) -> list[dict[str, Any]]:
    """Return one Every Eval Ever record for each model, with a result for each row that has a rate.

    The same rows give the same records: the time of retrieval is the day of the latest run.

    Args:
        rows: What is exported.
        cards: Model cards, which say where a model runs.
        organization: Who provides the numbers.
        relationship: Of the evaluator to the model: first_party, third_party, collaborative or other.
    """
    by_model: dict[str, list[Row]] = {}
    for row in rows:
        if row["rate"] is not None:
            by_model.setdefault(row["model"], []).append(row)
    known = {card.id: card for card in cards}
    return [_eee_record(model, own, known, organization, relationship) for model, own in sorted(by_model.items())]


def eee_path(record: Mapping[str, Any]) -> str:
    """Return where a record lies in the datastore: data/<collection>/<developer>/<model>/<uuid>.json."""
    developer, _, model = record["model_info"]["id"].rpartition("/")
    name = uuid.UUID(bytes=sha256(json.dumps(record, sort_keys=True).encode()).digest()[:16], version=4)
    return f"data/{COLLECTION}/{_part(developer) or 'unknown'}/{_part(model)}/{name}.json"


def _part(text: str) -> str:
    plain = "".join(char if char.isalnum() or char in "-_." else "_" for char in text)
    return plain.lstrip(".")


def _eee_record(
    model: str, rows: Sequence[Row], cards: Mapping[str, ModelCard], organization: str, relationship: str
) -> dict[str, Any]:
    about = rows[0]["provenance"]["model"]
    card = cards.get(str(about["card"]))
    last = max(row["provenance"]["dates"][1] for row in rows)
    retrieved = str(int(datetime.datetime.fromisoformat(f"{last}T00:00:00+00:00").timestamp()))
    logs = {name: digest for row in rows for name, digest in row["provenance"]["logs"].items()}
    id_, platform = _eee_model(about["id"])
    return {
        "schema_version": EEE_VERSION,
        "evaluation_id": f"{COLLECTION}/{id_}/{retrieved}",
        "evaluation_timestamp": last,
        "retrieved_timestamp": retrieved,
        "source_metadata": {
            "source_name": "em_bench",
            "source_type": "evaluation_run",
            "source_organization_name": organization,
            "evaluator_relationship": relationship,
            "additional_details": {f"sha256 of {name}": digest for name, digest in sorted(logs.items())},
        },
        "eval_library": {
            "name": "inspect_ai",
            "version": _versions(rows, "inspect_ai"),
            "additional_details": {"em_bench": _versions(rows, "em_bench"), "computed_with": __version__},
        },
        "model_info": {
            "name": model,
            "id": id_,
            **platform,
            "additional_details": {
                "deployment_type": _deployment(about["id"], card),
                "model_availability": "unknown",
                "simulated": str(rows[0]["simulated"]).lower(),
                "inspect_model": about["id"],
                "arguments": json.dumps(about["args"], sort_keys=True),
                "card": about["card"] or "undeclared",
            },
        },
        "evaluation_results": [_eee_result(row) for row in rows],
    }


def _versions(rows: Sequence[Row], package: str) -> str:
    found = {version for row in rows for version in row["provenance"]["packages"].get(package, [])}
    return ", ".join(sorted(found)) or "unknown"


def _deployment(model: str, card: ModelCard | None) -> str:
    access = None if card is None else card.access
    if access == "local" or (access is None and is_local(model)):
        return "self_deployed"
    return "externally_managed" if access == "api" else "unknown"


def _eee_model(model: str) -> tuple[str, dict[str, Any]]:
    """Return the id that Every Eval Ever knows a model by, and what runs it: engine for weights, platform for APIs."""
    provider, _, rest = model.partition("/")
    if is_local(model) and rest:
        return rest, {"inference_engine": {"name": provider}}
    return model, {"inference_platform": provider} if rest else {}


def _eee_result(row: Row) -> dict[str, Any]:
    traced, interval = row["provenance"], row["interval"]
    bounds = interval["population"] or interval["questions"]
    over = "questions like these" if interval["population"] else "these questions"
    uncertainty = {
        "num_samples": row["counts"]["kept"],
        **(
            {
                "confidence_interval": {
                    "lower": bounds[0], "upper": bounds[1], "confidence_level": interval["level"],
                    "method": f"over {over}: {interval['method']}",
                }
            }
            if bounds
            else {}
        ),
    }  # fmt: skip
    sampling, known = traced["sampling"], ("temperature", "top_p", "top_k", "max_tokens")
    plain = {key: sampling[key] for key in known if isinstance(sampling.get(key), int | float)}
    names = json.dumps([row["model"], said_set(row), row["arm"], row["lane"]])
    about_set = {"version": traced["set"]["version"], "digest": traced["set"]["digest"], "arm": row["arm"]}
    return {
        "evaluation_result_id": sha256(names.encode()).hexdigest()[:16],
        "evaluation_name": f"{row['set']}/{row['arm']}",
        "evaluation_timestamp": traced["dates"][1],
        "source_data": {
            "dataset_name": row["set"],
            "source_type": "other",
            "additional_details": about_set,
        },
        "metric_config": {
            "evaluation_description": f"Share of kept answers that are {row['flag']}, as {row['lane']} judges them",
            "metric_id": f"em_bench.{row['flag']}_rate",
            "metric_name": f"{row['flag']} rate",
            "metric_kind": "rate",
            "metric_unit": "proportion",
            "lower_is_better": True,
            "score_type": "continuous",
            "min_score": 0,
            "max_score": 1,
            "additional_details": {"lane": row["lane"], "examined": str(row["examined"]).lower()},
        },
        "score_details": {
            "score": row["rate"],
            "uncertainty": uncertainty,
            "details": {name: str(n) for name, n in row["counts"].items()},
        },
        "generation_config": {
            "generation_args": plain,
            "additional_details": {key: json.dumps(value) for key, value in sampling.items()},
        },
    }


def hub_results(rows: Sequence[Row], dataset: str, source: str | None) -> list[dict[str, Any]]:
    """Return the entries of a model's `.eval_results/*.yaml`; higher values are worse, as their notes say.

    Args:
        rows: Rows of one model, none of it simulated.
        dataset: Id of the benchmark's data set on the Hub, whose tasks are called as the question sets.
        source: An address of the logs; None leaves the key out.
    """
    return list(_hub_entries(rows, dataset, source))


def _hub_entries(rows: Sequence[Row], dataset: str, source: str | None) -> Iterator[dict[str, Any]]:
    for row in rows:
        if row["rate"] is None:
            continue
        bounds = row["interval"]["population"] or row["interval"]["questions"]
        said = f"% of kept answers that are {row['flag']}: lower is better"
        if bounds:
            level = f"{100 * row['interval']['level']:g} %"
            said += f", {level} interval {100 * bounds[0]:.1f} to {100 * bounds[1]:.1f}"
        yield {
            "dataset": {"id": dataset, "task_id": row["set"]},
            "value": round(100 * row["rate"], 4),
            "date": row["provenance"]["dates"][1],
            **({"source": {"url": source, "name": "Inspect logs"}} if source else {}),
            "notes": f"{said}; {said_set(row)}, arm {row['arm']}, judge {row['lane']}",
        }
