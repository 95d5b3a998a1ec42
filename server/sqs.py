"""The receiving side of SQS: a thread a queue, messages in batches as Lambda's event source has it.

Those that a handler reports as failed come again a little later, and land among the dead letters
after their last try. What a killed worker had taken comes again when its visibility ends.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import botocore.config
import botocore.session

from chalicelib.edge import observe
from server.sources import Source, failed_of, record
from server.watch import Watch

WAIT_SECONDS = 1
_BACKOFF_SECONDS_MAX = 30
_COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


def receiving_client() -> Any:
    """Build a client that waits for messages; addresses come by environment."""
    config = botocore.config.Config(connect_timeout=2, read_timeout=10)
    return botocore.session.get_session().create_client("sqs", config=config)


@dataclass
class Poller:
    """Feeds one queue's messages to its handler."""

    client: Any
    source: Source
    watch: Watch
    _url: str = field(default="")

    def poll(self, *, wait_seconds: int = WAIT_SECONDS) -> int:
        """Handle one batch; return how many messages it had."""
        messages = self.client.receive_message(
            QueueUrl=self._address(),
            MaxNumberOfMessages=min(self.source.batch_size, 10),
            WaitTimeSeconds=wait_seconds,
            MessageSystemAttributeNames=["All"],
        ).get("Messages", [])
        if messages:
            with self.watch.handling():
                failed = failed_of(self.source.handler, list(map(self._record, messages)))
                for message in messages:
                    self._settled(message, failed=message["MessageId"] in failed)
        return len(messages)

    def waiting(self) -> int:
        """Return how many messages are there or under way; delayed ones are not due yet."""
        answer = self.client.get_queue_attributes(QueueUrl=self._address(), AttributeNames=_COUNTS)
        return sum(int(answer["Attributes"][name]) for name in _COUNTS)

    def _settled(self, message: dict[str, Any], *, failed: bool) -> None:
        receipt = message["ReceiptHandle"]
        if not failed:
            self.client.delete_message(QueueUrl=self._address(), ReceiptHandle=receipt)
            return
        receives = int(message.get("Attributes", {}).get("ApproximateReceiveCount", "1"))
        self.client.change_message_visibility(
            QueueUrl=self._address(),
            ReceiptHandle=receipt,
            VisibilityTimeout=min(1 << min(receives - 1, 5), _BACKOFF_SECONDS_MAX),
        )

    def _record(self, message: dict[str, Any]) -> dict[str, Any]:
        return record(
            self.source.queue,
            message["Body"],
            message_id=message["MessageId"],
            receipt=message["ReceiptHandle"],
            attributes=message.get("Attributes", {}),
        )

    def _address(self) -> str:
        if not self._url:
            self._url = self.client.get_queue_url(QueueName=self.source.queue)["QueueUrl"]
        return self._url


class SqsConsumer:
    """All queues of one application."""

    def __init__(self, client: Any, sources: Iterable[Source], watch: Watch) -> None:
        self._pollers = [Poller(client, source, watch) for source in sources]
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._poll, args=(poller,), daemon=True)
            for poller in self._pollers
        ]

    def start(self) -> None:
        """Begin to take messages."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more; messages at hand are finished."""
        self._stopping.set()

    def ended(self) -> bool:
        """Tell whether nothing is at hand any more and nobody takes messages."""
        return not any(thread.is_alive() for thread in self._threads)

    def waiting(self) -> int:
        """Return how many messages are there or under way; delayed ones are not due yet."""
        return sum(poller.waiting() for poller in self._pollers)

    def _poll(self, poller: Poller) -> None:
        while not self._stopping.is_set():
            try:
                poller.poll()
            except Exception as error:  # noqa: BLE001  the queue may be away for a moment
                observe.mishap("a queue can't be read for the moment", error)
                self._stopping.wait(1)
