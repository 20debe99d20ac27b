"""What is shown, and written to a run's record, of what a user typed."""

import pytest

from em_bench.results.secrets import is_secret, without_secrets


@pytest.mark.parametrize(
    "name",
    ["api_key", "x-api-key", "apiKey", "HF_TOKEN", "token", "aws_secret_access_key", "password", "Authorization"],
)
def test_secrets_by_their_names(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["max_tokens", "tokenizer_path", "reasoning-tokens", "token_limit", "monkey", "keys"])
def test_names_that_only_look_like_secrets(name):
    assert not is_secret(name)


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("api_key=sk-1==", "api_key=***"),
        ("--model-arg=api_key=sk-1=", "--model-arg=api_key=***"),
        ("--max-tokens=50", "--max-tokens=50"),
        ("tokenizer_path=./m", "tokenizer_path=./m"),
        ("grader={model: openai/x, api_key: sk-1}", "grader={model: openai/x, api_key: ***}"),
        (
            "--model-role=grader={model: x, model_args: {api_key: sk-1, n: 2}}",
            "--model-role=grader={model: x, model_args: {api_key: ***, n: 2}}",
        ),
        ('default_headers={"Authorization": "Bearer a, b"}', 'default_headers={"Authorization": ***}'),
        ("base_url=https://me:pw@host/v1", "base_url=https://***@host/v1"),
        ("{max_tokens: 5}", "{max_tokens: 5}"),
    ],
)
def test_word_of_a_command_is_shown_without_its_secret(word, shown):
    assert without_secrets(word) == shown
