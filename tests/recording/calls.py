"""Recorded calls, as the permissions they need."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.packaging.functions import API, NOTIFICATIONS, NOTIFIED
from local.packaging.grants import DOCUMENTS, LAKE, LOG, MAIN

_TABLES = {"shoukuan-local-main": MAIN, "shoukuan-local-log": LOG}
_BUCKETS = {"shoukuan-local-lake": LAKE, "shoukuan-local-documents": DOCUMENTS}
_TRANSACTED = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_LISTED = {"ListObjectsV2": "ListBucket"}


@dataclass(frozen=True, slots=True)
class Need:
    """One permission that a call needs, on one thing."""

    action: str
    on: str
    names: tuple[str, ...] = ()  # partitions of a table, names in a bucket
    in_commit: bool = False


def needs(folder: Path) -> dict[str, set[Need]]:
    """Return what each function needed, by its logical name."""
    found: dict[str, set[Need]] = {}
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            function, service, operation, told = json.loads(line)
            found.setdefault(_logical(function), set()).update(_needs(service, operation, told))
    return found


def _logical(function: str) -> str:
    """Return the function that would have run this on Lambda."""
    if function.startswith("API "):
        return NOTIFICATIONS if function.startswith(f"API {NOTIFIED}") else API
    return "".join(word.capitalize() for word in function.split("_"))


def _needs(service: str, operation: str, told: Any) -> Iterator[Need]:
    match service:
        case "dynamodb" if operation == "TransactWriteItems":
            for verb, table, pk in told:
                action = f"dynamodb:{_TRANSACTED[verb]}"
                yield Need(action, _TABLES[table], (pk,), in_commit=True)
        case "dynamodb":
            for table, pk in told:
                yield Need(f"dynamodb:{operation}", _TABLES[table], (pk,))
        case "sqs":
            action = operation.removesuffix("Batch")
            yield Need(f"sqs:{action}", _queue(told))
        case "s3":
            bucket, name = told
            action = f"s3:{_LISTED.get(operation, operation)}"
            yield Need(action, _BUCKETS[bucket], (name,))
        case _:
            yield Need("secretsmanager:GetSecretValue", str(told).lower().replace("_", "-"))


def _queue(name: str) -> str:
    short = name.removeprefix("shoukuan-local-")
    dead = short.endswith("-dead")
    logical = f"{short.removesuffix('-dead').capitalize()}Queue"
    return f"{logical}DeadLetters" if dead else logical
