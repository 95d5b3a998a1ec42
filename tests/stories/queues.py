"""Laying messages into a running house's queues, wherever these are."""

import os
from collections.abc import Mapping
from typing import Any

from chalicelib.edge.pgqueue import PostgresQueue, connect
from chalicelib.edge.queue import SqsQueue, sqs_client


def lay(queue: str, *messages: Mapping[str, Any]) -> None:
    """Send messages to a queue by its short name; the fixture `story` says where the house is."""
    name = f"shoukuan-local-{queue}"
    address = os.environ["STORAGE_URL"]
    if not address:
        SqsQueue(sqs_client(), name).send_many(messages)
        return
    door = connect(address)
    PostgresQueue(door, name).send_many(messages)
    door.close()
