"""What an application listens to, and what it is handed: the same events as from AWS."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from chalice.app import Chalice, DynamoDBEventConfig, SQSEventConfig

from chalicelib.edge import observe
from server.context import LambdaContext

Handler = Callable[[Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Source:
    """A queue, and who handles its messages."""

    queue: str
    handler: Handler
    batch_size: int


@dataclass(frozen=True, slots=True)
class Bell:
    """A handler of a table's stream: here it is rung every second, whether or not it changed."""

    handler: Handler

    def ring(self) -> int:
        """Call the handler; return how many rows it says it took."""
        return int((self.handler({"Records": []}, LambdaContext()) or {}).get("rows", 0))


class Consumer(Protocol):
    """Feeds handlers with what queues hold, at least once."""

    def start(self) -> None:
        """Begin to take messages."""

    def stop(self) -> None:
        """Take no more; messages at hand are finished."""

    def ended(self) -> bool:
        """Tell whether nothing is at hand any more and nobody takes messages."""

    def waiting(self) -> int:
        """Return how many messages are there or under way; delayed ones are not due yet."""


def sources_of(app: Chalice) -> list[Source]:
    """Return the queues that the application listens to."""
    return [
        Source(str(source.queue), app.handler_map[source.name], source.batch_size)
        for source in app.event_sources
        if isinstance(source, SQSEventConfig)
    ]


def bells_of(app: Chalice) -> list[Bell]:
    """Return the application's handlers of streams."""
    return [
        Bell(app.handler_map[source.name])
        for source in app.event_sources
        if isinstance(source, DynamoDBEventConfig)
    ]


def record(
    queue: str, body: str, *, message_id: str, receipt: str, attributes: Mapping[str, str]
) -> dict[str, Any]:
    """Return a message as a handler gets it from SQS."""
    return {
        "messageId": message_id,
        "receiptHandle": receipt,
        "body": body,
        "attributes": dict(attributes),
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(body.encode(), usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}",
        "awsRegion": "us-east-1",
    }


def failed_of(handler: Handler, records: list[dict[str, Any]]) -> set[str]:
    """Call a handler; return the ids that must come again: all of them when it raised."""
    everything = {str(record["messageId"]) for record in records}
    try:
        answer = handler({"Records": records}, LambdaContext())
    except Exception as error:  # noqa: BLE001  as Lambda: whatever it is, the batch comes again
        observe.mishap("a handler failed and its messages come again", error)
        return everything
    failures = (answer or {}).get("batchItemFailures", [])
    return everything & {failure["itemIdentifier"] for failure in failures}
