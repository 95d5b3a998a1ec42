"""Botocore's list of regions, cut down to the services that are spoken to.

The whole is over a megabyte of JSON, which every cold start would read for a handful of entries.
What a region that is newer than this list needs is its partition's pattern, and that stays.
"""

import json
from pathlib import Path
from typing import Any

import botocore.loaders

from chalicelib.aws import SERVICES


def write_regions(folder: Path) -> None:
    """Write the list under the name that botocore's loader looks for."""
    whole: dict[str, Any] = botocore.loaders.Loader().load_data("endpoints")
    folder.mkdir()
    cut = whole | {"partitions": [_cut(partition) for partition in whole["partitions"]]}
    (folder / "endpoints.json").write_text(json.dumps(cut, separators=(",", ":")))


def _cut(partition: dict[str, Any]) -> dict[str, Any]:
    services = {name: partition["services"].get(name, {"endpoints": {}}) for name in SERVICES}
    return partition | {"services": services}
