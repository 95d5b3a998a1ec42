"""One contract for every queue: at least once, in no order, never two at once, dead in the end."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import pytest

from chalicelib.edge import pgqueue
from chalicelib.edge.pgschema import create_queues
from chalicelib.edge.queue import Message, QueueUnavailableError, SqsQueue, sqs_client
from local import redrive
from local.emulator import Emulator, free_port
from local.postgres import Postgres
from server.postgres import PostgresConsumer
from server.sources import Consumer, Source
from server.sqs import SqsConsumer, receiving_client
from server.watch import Watch
from tests.edge.calls import listening
from tests.fakes.queue import MemoryQueue

SECONDS_MAX = 20
LEASE_SECONDS = 3


class Place(Protocol):
    """A queue under test, and who receives from it."""

    def send(self, message: Message, *, delay_seconds: int = 0) -> None: ...
    def send_many(self, messages: Sequence[Mapping[str, Any]]) -> None: ...
    def count(self) -> int: ...
    def dead(self) -> int: ...
    def redrive(self) -> int: ...
    def bury(self, message: Message) -> None: ...
    def deliver(self, handler: Any, *, until: Callable[[], bool], workers: int = 1) -> None: ...


class InMemory(MemoryQueue):
    def bury(self, message: Message) -> None:
        self._dead.append(json.dumps(message))

    def deliver(self, handler: Any, *, until: Callable[[], bool], workers: int = 1) -> None:
        deadline = self.seconds + 200
        while not until() and self.seconds < deadline:
            self.hand_out(handler)
            self.seconds += 1


@dataclass
class InProcess:
    """A queue of a service, and consumers in threads of this process."""

    queue: Any
    dead_letters: Any
    source: Callable[[Any], Source]
    consumer: Callable[[Source], Consumer]
    move: Callable[[], int]
    running: list[Consumer] = field(default_factory=list)

    def send(self, message: Message, *, delay_seconds: int = 0) -> None:
        self.queue.send(message, delay_seconds=delay_seconds)

    def send_many(self, messages: Sequence[Mapping[str, Any]]) -> None:
        self.queue.send_many(messages)

    def count(self) -> int:
        return int(self.queue.count())

    def dead(self) -> int:
        return int(self.dead_letters.count())

    def bury(self, message: Message) -> None:
        self.dead_letters.send(message)

    def redrive(self) -> int:
        return self.move()

    def deliver(self, handler: Any, *, until: Callable[[], bool], workers: int = 1) -> None:
        consumers = [self.consumer(self.source(handler)) for _ in range(workers)]
        for consumer in consumers:
            consumer.start()
        deadline = time.monotonic() + SECONDS_MAX
        while not until() and time.monotonic() < deadline:
            time.sleep(0.02)
        for consumer in consumers:
            consumer.stop()
        while not all(consumer.ended() for consumer in consumers):
            assert time.monotonic() < deadline + 15, "it does not end"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def queues(postgres: Postgres) -> str:
    """A database with the queues' schema."""
    url = postgres.create_database("queues")
    create_queues(url)
    return url


def on_postgres(url: str, name: str) -> Iterator[InProcess]:
    door = pgqueue.connect(url)
    queue = pgqueue.PostgresQueue(door, name)
    yield InProcess(
        queue,
        pgqueue.PostgresQueue(door, pgqueue.dead_letters_of(name)),
        lambda handler: Source(name, handler, 10),
        lambda source: PostgresConsumer(
            url, [source], Watch(60), at_once=2, lease_seconds=LEASE_SECONDS
        ),
        queue.redrive,
    )
    door.close()


def on_sqs(name: str) -> InProcess:
    client: Any = receiving_client()
    dead = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])
    policy = {
        "deadLetterTargetArn": arn["Attributes"]["QueueArn"],
        "maxReceiveCount": pgqueue.RECEIVES_MAX,
    }
    attributes = {"VisibilityTimeout": "10", "RedrivePolicy": json.dumps(policy)}
    client.create_queue(QueueName=name, Attributes=attributes)
    sender = sqs_client()
    return InProcess(
        SqsQueue(sender, name),
        SqsQueue(sender, f"{name}-dead"),
        lambda handler: Source(name, handler, 10),
        lambda source: SqsConsumer(receiving_client(), [source], Watch(60)),
        lambda: redrive.redrive(client, name),
    )


@pytest.fixture(
    params=[
        "memory",
        pytest.param("emulator", marks=pytest.mark.emulator),
        pytest.param("postgres", marks=pytest.mark.postgres),
    ]
)
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    name = f"work-{os.getpid()}-{time.monotonic_ns()}"
    match request.param:
        case "memory":
            yield InMemory()
        case "postgres":
            yield from on_postgres(request.getfixturevalue("queues"), name)
        case _:
            emulator: Emulator = request.getfixturevalue("emulator")
            monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.url)
            yield on_sqs(name)


