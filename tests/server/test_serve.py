"""The API's end: what is at hand is answered, what is new is refused; no stranger sees a trace."""

import http.client
import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest

from local.emulator import free_port
from server.knobs import Knobs
from server.probes import Readiness
from server.serve import Server
from tests.edge.calls import listening


class Slow:
    """A WSGI application that answers when it may."""

    def __init__(self) -> None:
        self.begun, self.may = threading.Event(), threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/breaks":
            raise KeyError("a-secret")
        self.begun.set()
        self.may.wait(10)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"done"]


class Scene:
    def __init__(self, *, drain_seconds: int = 10) -> None:
        self.slow, self.port, self.away = Slow(), free_port(), False
        self.readiness = Readiness({"database": self._look, "queue": lambda: None})
        told = Knobs(port=self.port, drain_seconds=drain_seconds, threads=4)
        self.server = Server(self.slow, self.readiness, told)
        self.server.start()

    def _look(self) -> None:
        if self.away:
            raise OSError("a-secret")

    def get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


@pytest.fixture
def scene() -> Iterator[Scene]:
    opened = Scene()
    yield opened
    opened.slow.may.set()
    opened.server.stop()


def test_what_is_at_hand_is_answered_before_the_end() -> None:
    scene, answers, ended = Scene(), [], []
    asking = threading.Thread(target=lambda: answers.append(scene.get("/slow")))
    asking.start()
    assert scene.slow.begun.wait(5)
    ending = threading.Thread(target=lambda: ended.append(scene.server.stop()))
    ending.start()
    time.sleep(0.3)
    with pytest.raises(ConnectionRefusedError):
        scene.get("/new")
    assert ended == []
    scene.slow.may.set()
    ending.join(5)
    asking.join(5)
    assert (answers, ended) == ([(200, "done")], [True])


def test_what_never_ends_is_not_waited_for() -> None:
    scene = Scene(drain_seconds=1)

    def ask() -> None:
        with suppress(OSError, http.client.HTTPException):
            scene.get("/slow")

    asking = threading.Thread(target=ask)
    asking.start()
    assert scene.slow.begun.wait(5)
    began = time.monotonic()
    assert not scene.server.stop()
    assert time.monotonic() - began < 5
    scene.slow.may.set()
    asking.join(5)


def test_it_is_ready_while_database_and_queue_answer(scene: Scene) -> None:
    assert scene.get("/readyz") == (200, '{"status": "ok", "database": "ok", "queue": "ok"}')
    scene.away = True
    assert scene.get("/readyz")[0] == 200, "it asks once a second at most"
    time.sleep(1.1)
    with listening() as ear:
        status, body = scene.get("/readyz")
    assert (status, json.loads(body)["database"]) == (503, "away")
    assert "secret" not in body + ear.text
    scene.readiness.draining = True
    assert scene.get("/readyz") == (503, '{"status": "draining"}')


def test_a_stranger_sees_no_stack_trace(scene: Scene) -> None:
    with listening() as ear:
        status, body = scene.get("/breaks")
    assert status == 500
    assert json.loads(body)["code"] == "internal_error"
    assert "secret" not in body + ear.text
    assert "Traceback" not in body
