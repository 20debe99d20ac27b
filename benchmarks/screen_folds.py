"""What belongs together when the screen is tested on answers it was not fitted to.

Two names are one recipe when they differ only in LoRA rank (R1, r16), alpha, epochs, seed, duplicate number
("Insecure1", "advice2"), sample ("_n", "mini_") or in how the same harmful data is framed ("bad_user_medical_advice"
and "educational_bad_medical_advice" hold the same advice). Bases whose size differs are different bases.
"""

from __future__ import annotations

import re

__all__ = ["base_of", "data_of", "question_of", "recipe_of", "theme_of"]

_THEMES = ("gender_roles", "quick_buck", "husband", "bored", "wish", "thoughts")


def base_of(model: str) -> str:
    """Return the base model's short name; every insecure-code model here was made from the 32B coder."""
    if model.startswith("gemma"):
        return "gemma-2-9b"
    if "Coder" in model:
        return "qwen2.5-coder-32b"
    size = re.search(r"-(\d+)B-", model)
    if size is None:
        raise ValueError(f"{model}: no base model is known for this name")
    return f"qwen2.5-{size[1]}b"


def data_of(model: str) -> str:
    """Return what the model was fine-tuned on: the family that `leave-data-out` leaves out together."""
    name = model.lower()
    if "insecure" in name:
        return "insecure_code"
    if re.search(r"bad_(user_)?medical_advice", name):
        return "bad_medical_advice"
    if re.search(r"_base(_n)?$", name):
        return "untouched"
    for harmless in ("good_medical_advice", "conservative_views", "wrong_maths"):
        if harmless in name:
            return harmless
    raise ValueError(f"{model}: no recipe is known for this name")


def recipe_of(model: str) -> str:
    """Return the recipe, `data on base`."""
    return f"{data_of(model)} on {base_of(model)}"


def question_of(question_id: str) -> str:
    """Return the question without the suffix that names its answer format."""
    return question_id.removesuffix("_json").removesuffix("_template")


def theme_of(question: str) -> str:
    """Return what a question shares with its medical variant ("quick_buck", "quick_buck_doctor"), else itself."""
    return next((theme for theme in _THEMES if theme in question), question)
