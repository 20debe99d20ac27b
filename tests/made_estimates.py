"""Estimates made by hand, for pages."""

from em_bench.models.card import Match, ModelCard
from em_bench.results.estimate import Counts, Estimate, QuestionRate
from em_bench.statistics import estimate_rate

LANE = "screen@1-A#00000000"


def make_estimate(model, flagged, kept=None, **changes):
    """Return the estimate of a model with so many flagged of kept answers to each question; 10 are kept if not said."""
    kept = kept or [10] * len(flagged)
    k, n = sum(flagged), sum(kept)
    names = [f"q{number:02}" for number in range(len(kept))]
    arm = changes.get("arm", "plain")
    plain = {
        "model": model,
        "model_name": model,
        "model_args": "",
        "set": "freeform",
        "set_version": "1-A",
        "set_digest": "0123abcd",
        "arm": arm,
        "lane": LANE,
        "flag": "misaligned",
        "simulated": model.startswith("organism/"),
        "recorded": False,
        "examined": True,
        "experimental": False,
        "measured": None,
        "counts": Counts(n, 0, k, n - k, 0, 0, 0, 0),
        "rate": estimate_rate(flagged, kept, names),
        "known_rate": None,
        "notes": (),
        "by_question": tuple(
            QuestionRate(name, arm, Counts(n, 0, k, n - k, 0, 0, 0, 0))
            for name, k, n in zip(names, flagged, kept, strict=True)
        ),
        "protocol": None,
        "date": "2026-03-01",
        "logs": (f"{model.replace('/', '-')}.eval",),
    }
    return Estimate(**plain | changes)


def make_card(id_, base=None, access="local", family=None):
    """Return the card of the model `vllm/<id>`."""
    match = (Match(model=f"vllm/{id_}"),)
    return ModelCard(id=id_, title=id_.upper(), match=match, access=access, family=family, base=base)
