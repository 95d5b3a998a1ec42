"""A worker process to be killed: it says what it begins, and hangs on messages that say so."""

import json
import sys
import time
from pathlib import Path
from typing import Any

from server.postgres import PostgresConsumer
from server.sources import Source
from server.watch import Watch


def main(url: str, queue: str, told: Path, lease_seconds: float) -> None:
    """Work until killed."""

    def handle(event: Any, _context: Any) -> None:
        for record in event["Records"]:
            receives = int(record["attributes"]["ApproximateReceiveCount"])
            body = json.loads(record["body"])
            with told.open("a") as out:
                out.write(json.dumps([body["n"], receives]) + "\n")
            if receives <= body["hangs"]:
                time.sleep(600)

    watch = Watch(900)
    consumer = PostgresConsumer(
        url, [Source(queue, handle, 10)], watch, at_once=2, lease_seconds=lease_seconds
    )
    consumer.start()
    while not consumer.ended():
        time.sleep(0.1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))
