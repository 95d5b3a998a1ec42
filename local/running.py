"""Commands beside a running stack, or beside AWS itself: where they look."""

import json
import os
import sys
from pathlib import Path


def look_where_it_runs() -> str:
    """Point this process at the stack of DATA_DIR if one runs, else leave AWS's own settings.

    Return the place, for people.
    """
    run_file = Path(os.environ.get("DATA_DIR", ".data")) / "run.json"
    if run_file.exists():
        address = str(json.loads(run_file.read_text())["aws"])
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
            f"no stack runs here ({run_file} is not there): start `make run`, or name AWS by"
            " AWS_REGION with MAIN_TABLE, LOG_TABLE, LAKE_BUCKET and STAGE",
            file=sys.stderr,
        )
        raise SystemExit(1)
    return os.environ.get("AWS_ENDPOINT_URL", "AWS")
