"""What a stack's processes are told of where everything is."""

import secrets
from pathlib import Path

from local.sandbox.keys import environment as sandbox_environment
from local.sandbox.keys import load_or_create

EMULATED = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""How one speaks to the embedded AWS, beside its address."""


def environment(data_dir: Path, *, aws: str, api: str, sandbox: str) -> dict[str, str]:
    """Return the settings of a stack in this folder and at these addresses."""
    return {
        "AWS_ENDPOINT_URL": aws,
        **EMULATED,
        "STAGE": "local",
        "DEVELOPMENT_PAYEES": "true",
        "RATE_LIMITS_ENABLED": "false",  # all callers are one address here, and in a hurry
        "PUBLIC_BASE_URL": api,
        "SESSION_KEY": _session_key(data_dir),
        "BUSINESS_CLOCK_FILE": str(data_dir / "clock"),
        **sandbox_environment(load_or_create(data_dir), sandbox),
    }


def _session_key(data_dir: Path) -> str:
    path = data_dir / "session-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))
    return path.read_text()
