"""`make redrive QUEUE=events`: give dead letters another chance; QUEUE=all, every queue's.

A message is sent before it is deleted, so that one may come twice and none is lost.
"""

import os
import sys
from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.edge.queue import QueueUnavailableError
from chalicelib.storage.secrets import revealed
from local.running import look_where_it_runs

QUEUES = ("bookings", "commands", "events", "reconciliations", "settlements")
_STAGE = os.environ.get("STAGE", "local")


def main() -> int:
    """Move what is there now; return the exit code."""
    queue = os.environ.get("QUEUE", "")
    if queue not in {*QUEUES, "all"}:
        print(f"say which: QUEUE={', QUEUE='.join(QUEUES)} or QUEUE=all", file=sys.stderr)
        return 2
    place = look_where_it_runs()
    move = _mover()
    failed = False
    for name in QUEUES if queue == "all" else (queue,):
        try:
            moved = move(f"shoukuan-{_STAGE}-{name}")
        except (BotoCoreError, ClientError, QueueUnavailableError) as error:
            answer = error.response["Error"] if isinstance(error, ClientError) else {}
            code = answer.get("Code", type(error).__name__)
            print(f"{name} can't be redriven at {place}: {code}", file=sys.stderr)
            failed = True
        else:
            print(f"{moved} messages of {name} are on their way again, at {place}")
    return int(failed)


def _mover() -> Callable[[str], int]:
    """Return who moves a queue's dead letters, where the queues are."""
    if url := os.environ.get("STORAGE_URL"):
        from chalicelib.edge.pgqueue import PostgresQueue, connect  # noqa: PLC0415  one of two

        door = connect(revealed(url))
        return lambda name: PostgresQueue(door, name).redrive()
    client: Any = botocore.session.get_session().create_client("sqs")
    return lambda name: redrive(client, name)


def redrive(client: Any, name: str) -> int:
    """Move a queue's dead letters back, at most as many as there are when it begins."""
    alive = client.get_queue_url(QueueName=name)["QueueUrl"]
    dead = client.get_queue_url(QueueName=f"{name}-dead")["QueueUrl"]
    wanted = ["ApproximateNumberOfMessages"]
    answer = client.get_queue_attributes(QueueUrl=dead, AttributeNames=wanted)
    left, moved = int(answer["Attributes"][wanted[0]]), 0
    while left > 0:
        found = client.receive_message(
            QueueUrl=dead, MaxNumberOfMessages=min(left, 10), VisibilityTimeout=60
        ).get("Messages", [])
        if not found:
            break
        for message in found:
            client.send_message(QueueUrl=alive, MessageBody=message["Body"])
            client.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
        left -= len(found)
        moved += len(found)
    return moved


if __name__ == "__main__":
    sys.exit(main())
