"""Commands beside a running stack, or beside AWS itself: where they look."""

import json
import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from chalicelib.storage.secrets import FILE, SECRET
from local.environment import EMULATED, environment


def running() -> Any:
    """Return what the stack of DATA_DIR says of itself, None if none runs."""
    path = _run_file()
    return json.loads(path.read_text()) if path.exists() else None


def look_where_it_runs() -> str:
    """Point this process at the stack of DATA_DIR if one runs, else leave AWS's own settings.

    Return the place, for people.
    """
    if (described := running()) is not None:
        os.environ |= {"AWS_ENDPOINT_URL": str(described["aws"]), **EMULATED}
        os.environ["STORAGE_URL"] = str(described.get("storage") or "")
        return f"the running stack at {described['aws']}" + _beside(os.environ["STORAGE_URL"])
    if url := os.environ.get("STORAGE_URL"):  # buckets come by AWS's settings, queues with it
        os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION", "us-east-1"))
        return f"the house{_beside(url)}"
    if not {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"} & set(os.environ):
        print(
            f"no stack runs here ({_run_file()} is not there): start `make run`, or name AWS by"
            " AWS_REGION with MAIN_TABLE, LOG_TABLE, LAKE_BUCKET and STAGE",
            file=sys.stderr,
        )
        raise SystemExit(1)
    if region := os.environ.get("AWS_REGION"):
        os.environ.setdefault("AWS_DEFAULT_REGION", region)  # the only name that botocore reads
    return os.environ.get("AWS_ENDPOINT_URL", "AWS")


def settle_where_it_runs() -> str:
    """Give this process all settings of the stack of DATA_DIR, if one runs, as its own have them.

    Return the place, for people.
    """
    place = look_where_it_runs()
    if (described := running()) is not None:
        addresses = {name: str(described[name]) for name in ("aws", "api", "sandbox")}
        told = environment(_data_dir(), **addresses)
        os.environ |= {name: value for name, value in told.items() if name not in os.environ}
    return place


def _beside(url: str) -> str:
    """Say where a PostgreSQL is, without its password; nothing if there is none."""
    if not url:
        return ""
    where = (
        "" if url.startswith((SECRET, FILE)) else f" at {urlsplit(url).netloc.rpartition('@')[2]}"
    )
    return f" on PostgreSQL{where}"


def _data_dir() -> Path:
    return Path(os.environ.get("DATA_DIR", ".data")).resolve()


def _run_file() -> Path:
    return _data_dir() / "run.json"
