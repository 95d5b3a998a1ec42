"""Commands beside a running stack, or beside AWS itself: where they look."""

import json
import os
import sys
from pathlib import Path
from typing import Any


def running() -> Any:
    """Return what the stack of DATA_DIR says of itself, None if none runs."""
    path = _run_file()
    return json.loads(path.read_text()) if path.exists() else None


def look_where_it_runs() -> str:
    """Point this process at the stack of DATA_DIR if one runs, else leave AWS's own settings.

    Return the place, for people.
    """
    if (described := running()) is not None:
        address = str(described["aws"])
        os.environ |= {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return f"the running stack at {address}"
    if not {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"} & set(os.environ):
        print(
            f"no stack runs here ({_run_file()} is not there): start `make run`, or name AWS by"
            " AWS_REGION with MAIN_TABLE, LOG_TABLE, LAKE_BUCKET and STAGE",
            file=sys.stderr,
        )
        raise SystemExit(1)
    return os.environ.get("AWS_ENDPOINT_URL", "AWS")


def _run_file() -> Path:
    return Path(os.environ.get("DATA_DIR", ".data")) / "run.json"
