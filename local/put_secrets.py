"""`make secrets STAGE=dev FROM=folder`: what nobody may read goes where it is kept.

FROM holds a file for each secret, named as the setting is (WECHATPAY_PRIVATE_KEY is the merchant's
apiclient_key.pem). A session key is made where there is none. Nothing is printed but names; a
changed secret becomes a new version, and the one before stays in Secrets Manager.
"""

import argparse
import secrets
import sys
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.deploying.cloud import DeployError, cloud
from local.packaging.parameters import SECRETS, SECRETS_WHERE, secret_name

_SESSION_KEY = "SESSION_KEY"


def main() -> int:
    """Keep what the folder has; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    asked = parser.parse_args()
    try:
        there = cloud()
        print(f"secrets of {asked.stage} to {there.place()}")
        missing = put(there.client("secretsmanager"), asked.stage, asked.folder)
    except (DeployError, BotoCoreError, ClientError, OSError) as error:
        print(f"not kept: {error}", file=sys.stderr)
        return 1
    if missing:
        print(f"still missing: {', '.join(missing)}", file=sys.stderr)
    return int(bool(missing))


def put(client: Any, stage: str, folder: Path) -> list[str]:
    """Keep each secret that has a file; return the required ones that are nowhere."""
    known = [*SECRETS, *SECRETS_WHERE]
    strange = sorted(path.name for path in folder.iterdir() if path.name not in known)
    if strange:
        raise DeployError(f"{folder}: no secret is called {', '.join(strange)}")
    missing = []
    for setting in known:
        name, file = secret_name(stage, setting), folder / setting
        old = _kept(client, name)
        new = file.read_text().strip() if file.exists() else None
        if new is None and old is None and setting == _SESSION_KEY:
            new = secrets.token_urlsafe(32)
        if new == "":
            raise DeployError(f"{file} is empty")
        if new is not None and new != old:
            _keep(client, name, new, fresh=old is None)
        elif old is not None:
            print(f"  unchanged  {name}")
        elif setting in SECRETS:
            missing.append(setting)
    return missing


def _kept(client: Any, name: str) -> str | None:
    try:
        return str(client.get_secret_value(SecretId=name)["SecretString"])
    except client.exceptions.ResourceNotFoundException:
        return None


def _keep(client: Any, name: str, text: str, *, fresh: bool) -> None:
    if fresh:
        client.create_secret(Name=name, SecretString=text)
    else:
        client.put_secret_value(SecretId=name, SecretString=text)
    print(f"  {'kept' if fresh else 'changed':9}  {name}")


if __name__ == "__main__":
    sys.exit(main())
