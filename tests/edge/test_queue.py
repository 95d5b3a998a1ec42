"""Queues: what can't be sent is said, and one bad message never stops the others."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.edge.queue import Message, QueueUnavailableError, SqsQueue, partial_batch
from chalicelib.kernel import trace
from chalicelib.kernel.clock import SystemClock, milliseconds
from chalicelib.kernel.errors import Kind, PlatformError, TryAgainError
from tests.edge.calls import listening


class Client:
    """SQS, or what is left of it."""

    def __init__(self) -> None:
        self.urls_asked = 0
        self.sent: list[dict[str, Any]] = []
        self.fails: Exception | None = None
        self.takes_some_only = False

    def get_queue_url(self, **asked: Any) -> Any:
        self.urls_asked += 1
        return {"QueueUrl": f"https://sqs.example/{asked['QueueName']}"}

    def send_message(self, **sent: Any) -> Any:
        if self.fails is not None:
            raise self.fails
        self.sent.append(sent)

    def send_message_batch(self, **sent: Any) -> Any:
        if self.fails is not None:
            raise self.fails
        self.sent.append(sent)
        return {"Failed": [{"Id": "3"}]} if self.takes_some_only else {"Successful": []}


class SomeError(PlatformError):
    kind = Kind.CONFLICT
    code = "some_error"


def queue(client: Client) -> SqsQueue:
    return SqsQueue(client, "work")  # type: ignore[arg-type]


def record(number: int, body: Any) -> dict[str, Any]:
    return {
        "messageId": f"id-{number}",
        "receiptHandle": "a-secret-handle",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {"ApproximateReceiveCount": "2"},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "awsRegion": "eu-west-1",
    }


def failed(bodies: list[Any], handle: Any) -> list[str]:
    records = [record(number, body) for number, body in enumerate(bodies)]
    response = partial_batch({"Records": records}, handle)
    return [str(failure["itemIdentifier"]) for failure in response["batchItemFailures"]]


def test_a_message_is_sent_and_the_address_asked_for_once() -> None:
    client = Client()
    work = queue(client)
    work.send({"茶": 1})
    work.send({"b": 2}, delay_seconds=30)
    assert client.urls_asked == 1
    assert [(json.loads(one["MessageBody"]), one["DelaySeconds"]) for one in client.sent] == [
        ({"茶": 1}, 0),
        ({"b": 2, "delay_seconds": 30}, 30),
    ]


@pytest.mark.parametrize(
    "fails",
    [
        ClientError({"Error": {"Code": "ThrottlingException"}}, "SendMessage"),
        EndpointConnectionError(endpoint_url="https://sqs.example"),
    ],
)
def test_a_queue_that_takes_nothing_says_try_again(fails: Exception) -> None:
    client = Client()
    client.fails = fails
    with pytest.raises(QueueUnavailableError) as refused:
        queue(client).send({})
    assert isinstance(refused.value, TryAgainError)


def test_each_record_is_handled_by_itself() -> None:
    handled: list[Message] = []

    def handle(message: Message) -> None:
        if message["n"] % 2:
            raise SomeError("odd")
        handled.append(message)

    with listening():
        assert failed([{"n": n} for n in range(5)], handle) == ["id-1", "id-3"]
    assert [message["n"] for message in handled] == [0, 2, 4]


TRACES = ["a" * 32, "b" * 32]


def test_each_record_is_handled_and_what_it_sends_goes_on_under_its_own_trace() -> None:
    client, seen = Client(), list[str]()
    bodies = [
        {"n": 0, "trace": TRACES[0]},
        {"n": 1, "trace": TRACES[1]},
        {"n": 2, "trace": "o-openid"},  # forged: it has its own
        {"n": 3},  # of old, or sent by hand
    ]

    def handle(message: Message) -> None:
        seen.append(trace.current())
        queue(client).send({"n": message["n"]})
        if message["n"] == 1:
            raise SomeError("odd")

    with listening() as ear:
        assert failed(bodies, handle) == ["id-1"]
    own = [trace.named("id-2"), trace.named("id-3")]
    assert seen == [*TRACES, *own]
    assert [json.loads(one["MessageBody"])["trace"] for one in client.sent] == [*TRACES, *own]
    assert ear.about("a message failed and comes again")[0]["trace"] == TRACES[1]
    handled = [line for line in ear.lines if "MessageMilliseconds" in line]
    assert [line["trace"] for line in handled] == [TRACES[0], *own]
    assert trace.current() == ""


def test_how_old_a_message_was_is_counted_from_when_it_was_due() -> None:
    now = milliseconds(SystemClock().protocol_now())
    ages = []
    for body in ({}, {"delay_seconds": 60}, {"delay_seconds": "soon"}):
        one = record(0, body) | {"eventSourceARN": "arn:aws:sqs:eu-west-1:1:shoukuan-dev-commands"}
        one["attributes"] = {"SentTimestamp": str(now - 90_000)}
        with listening() as ear:
            partial_batch({"Records": [one]}, lambda _: None)
        (line,) = ear.lines
        assert line["queue"] == "commands"
        ages.append(line["MessageAgeMilliseconds"][0] // 10_000)
    assert ages == [9, 3, 9]


def test_a_batch_that_fails_whole_is_reported_whole() -> None:
    def handle(_message: Message) -> None:
        raise TryAgainError("busy")

    with listening() as ear:
        assert failed([{}, {}, {}], handle) == ["id-0", "id-1", "id-2"]
    counted = [line for line in ear.lines if "MessageFailed" in line]
    assert [line["code"] for line in counted] == ["try_again"] * 3


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "5", "null", '"text"', "\ud800", "[" * 9000, "NaN", "\x00"]
)
def test_a_record_that_is_no_message_fails_alone(body: str) -> None:
    handled: list[Message] = []
    with listening():
        assert failed([{"n": 0}, body, {"n": 2}], handled.append) == ["id-1"]
    assert handled == [{"n": 0}, {"n": 2}]


def test_a_failure_is_logged_by_name_and_place_alone() -> None:
    def handle(message: Message) -> None:
        raise KeyError(message["openid"])

    with listening() as ear:
        assert failed([{"openid": "o-very-secret"}], handle) == ["id-0"]
    (line,) = ear.about("a message failed and comes again")
    assert (line["code"], line["message_id"], line["receives"]) == ("KeyError", "id-0", "2")
    assert line["errors"][0]["at"][-1].endswith(" handle")
    assert "secret" not in ear.text


@given(
    st.lists(
        st.text(max_size=30) | st.dictionaries(st.text(max_size=5), st.integers()), max_size=10
    )
)
def test_no_batch_ever_breaks_it(bodies: list[Any]) -> None:
    with listening():
        expected = [
            f"id-{number}" for number, body in enumerate(bodies) if not isinstance(body, dict)
        ]
        assert failed(bodies, lambda _message: None) == expected


def test_many_messages_go_ten_a_call() -> None:
    client = Client()
    queue(client).send_many([{"n": number} for number in range(23)])
    assert [len(sent["Entries"]) for sent in client.sent] == [10, 10, 3]
    bodies = [
        json.loads(one["MessageBody"])["n"] for sent in client.sent for one in sent["Entries"]
    ]
    assert bodies == list(range(23))
    assert all(len({one["Id"] for one in sent["Entries"]}) <= 10 for sent in client.sent)


def test_when_some_were_not_taken_all_are_to_be_sent_again() -> None:
    client = Client()
    client.takes_some_only = True
    with pytest.raises(QueueUnavailableError):
        queue(client).send_many([{"n": 1}])
    client.fails = EndpointConnectionError(endpoint_url="https://sqs.example")
    with pytest.raises(QueueUnavailableError):
        queue(client).send_many([{"n": 1}])
