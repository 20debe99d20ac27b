"""The providers of models: those that Inspect and this package have, and which of them run on the user's machine."""

from __future__ import annotations

__all__ = ["PROVIDERS", "is_local"]

_LOCAL = ("hf", "llama-cpp-python", "nnterp", "ollama", "sglang", "transformer_lens", "vllm", "vllm-completions")

PROVIDERS = (
    *_LOCAL, "anthropic", "azureai", "bedrock", "cloudflare", "deepseek", "fireworks", "google", "grok", "groq",
    "hf-inference-providers", "litellm-proxy", "meta", "mistral", "mockllm", "moonshot", "openai", "openai-api",
    "openai-api-completions", "openrouter", "organism", "perplexity", "replay", "sagemaker", "sambanova", "together",
)  # fmt: skip
"""For messages that name the nearest one; other packages may bring more."""


def is_local(model: str) -> bool:
    """Return whether a model, by Inspect's name, is loaded on the machine that asks it, whose memory it may fill."""
    return model.partition("/")[0] in _LOCAL
