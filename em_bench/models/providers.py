"""What is known of the providers of models, those of Inspect 0.3.285 and of this package, by their names alone."""

from __future__ import annotations

__all__ = [
    "MAKERS",
    "PROVIDERS",
    "REPLAYED",
    "SIMULATED",
    "TRIAL_GRADER",
    "WITHOUT_LOGPROBS",
    "draws_several",
    "is_local",
]

SIMULATED, REPLAYED = "organism/", "replay/"
"""What the names of models begin with that are simulated, or whose answers were recorded."""

_LOCAL = ("hf", "llama-cpp-python", "nnterp", "ollama", "sglang", "transformer_lens", "vllm", "vllm-completions")

PROVIDERS = (
    *_LOCAL, "anthropic", "azureai", "bedrock", "cloudflare", "deepseek", "fireworks", "google", "grok", "groq",
    "hf-inference-providers", "litellm-proxy", "meta", "mistral", "mockllm", "moonshot", "openai", "openai-api",
    "openai-api-completions", "openrouter", "organism", "perplexity", "replay", "sagemaker", "sambanova", "together",
)  # fmt: skip
"""For messages that name the nearest one; other packages may bring more."""

TRIAL_GRADER = f"{SIMULATED}grader"
"""It grades, to try a judge's wiring, and is no model to be tested."""

MAKERS = {
    "anthropic": "Anthropic", "deepseek": "DeepSeek", "google": "Google", "grok": "xAI", "mistral": "Mistral",
    "openai": "OpenAI", "organism": "em_bench",
}  # fmt: skip
"""Who made a model, by the provider that serves its maker's models only."""

WITHOUT_LOGPROBS = ("anthropic/", "groq/", "meta/", "mistral/")
"""Their replies come without token probabilities."""

_DRAW_SEVERAL = ("openai/", "together/", "vllm/")


def draws_several(model: str) -> bool:
    """Return whether a model's provider gives several replies to one request (`n`), and is billed its prompt once.

    Of those that pass Inspect's `num_choices` on, the ones whose services are known to take it.
    """
    return model.startswith(_DRAW_SEVERAL)


def is_local(model: str) -> bool:
    """Return whether a model, by Inspect's name, is loaded on the machine that asks it, whose memory it may fill."""
    return model.partition("/")[0] in _LOCAL
