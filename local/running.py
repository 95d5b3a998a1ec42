"""Commands beside a running stack, or beside AWS itself: where they look."""

import json
import os
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
    return os.environ.get("AWS_ENDPOINT_URL", "AWS")
