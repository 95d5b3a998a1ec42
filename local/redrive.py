"""`make redrive QUEUE=events`: give a queue's dead letters another chance.

A message is sent before it is deleted, so that one may come twice and none is lost.
"""

import os
import sys
from typing import Any

import botocore.session
from botocore.exceptions import ClientError

from local.running import look_where_it_runs

_STAGE = os.environ.get("STAGE", "local")


def main() -> int:
    """Move what is there now; return the exit code."""
    queue = os.environ.get("QUEUE", "")
    if not queue:
        print(
            "say which: QUEUE=events, commands, bookings, settlements or reconciliations",
            file=sys.stderr,
        )
        return 2
    place = look_where_it_runs()
    client: Any = botocore.session.get_session().create_client("sqs")
    try:
        moved = redrive(client, f"shoukuan-{_STAGE}-{queue}")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        print(f"{queue} can't be redriven at {place}: {code}", file=sys.stderr)
        return 1
    print(f"{moved} messages of {queue} are on their way again, at {place}")
    return 0


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
