"""`make run`, from outside: what it writes, what it refuses, and that it leaves nothing behind."""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.client import Client
from local.emulator import free_port
from server.wsgi import Gateway
from tests.edge.test_http import app as tea
from tests.edge.test_http import seen

ROOT = Path(__file__).parent.parent.parent
Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    ports = {
        name: str(free_port()) for name in ("PORT", "SANDBOX_PORT", "AWS_PORT", "CONTROL_PORT")
    }
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COV"))
    }
    return kept | ports | {"DATA_DIR": str(tmp_path / "data")}


@pytest.fixture
def run(environment: dict[str, str]) -> Iterator[Run]:
    started: list[subprocess.Popen[str]] = []

    def start(**changes: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "local"],
            env=environment | changes,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def ready(process: "subprocess.Popen[str]", data_dir: str) -> dict[str, Any]:
    assert process.stdout is not None
    line = process.stdout.readline()
    described: dict[str, Any] = json.loads((Path(data_dir) / "run.json").read_text())
    assert line == f"ready {described['api']}\n"
    return described


def pids_of(described: dict[str, Any]) -> list[int]:
    pids = described["pids"]
    return [*pids["api"], *pids["workers"], pids["sandbox"], pids["aws"]]


def alive(pids: list[int]) -> list[int]:
    """Return those that still run; a zombie runs no more."""

    def runs(pid: int) -> bool:
        status = Path(f"/proc/{pid}/stat")
        try:
            return status.read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    return [pid for pid in pids if runs(pid)]


def gone_within(pids: list[int], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while alive(pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not alive(pids)


def register(described: dict[str, Any], key: str) -> Any:
    sandbox = Client(described["sandbox"])
    token = sandbox.post_form(
        "/oidc/token", grant_type="client_credentials", client_id="operator"
    ).body["access_token"]
    api = Client(described["api"], token)
    reply = api.post("/v1/merchants", {"name": "山月茶庄"}, key=key)
    for client in (api, sandbox):
        client.close()
    return reply.body


@pytest.mark.emulator
@pytest.mark.parametrize("word", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_cleanly_and_remembers(
    run: Run, environment: dict[str, str], word: signal.Signals
) -> None:
    first = run()
    described = ready(first, environment["DATA_DIR"])
    assert set(described) == {"api", "sandbox", "aws", "control", "log_vkey", "pids"}
    merchant = register(described, "once")
    first.send_signal(word)
    assert first.wait(30) == 0
    assert not (Path(environment["DATA_DIR"]) / "run.json").exists()
    assert alive(pids_of(described)) == []
    again = run()
    assert register(ready(again, environment["DATA_DIR"]), "once") == merchant
    second = run(**{name: str(free_port()) for name in environment if name.endswith("PORT")})
    assert second.wait(30) == 1
    assert "already" in second.communicate()[1]


@pytest.mark.emulator
def test_when_it_is_killed_nothing_goes_on_alone(run: Run, environment: dict[str, str]) -> None:
    process = run()
    described = ready(process, environment["DATA_DIR"])
    process.kill()
    process.wait()
    assert gone_within(pids_of(described), 20)


@pytest.mark.emulator
def test_when_a_part_dies_the_whole_says_so_and_stops(
    run: Run, environment: dict[str, str]
) -> None:
    process = run()
    described = ready(process, environment["DATA_DIR"])
    os.kill(described["pids"]["api"][0], signal.SIGKILL)
    assert process.wait(40) == 1
    assert "api ended by itself" in process.communicate()[1]
    assert alive(pids_of(described)) == []


def test_a_port_in_use_is_one_clear_line(run: Run, environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = run(SANDBOX_PORT=port)
        assert process.wait(30) == 1
    assert process.communicate()[1] == (
        f"port {port} is in use; choose another with SANDBOX_PORT=…\n"
    )


@pytest.mark.parametrize(
    ("changes", "word"), [({"STAGE": "production"}, "production"), ({"PORT": "x"}, "no port")]
)
def test_what_can_not_be_is_refused(run: Run, changes: dict[str, str], word: str) -> None:
    process = run(**changes)
    assert process.wait(30) == 1
    assert word in process.communicate()[1]


class Answered:
    """Collects what a WSGI application says."""

    def __init__(self, **environ: Any) -> None:
        body = environ.pop("body", b"")
        path = environ.pop("path", "/who")
        self.body = b"".join(
            Gateway(tea)(
                {
                    "REQUEST_METHOD": environ.pop("method", "GET"),
                    "REQUEST_URI": path,
                    "QUERY_STRING": path.partition("?")[2],
                    "CONTENT_LENGTH": str(len(body)),
                    "wsgi.input": io.BytesIO(body),
                    "REMOTE_ADDR": "127.0.0.1",
                    "HTTP_AUTHORIZATION": "me",
                    "HTTP_IDEMPOTENCY_KEY": "k",
                    **environ,
                },
                self._start,
            )
        )

    def _start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status = int(status.split(maxsplit=1)[0])
        self.headers = dict(headers)


def test_paths_are_decoded_after_they_are_matched() -> None:
    body = json.dumps({"tea": "茶", "cups": 10}).encode()
    answer = Answered(
        method="POST", path="/cups/%E8%8C%B6%2F7", body=body, CONTENT_TYPE="application/json"
    )
    assert json.loads(answer.body)["table"] == "茶/7"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/cups", 404),
        ("GET", "/cups/", 404),
        ("POST", "/who", 405),
        ("DELETE", "/who", 405),
        ("OPTIONS", "/who", 204),
        ("HEAD", "/who", 200),
        ("GET", "/who?limit=3", 200),
        ("GET", "/who?limit=3&limit=4", 400),
        ("GET", "/who?limit=x", 400),
        ("POST", "/cups/%FF", 400),
    ],
)
def test_what_the_gateway_itself_refuses_is_a_problem(method: str, path: str, status: int) -> None:
    answer = Answered(method=method, path=path)
    assert answer.status == status
    if status >= 400:
        assert answer.headers["Content-Type"] == "application/problem+json"
    if status == 405:
        assert answer.headers["Allow"] == "GET"
    if method == "HEAD":
        assert answer.body == b""


def test_bytes_that_are_no_text_come_through() -> None:
    raw = bytes(range(256))
    assert Answered(method="POST", path="/raw", body=raw, CONTENT_TYPE="x/y").status == 204
    assert seen[-1] == raw
