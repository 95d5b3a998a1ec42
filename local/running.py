"""Commands beside a running stack, or beside AWS itself: where they look."""

import json
import os
import sys
from pathlib import Path

from local.environment import EMULATED, environment


def look_where_it_runs() -> str:
    """Point this process at the stack of DATA_DIR if one runs, else leave AWS's own settings.

    Return the place, for people.
    """
    if described := _described():
        os.environ |= {"AWS_ENDPOINT_URL": described["aws"], **EMULATED}
        return f"the running stack at {described['aws']}"
    if not {"AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"} & set(os.environ):
        print(
            f"no stack runs here ({_data_dir() / 'run.json'} is not there): start `make run`,"
            " or name AWS by AWS_REGION with MAIN_TABLE, LOG_TABLE, LAKE_BUCKET and STAGE",
            file=sys.stderr,
        )
        raise SystemExit(1)
    return os.environ.get("AWS_ENDPOINT_URL", "AWS")


def settle_where_it_runs() -> str:
    """Give this process all settings of the stack of DATA_DIR, if one runs, as its own have them.

    Return the place, for people.
    """
    place = look_where_it_runs()
    if described := _described():
        told = environment(
            _data_dir(), aws=described["aws"], api=described["api"], sandbox=described["sandbox"]
        )
        os.environ |= {name: value for name, value in told.items() if name not in os.environ}
    return place


def _data_dir() -> Path:
    return Path(os.environ.get("DATA_DIR", ".data")).resolve()


def _described() -> dict[str, str]:
    """Return the addresses of the stack that runs, none if none does."""
    run_file = _data_dir() / "run.json"
    if not run_file.exists():
        return {}
    described = json.loads(run_file.read_text())
    return {name: str(described[name]) for name in ("aws", "api", "sandbox")}