class Hands:
    """A handler that remembers; it fails for messages that say so, `times` or always."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.bodies: list[Any] = []
        self.receives: list[str] = []
        self.at_once: dict[str, int] = {}
        self.overlaps = 0

    def __call__(self, event: Any, _context: Any) -> Any:
        failed = []
        for record in event["Records"]:
            body, name = json.loads(record["body"]), str(record["messageId"])
            with self.lock:
                self.at_once[name] = self.at_once.get(name, 0) + 1
                self.overlaps += self.at_once[name] > 1
                self.bodies.append(body)
                self.receives.append(record["attributes"]["ApproximateReceiveCount"])
            time.sleep(body.get("seconds", 0))
            with self.lock:
                self.at_once[name] -= 1
            if body.get("raises"):
                raise KeyError("a-secret")
            if int(record["attributes"]["ApproximateReceiveCount"]) <= body.get("fails", 0):
                failed.append({"itemIdentifier": name})
        return {"batchItemFailures": failed}


def test_what_is_sent_is_received_and_gone(place: Place) -> None:
    hands = Hands()
    sent = [{"n": n, "says": "茶\x00\n"} for n in range(25)]
    place.send_many(sent)
    place.send_many([])
    place.send({"n": 25, "large": 2**60})
    assert place.count() == 26
    place.deliver(hands, until=lambda: place.count() == 0)
    assert sorted(hands.bodies, key=lambda body: body["n"]) == [*sent, {"n": 25, "large": 2**60}]
    assert set(hands.receives) == {"1"}
    assert (place.count(), place.dead()) == (0, 0)


def test_what_is_delayed_is_not_received_before(place: Place) -> None:
    hands, began = Hands(), time.monotonic()
    place.send({"n": 1}, delay_seconds=2)
    assert place.count() == 0, "it is not due"
    place.deliver(hands, until=lambda: bool(hands.bodies))
    assert [body["n"] for body in hands.bodies] == [1]
    seconds = place.seconds if isinstance(place, InMemory) else time.monotonic() - began
    assert seconds >= 1.8


def test_what_fails_comes_again_alone_and_counts(place: Place) -> None:
    hands = Hands()
    place.send_many([{"n": 0}, {"n": 1, "fails": 2}, {"n": 2}])
    place.deliver(hands, until=lambda: place.count() == 0)
    assert sorted(body["n"] for body in hands.bodies) == [0, 1, 1, 1, 2]
    assert sorted(hands.receives) == ["1", "1", "1", "2", "3"]
    assert place.dead() == 0


def test_a_handler_that_raises_loses_nothing(place: Place) -> None:
    hands = Hands()
    place.send({"n": 0, "raises": True})
    with listening() as ear:
        place.deliver(hands, until=lambda: len(hands.bodies) == 2)
    assert hands.receives == ["1", "2"]
    assert place.count() == 1
    assert "secret" not in ear.text


def test_dead_letters_are_counted_and_get_another_chance(place: Place) -> None:
    hands = Hands()
    place.bury({"n": 7})
    assert (place.count(), place.dead()) == (0, 1)
    assert place.redrive() == 1
    assert (place.count(), place.dead()) == (1, 0)
    assert place.redrive() == 0
    place.deliver(hands, until=lambda: place.count() == 0)
    assert (hands.bodies, hands.receives) == ([{"n": 7}], ["1"])


def test_workers_never_handle_the_same_message_at_once(place: Place) -> None:
    hands = Hands()
    place.send_many([{"n": n, "seconds": 0.02} for n in range(40)])
    place.deliver(hands, until=lambda: place.count() == 0, workers=3)
    assert sorted(body["n"] for body in hands.bodies) == list(range(40))
    assert hands.overlaps == 0


def test_a_message_is_dead_after_its_last_try(place: Place) -> None:
    """The services' own waiting takes minutes: there, the last tries alone are played."""
    hands = Hands()
    place.send_many([{"n": 0, "fails": 99}, {"n": 1}])
    if isinstance(place, InProcess):
        if isinstance(place.queue, SqsQueue):
            pytest.skip("SQS itself does it, by its redrive policy")
        place.deliver(hands, until=lambda: len(hands.bodies) == 2)
        age(place.queue, attempts=pgqueue.RECEIVES_MAX - 1)
    place.deliver(hands, until=lambda: place.dead() == 1)
    assert (place.count(), place.dead()) == (0, 1)
    assert hands.receives[-1] == str(pgqueue.RECEIVES_MAX)
    assert place.redrive() == 1
    assert place.count() == 1


@pytest.mark.postgres
def test_a_long_message_keeps_its_lease_while_its_worker_lives(queues: str) -> None:
    opened = contextmanager(on_postgres)(queues, f"long-{time.monotonic_ns()}")
    hands = Hands()
    with opened as place:
        place.send({"n": 0, "seconds": LEASE_SECONDS * 2.5})
        place.deliver(hands, until=lambda: place.count() == 0, workers=2)
    assert hands.receives == ["1"]


def test_a_database_that_is_away_is_said_soon() -> None:
    door = pgqueue.connect(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    queue, began = pgqueue.PostgresQueue(door, "work"), time.monotonic()
    for call in (lambda: queue.send({}), lambda: queue.send_many([{}]), queue.count):
        with pytest.raises(QueueUnavailableError):
            call()
    assert time.monotonic() - began < 12
    door.close()


def age(queue: pgqueue.PostgresQueue, *, attempts: int) -> None:
    """Make a message as old as if it had been received so often."""
    queue._app.connector.get_sync_connector().execute_query(
        "UPDATE procrastinate_jobs SET attempts = %(attempts)s, scheduled_at = NULL"
        " WHERE queue_name = %(queue)s",
        attempts=attempts,
        queue=queue._name,
    )
