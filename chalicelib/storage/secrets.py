"""Secrets by name: a setting that reads `secret:<name>` is fetched from Secrets Manager."""

from functools import cache
from typing import Any

from chalicelib import aws

_MARK = "secret:"


def revealed(text: str) -> str:
    """Return the text itself, or the secret that it names."""
    if not text.startswith(_MARK):
        return text
    answer = _client().get_secret_value(SecretId=text.removeprefix(_MARK))
    return str(answer["SecretString"])


@cache
def _client() -> Any:
    return aws.client(
        "secretsmanager", connect_timeout=1.0, read_timeout=2.0, retries={"total_max_attempts": 3}
    )
