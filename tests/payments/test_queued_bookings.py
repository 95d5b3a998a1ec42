"""Throttled notifications wait in the queue, and the worker books them."""

import json
from typing import Any

import pytest

from app import app
from chalicelib import outside
from chalicelib.edge.queue import Message, QueueUnavailableError
from chalicelib.kernel.money import fen
from chalicelib.orders.model import OrderState
from chalicelib.payments import wiring
from chalicelib.payments.model import Booking
from chalicelib.payments.usecases.capture import Hear
from chalicelib.providers.port import Collected
from server.context import LambdaContext
from tests.fakes.house import TTL_SECONDS, House
from tests.payments.test_busy_database import TroubledTable


class FakeQueue:
    """Keeps messages, or refuses them."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.away = False

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        if self.away:
            raise QueueUnavailableError("away")
        self.messages.append(message)


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    built = House(TroubledTable())
    monkeypatch.setattr(wiring, "capture", lambda: built.capture)
    monkeypatch.setattr(wiring, "close_order", lambda: built.close_order)
    return built


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> FakeQueue:
    fake = FakeQueue()
    monkeypatch.setattr(outside, "bookings_queue", lambda: fake)
    return fake


def hear(house: House, collected: Collected) -> Booking | None:
    return Hear(house.capture, wiring._queue).hear(collected)


def troubled(house: House) -> TroubledTable:
    assert isinstance(house.table, TroubledTable)
    return house.table


def collected_of(house: House) -> Collected:
    return house.provider.pay(house.payment(house.order()).id)


def deliver(handler: str, *bodies: str) -> Any:
    """Call a queue's handler as SQS does."""
    records = [
        {
            "messageId": f"m{number}",
            "receiptHandle": f"r{number}",
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "md5OfBody": "",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q",
            "awsRegion": "us-east-1",
        }
        for number, body in enumerate(bodies)
    ]
    return app.handler_map[handler]({"Records": records}, LambdaContext())


def as_body(message: Message) -> str:
    return json.dumps(message)


def test_a_throttled_notification_is_queued_and_booked_by_the_worker(
    house: House, queue: FakeQueue
) -> None:
    collected = collected_of(house)
    troubled(house).troubles = ["throttle"] * 1000
    hear(house, collected)
    assert house.entries() == []
    troubled(house).troubles = []
    (message,) = queue.messages
    assert "openid" not in as_body(message)
    answer = deliver("book_queued", as_body(message), as_body(message))
    assert answer == {"batchItemFailures": []}
    assert [entry.total() for entry in house.entries()] == [fen(3998)]


def test_a_notification_is_tried_for_less_than_the_provider_waits(
    house: House, queue: FakeQueue
) -> None:
    collected = collected_of(house)
    troubled(house).troubles = ["throttle"] * 1000
    began = house.clock.at
    hear(house, collected)
    assert (house.clock.at - began).total_seconds() <= 2.5


def test_when_neither_takes_it_nothing_is_answered(house: House, queue: FakeQueue) -> None:
    collected = collected_of(house)
    troubled(house).troubles = ["throttle"] * 1000
    queue.away = True
    with pytest.raises(QueueUnavailableError):
        hear(house, collected)
    troubled(house).troubles = []
    hear(house, collected)
    assert len(house.entries()) == 1


def test_a_bad_message_fails_alone(house: House) -> None:
    collected = collected_of(house)
    good = as_body({"collected": collected.model_dump_json()})
    answer = deliver("book_queued", "{", good, '{"collected": "{}"}', "[]")
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    assert failed == {"m0", "m2", "m3"}
    assert len(house.entries()) == 1
    everything = deliver("book_queued", "{")
    assert everything == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_a_command_closes_an_order_and_a_strange_one_fails(house: House) -> None:
    order = house.order()
    house.clock.move(seconds=TTL_SECONDS + 61)
    close = as_body({"command": "close_order", "order_id": order.id})
    answer = deliver("run_commands", close, as_body({"command": "give_all_away"}), close)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert house.head(order.id).state is OrderState.CLOSED
