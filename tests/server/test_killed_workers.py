"""Workers on PostgreSQL that are killed in the middle of a message, as real processes."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from chalicelib.edge import pgqueue
from chalicelib.edge.pgschema import create_queues
from local.lifeline import ROOT
from local.postgres import Postgres

pytestmark = [pytest.mark.postgres, pytest.mark.slow]

LEASE_SECONDS = 2
SECONDS_MAX = 30


class Scene:
    """A queue, and processes that work on it."""

    def __init__(self, url: str, told: Path) -> None:
        self.url = url
        self.told = told
        self.name = f"killed-{time.monotonic_ns()}"
        self.door = pgqueue.connect(url)
        self.queue = pgqueue.PostgresQueue(self.door, self.name)
        self.dead = pgqueue.PostgresQueue(self.door, pgqueue.dead_letters_of(self.name))
        self.processes: list[subprocess.Popen[bytes]] = []

    def worker(self) -> "subprocess.Popen[bytes]":
        words = [self.url, self.name, str(self.told), str(LEASE_SECONDS)]
        process = subprocess.Popen([sys.executable, "-m", "tests.server.victim", *words], cwd=ROOT)
        self.processes.append(process)
        return process

    def begun(self) -> list[list[int]]:
        """Return what was begun: the message's number, and how often it had been received."""
        if not self.told.exists():
            return []
        return [json.loads(line) for line in self.told.read_text().splitlines()]

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.door.close()


@pytest.fixture
def scene(postgres: Postgres, tmp_path: Path) -> Iterator[Scene]:
    url = postgres.create_database(f"killed-{time.monotonic_ns()}")
    create_queues(url)
    opened = Scene(url, tmp_path / "told")
    yield opened
    opened.close()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline, "it did not come to this"
        time.sleep(0.05)


@pytest.mark.parametrize("word", [signal.SIGKILL, signal.SIGSTOP])
def test_what_a_killed_worker_had_comes_again(scene: Scene, word: signal.Signals) -> None:
    scene.queue.send_many([{"n": 0, "hangs": 1}, {"n": 1, "hangs": 0}])
    first = scene.worker()
    wait_until(lambda: [0, 1] in scene.begun() and scene.queue.count() == 1)
    first.send_signal(word)
    ended = time.monotonic()
    scene.worker()
    wait_until(lambda: scene.queue.count() == 0)
    assert sorted(scene.begun()) == [[0, 1], [0, 2], [1, 1]]
    assert time.monotonic() - ended > LEASE_SECONDS / 2, "its lease was kept"
    assert scene.dead.count() == 0


def test_a_message_that_kills_its_workers_is_dead_in_the_end(scene: Scene) -> None:
    scene.queue.send({"n": 0, "hangs": 99})
    with psycopg.connect(scene.url, autocommit=True) as connection:
        most = pgqueue.RECEIVES_MAX - 2  # two are left
        connection.execute("UPDATE procrastinate_jobs SET attempts = %s", [most])
    for _ in range(2):
        seen = len(scene.begun())
        worker = scene.worker()
        wait_until(lambda seen=seen: len(scene.begun()) > seen)  # type: ignore[misc]
        worker.kill()
        worker.wait()
    scene.worker()
    wait_until(lambda: scene.dead.count() == 1)
    assert scene.begun() == [[0, pgqueue.RECEIVES_MAX - 1], [0, pgqueue.RECEIVES_MAX]]
    assert scene.queue.count() == 0


def test_a_worker_takes_up_its_work_when_its_connections_were_cut(scene: Scene) -> None:
    scene.worker()
    scene.queue.send({"n": 0, "hangs": 0})
    wait_until(lambda: scene.queue.count() == 0 and bool(scene.begun()))
    with psycopg.connect(scene.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    scene.queue.send({"n": 1, "hangs": 0})
    wait_until(lambda: [1, 1] in scene.begun())


def test_what_was_taken_and_lost_on_the_way_comes_again(scene: Scene) -> None:
    """The answer to taking a message never arrived: its worker lives, and has nothing of it."""
    scene.worker()
    scene.queue.send({"n": 0, "hangs": 0})
    wait_until(lambda: bool(scene.begun()) and scene.queue.count() == 0)
    with psycopg.connect(scene.url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status, worker_id)"
            " SELECT %s, %s, %s, 'doing', max(id) FROM procrastinate_workers",
            [scene.name, pgqueue.TASK, json.dumps({"body": '{"n": 5, "hangs": 0}', "sent": 0})],
        )
    wait_until(lambda: [5, 2] in scene.begun())
    wait_until(lambda: scene.queue.count() == 0)
