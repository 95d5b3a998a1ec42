"""The worker process: SQS's event source, a table's stream and EventBridge, played locally.

Messages go to the same handlers that Lambda would call, in batches; those that a handler reports
as failed come again a little later, and land in the dead letter queue after their last try.
"""

import hashlib
import json
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import FrameType
from typing import Any

import botocore.config
import botocore.session
from chalice.app import Chalice, DynamoDBEventConfig, SQSEventConfig
from typing_extensions import override

from server.context import LambdaContext
from server.schedules import Schedule, schedules_of

WAIT_SECONDS = 1
_BACKOFF_SECONDS_MAX = 30
_DRAIN_SECONDS_MAX = 45
_RING_SECONDS = 1.0
_COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


@dataclass
class Poller:
    """Feeds one queue's messages to its handler."""

    client: Any
    queue: str
    handler: Callable[[Any, Any], Any]
    batch_size: int

    def __post_init__(self) -> None:
        self._url = self.client.get_queue_url(QueueName=self.queue)["QueueUrl"]

    def poll(self, *, wait_seconds: int = WAIT_SECONDS) -> int:
        """Handle one batch; return how many messages it had."""
        messages = self.client.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=min(self.batch_size, 10),
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        if messages:
            failed = self._handled(messages)
            for message in messages:
                self._settled(message, failed=message["MessageId"] in failed)
        return len(messages)

    def waiting(self) -> int:
        """Return how many messages are there or under way; delayed ones are not due yet."""
        answer = self.client.get_queue_attributes(QueueUrl=self._url, AttributeNames=_COUNTS)
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)

    def _handled(self, messages: list[dict[str, Any]]) -> set[str]:
        """Call the handler; return the ids that must come again: all of them when it raised."""
        everything = {str(message["MessageId"]) for message in messages}
        try:
            answer = self.handler({"Records": list(map(self._record, messages))}, LambdaContext())
        except Exception:  # noqa: BLE001  as Lambda: whatever it is, the batch comes again
            traceback.print_exc()
            return everything
        failures = (answer or {}).get("batchItemFailures", [])
        return everything & {failure["itemIdentifier"] for failure in failures}

    def _settled(self, message: dict[str, Any], *, failed: bool) -> None:
        receipt = message["ReceiptHandle"]
        if not failed:
            self.client.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)
            return
        receives = int(message.get("Attributes", {}).get("ApproximateReceiveCount", "1"))
        self.client.change_message_visibility(
            QueueUrl=self._url,
            ReceiptHandle=receipt,
            VisibilityTimeout=min(1 << min(receives - 1, 5), _BACKOFF_SECONDS_MAX),
        )

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        body = message["Body"]
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": body,
            "attributes": message.get("Attributes", {}),
            "messageAttributes": {},
            "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{self.queue}",
            "awsRegion": "us-east-1",
        }


@dataclass(frozen=True, slots=True)
class Bell:
    """A handler of a table's stream: locally it is rung every second, whether or not it changed."""

    handler: Callable[[Any, Any], Any]

    def ring(self) -> int:
        """Call the handler; return how many rows it says it took."""
        return int((self.handler({"Records": []}, LambdaContext()) or {}).get("rows", 0))


class Worker:
    """All queues, streams and schedules of one application."""

    def __init__(self, app: Chalice, pollers: Iterable[Poller], now: Callable[[], Any]) -> None:
        self._pollers = list(pollers)
        self._bells = bells_of(app)
        self._schedules = schedules_of(app)
        self._now = now
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._poll, args=(poller,)) for poller in self._pollers
        ]
        self._threads += [threading.Thread(target=self._ring, args=(bell,)) for bell in self._bells]
        self._threads.append(threading.Thread(target=self._keep_time))

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what is at hand, and end."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def tick(self) -> dict[str, Any]:
        """Run every schedule now, and answer when the queues and the outbox are empty."""
        deadline = time.monotonic() + _DRAIN_SECONDS_MAX
        self._drained(deadline)  # what waits comes first: it may be what a schedule looks for
        for schedule in self._schedules:
            self._run(schedule)
        waiting = self._drained(deadline)
        ran = [schedule.name for schedule in self._schedules]
        return {"schedules": ran, "waiting": waiting, "empty": waiting == 0}

    def _drained(self, deadline: float) -> int:
        """Wait until nothing waits; return how much does when the time is over."""
        while True:
            rows = sum(bell.ring() for bell in self._bells)
            messages = sum(poller.waiting() for poller in self._pollers)
            if rows + messages == 0 or time.monotonic() > deadline:
                return rows + messages
            time.sleep(0.05)

    def _poll(self, poller: Poller) -> None:
        while not self._stopping.is_set():
            try:
                poller.poll()
            except Exception:  # noqa: BLE001  the queue may be away for a moment
                traceback.print_exc()
                self._stopping.wait(1)

    def _ring(self, bell: Bell) -> None:
        while not self._stopping.wait(_RING_SECONDS):
            try:
                bell.ring()
            except Exception:  # noqa: BLE001  as a stream: what was not taken comes again
                traceback.print_exc()

    def _keep_time(self) -> None:
        while not self._stopping.wait(1):
            for schedule in self._schedules:
                if schedule.due(self._now()):
                    self._run(schedule)

    def _run(self, schedule: Schedule) -> None:
        try:
            schedule.run(self._now())
        except Exception:  # noqa: BLE001  as EventBridge: the next run comes all the same
            traceback.print_exc()


def bells_of(app: Chalice) -> list[Bell]:
    """Return the application's handlers of streams."""
    return [
        Bell(app.handler_map[source.name])
        for source in app.event_sources
        if isinstance(source, DynamoDBEventConfig)
    ]


def pollers_of(app: Chalice, client: Any) -> list[Poller]:
    """Return a poller for each SQS handler of the application."""
    return [
        Poller(client, str(source.queue), app.handler_map[source.name], source.batch_size)
        for source in app.event_sources
        if isinstance(source, SQSEventConfig)
    ]


def serve_ticks(worker: Worker, port: int) -> ThreadingHTTPServer:
    """Return a loopback server where the runner asks for ticks; GET answers that it lives."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({"status": "ok"})

        def do_POST(self) -> None:
            self._answer(worker.tick())

        @override
        def log_message(self, format: str, *args: object) -> None:
            pass

        def _answer(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def main() -> int:
    """Work until SIGTERM."""
    from app import app  # noqa: PLC0415  read the environment only when working
    from chalicelib import outside  # noqa: PLC0415

    config = botocore.config.Config(connect_timeout=2, read_timeout=10)
    client = botocore.session.get_session().create_client("sqs", config=config)
    worker = Worker(app, pollers_of(app, client), outside.clock().now)
    server = serve_ticks(worker, int(os.environ["WORKER_PORT"]))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    worker.start()
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    worker.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
