"""Queues: a port to send by, and manners to receive by."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import aws
from chalicelib.edge import observe
from chalicelib.edge.problems import InternalError
from chalicelib.kernel import trace
from chalicelib.kernel.clock import SystemClock, milliseconds
from chalicelib.kernel.errors import PlatformError, TryAgainError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from mypy_boto3_sqs import SQSClient

Message = dict[str, Any]


class QueueUnavailableError(TryAgainError):
    """The queue did not take the message."""

    code = "queue_unavailable"


class Queue(Protocol):
    """Where work waits that must not be lost."""

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        """Hand a message over, or raise `QueueUnavailableError`."""


class ManyQueue(Queue, Protocol):
    """A queue that takes many at once, and knows how many lie there."""

    def send_many(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Hand messages over; raise `QueueUnavailableError` unless all were taken."""

    def count(self) -> int:
        """Return about how many messages lie here, or raise `QueueUnavailableError`."""


_BATCH_MAX = 10
_clock = SystemClock()


def sqs_client() -> Any:
    """Build a client with short timeouts; addresses come by environment."""
    return aws.client(
        "sqs", connect_timeout=0.5, read_timeout=1.0, retries={"total_max_attempts": 1}
    )


class SqsQueue:
    """A queue on SQS; its address is asked for once."""

    def __init__(self, client: "SQSClient", name: str) -> None:
        self._client = client
        self._name = name
        self._url: str | None = None

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        """Hand a message over, or raise `QueueUnavailableError`."""
        try:
            self._client.send_message(
                QueueUrl=self._address(),
                MessageBody=json.dumps(signed(message, delay_seconds)),
                DelaySeconds=delay_seconds,
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailableError("the queue did not take it; try again") from error

    def send_many(self, messages: Sequence[Mapping[str, Any]]) -> None:
        """Hand messages over, ten a call; raise `QueueUnavailableError` unless all were taken."""
        bodies = [json.dumps(signed(message), ensure_ascii=False) for message in messages]
        for start in range(0, len(bodies), _BATCH_MAX):
            entries = [
                {"Id": str(number), "MessageBody": body}
                for number, body in enumerate(bodies[start : start + _BATCH_MAX])
            ]
            try:
                answer = self._client.send_message_batch(QueueUrl=self._address(), Entries=entries)  # type: ignore[arg-type]
            except (BotoCoreError, ClientError) as error:
                raise QueueUnavailableError("the queue did not take them; try again") from error
            if answer.get("Failed"):
                raise QueueUnavailableError("the queue took some of them only; try again")

    def count(self) -> int:
        """Return about how many messages lie here, or raise `QueueUnavailableError`."""
        try:
            answer = self._client.get_queue_attributes(
                QueueUrl=self._address(),
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                ],
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailableError("the queue can't be asked") from error
        told = answer["Attributes"]
        waiting = int(told["ApproximateNumberOfMessages"])
        return waiting + int(told["ApproximateNumberOfMessagesNotVisible"])

    def _address(self) -> str:
        if self._url is None:
            self._url = self._client.get_queue_url(QueueName=self._name)["QueueUrl"]
        return self._url


def signed(message: Mapping[str, Any], delay_seconds: int = 0) -> Mapping[str, Any]:
    """Say in the message itself what set it going, and how long it was to wait.

    Every queue sends it so: other clouds' have no attributes.
    """
    found = trace.current()
    return {
        **message,
        **({"trace": found} if found else {}),
        **({"delay_seconds": delay_seconds} if delay_seconds else {}),
    }


def partial_batch(
    event: Mapping[str, Any], handle: Callable[[Message], None]
) -> "PartialItemFailureResponse":
    """Handle each record by itself, under its own trace; those that fail come again, and only they.

    Returns SQS's partial batch response.
    """

    def handled(record: Mapping[str, Any]) -> None:
        message = _message(record)
        began = _clock.protocol_now()
        with trace.within(_trace_of(message, record)):
            try:
                assert message is not None, "a message is an object"
                handle(message)
            except Exception as error:
                _tell_failed(error, record)
                raise
            _tell_handled(message, record, began)

    # Only a queue's worker needs it, and it loads a model of every event that AWS knows.
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    with processor(list(event["Records"]), handled):
        processor.process()
    return processor.response()


def _message(record: Mapping[str, Any]) -> Message | None:
    """Return the message; None if it can't be read, which no handler is asked to do."""
    try:
        message = json.loads(record["body"])
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def _trace_of(message: Message | None, record: Mapping[str, Any]) -> str:
    """Return the trace that the message carries; one of old, or a broken one, has its own."""
    return trace.read((message or {}).get("trace")) or trace.named(record["messageId"])


def _tell_failed(error: Exception, record: Mapping[str, Any]) -> None:
    code = error.code if isinstance(error, PlatformError) else type(error).__name__
    observe.mishap(
        "a message failed and comes again",
        error,
        code=code,
        message_id=record.get("messageId"),
        receives=record.get("attributes", {}).get("ApproximateReceiveCount"),
    )
    known = isinstance(error, PlatformError)
    observe.count("MessageFailed", code=code if known else InternalError.code)


def _tell_handled(message: Message, record: Mapping[str, Any], began: datetime) -> None:
    """Tell how long it took, and how long since it was due; a message of old has no due time."""
    now = _clock.protocol_now()
    queue = str(record.get("eventSourceARN", "")).rpartition("-")[2] or "unknown"
    sent = record.get("attributes", {}).get("SentTimestamp")
    with observe.one_line():
        took = milliseconds(now) - milliseconds(began)
        facts = {"message_id": record.get("messageId"), "command": message.get("command", "")}
        observe.measure("MessageMilliseconds", took, queue=queue, facts=facts)
        if sent is not None:
            delay = message.get("delay_seconds", 0)
            due = int(sent) + 1000 * (delay if isinstance(delay, int) else 0)
            age = max(0, milliseconds(now) - due)
            observe.measure("MessageAgeMilliseconds", age, queue=queue)
