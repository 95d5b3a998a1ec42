"""The whole application in one process: its real door, wiring and adapters, on an in-memory table.

What the house meets of the world is exchanged in `outside`, nothing else is: WeChat is the
sandbox, called without a network, and its notifications come in at our own door.
"""

import base64
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from chalicelib import commands, hearing, outside
from chalicelib.books import wiring as books
from chalicelib.ledger.days import CHINA, business_day
from chalicelib.providers.transport import Answer, Timeouts
from chalicelib.reconciliation import jobs as reconciliation
from chalicelib.settlement import jobs as settlement
from local.sandbox.app import Sandbox
from local.sandbox.keys import SandboxKeys, environment
from server.wsgi import Gateway
from tests.fakes.clock import START, StoppedClock
from tests.fakes.lake import MemoryLake
from tests.fakes.table import MemoryTable

SANDBOX = "http://sandbox.test"
OURS = "https://shop.test"
SESSION_KEY = "session-key-of-the-premises-0123456789"
HOME = "127.0.0.1"


@cache
def sandbox_keys() -> SandboxKeys:
    """Make one set of keys a process: five RSA keys take a second."""
    return SandboxKeys.generate(START - timedelta(days=1))


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, as bytes and as JSON."""

    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw) if self.raw else None

    @property
    def code(self) -> str:
        return str(self.body["code"])

    # what a pool of urllib3 would say to the sandbox's messenger
    @property
    def data(self) -> bytes:
        return self.raw

    @property
    def reason(self) -> str:
        return ""


def called(
    app: Any,
    method: str,
    target: str,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    source: str = HOME,
) -> Reply:
    """Call a WSGI application without a network."""
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "REQUEST_URI": target,
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": source,
        "CONTENT_LENGTH": str(len(body)) if body else "",
        "wsgi.input": io.BytesIO(body),
    }
    for name, value in dict(headers).items():
        plain = name.upper().replace("-", "_")
        environ[plain if plain.startswith("CONTENT_") else f"HTTP_{plain}"] = value
    said: list[Any] = []
    answered = b"".join(app(environ, lambda status, given: said.extend([status, given])))
    status, given = said
    return Reply(int(status.split()[0]), dict(given), answered)


@dataclass
class Wire:
    """HTTP to the sandbox: the port's `Transport` and `Downloads`."""

    sandbox: Sandbox
    clock: StoppedClock

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Answer:
        target = url.removeprefix(SANDBOX) or "/"
        date = f"{self.clock.at:%a, %d %b %Y %H:%M:%S} GMT"
        reply = called(self.sandbox, method, target, {"Host": "sandbox.test", **headers}, body)
        return Answer(reply.status, {"Date": date, **reply.headers}, reply.raw)

    def download(
        self, url: str, headers: Mapping[str, str], into: Any, bytes_max: int
    ) -> Answer | None:
        answer = self.send("GET", url, headers, b"", Timeouts())
        if answer.status != 200:
            return answer
        into.write(answer.body)
        return None


@dataclass
class Postman:
    """The pool by which the sandbox delivers its notifications: straight to our door."""

    door: Gateway
    answers: list[Reply] = field(default_factory=list)
    letters: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    def request(
        self, method: str, url: str, *, body: bytes, headers: dict[str, str], **_: Any
    ) -> Reply:
        parts = urlsplit(url)
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        self.letters.append((target, headers, body))
        self.answers.append(called(self.door, method, target, headers, body))
        return self.answers[-1]

    def clear(self) -> None:
        pass


@dataclass
class MemoryQueue:
    """A queue in memory; what is delayed comes at once."""

    messages: list[Mapping[str, Any]] = field(default_factory=list)

    def send(self, message: Mapping[str, Any], *, delay_seconds: int = 0) -> None:
        self.messages.append(message)

    def send_many(self, messages: Iterable[Mapping[str, Any]]) -> None:
        self.messages.extend(messages)

    def count(self) -> int:
        return len(self.messages)


class Premises:
    """The application's door, and what a test needs to know of the world behind it."""

    def __init__(self) -> None:
        from app import app  # noqa: PLC0415  it reads the environment, which is set by now

        self.clock = StoppedClock()
        self.table = MemoryTable()
        self.lake, self.documents = MemoryLake(), MemoryLake()
        self.sandbox = Sandbox(
            sandbox_keys(), now=self.clock.protocol_now, base_url=SANDBOX, retries=()
        )
        self.wire = Wire(self.sandbox, self.clock)
        self.app = app
        self.door = Gateway(app)
        self.postman = Postman(self.door)
        for post in (self.sandbox._messenger, self.sandbox._pushes):
            post._pool = self.postman  # type: ignore[assignment]
        self.queues = {
            name: MemoryQueue()
            for name in ("bookings", "commands", "events", "settlements", "reconciliations")
        }
        self._keys = 0

    def ask(
        self,
        method: str,
        target: str,
        body: Any = None,
        *,
        token: str | None = None,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        source: str = HOME,
    ) -> Reply:
        """Call our own door; a body that is no bytes is sent as JSON."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        if method == "POST":
            sent.setdefault("Idempotency-Key", key or self.key())
            if body is not None and not isinstance(body, bytes):
                sent.setdefault("Content-Type", "application/json")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body)
        raw = raw.encode() if isinstance(raw, str) else raw
        return called(self.door, method, target, sent, raw, source=source)

    def done(self, method: str, target: str, body: Any = None, **how: Any) -> Any:
        """Call, and insist that it is done."""
        reply = self.ask(method, target, body, **how)
        assert reply.status < 300, (method, target, reply)
        return reply.body

    def key(self) -> str:
        self._keys += 1
        return f"key-{self._keys}"

    def issued(self, client_id: str) -> str:
        """Return a token of the issuer."""
        basic = base64.b64encode(client_id.replace(":", "%3A").encode() + b":x").decode()
        headers = {"Host": "sandbox.test", "Authorization": f"Basic {basic}"}
        form = b"grant_type=client_credentials"
        reply = called(self.sandbox, "POST", "/oidc/token", headers, form)
        return str(reply.body["access_token"])

    def shopper(self, code: str) -> str:
        """Return a session's token."""
        asked = {"provider": "wechat", "code": code}
        return str(self.done("POST", "/v1/sessions", asked)["token"])

    def control(self, verb: str, **asked: Any) -> Any:
        """Move the sandbox's world."""
        body = json.dumps(asked).encode()
        headers = {"Host": "sandbox.test", "Content-Type": "application/json"}
        reply = called(self.sandbox, "POST", f"/control/{verb}", headers, body)
        assert reply.status == 200, (verb, reply)
        return reply.body

    def pay(self, payment_id: str, **how: Any) -> list[int]:
        """Let a shopper pay; return how our door answered."""
        told = self.control("pay", out_trade_no=payment_id, **how)
        return [delivery["status"] for delivery in told["deliveries"]]

    def catch_up(self) -> None:
        """Number what waits, and do what follows from it, until nothing does."""
        consumers = {
            "events": hearing.hear_events,
            "commands": commands.run_commands,
            "settlements": settlement.run_settlements,
            "reconciliations": reconciliation.run_reconciliations,
        }
        for _ in range(20):
            rows = books.sequencer().run().rows
            for name, consume in consumers.items():
                queue = self.queues[name]
                messages, queue.messages = queue.messages, []
                for message in messages:
                    record = {"messageId": name, "body": json.dumps(message), "attributes": {}}
                    consume({"Records": [record]}, None)
            if not rows and not any(queue.messages for queue in self.queues.values()):
                return

    def day_over(self) -> str:
        """Let the business day end; return the day that is over."""
        self.catch_up()
        today = business_day(self.clock.at)
        midnight = datetime(today.year, today.month, today.day, tzinfo=CHINA)
        self.clock.at = (midnight + timedelta(days=1, hours=1)).astimezone(UTC)
        self.catch_up()
        return today.isoformat()


@contextmanager
def premises(**settings: str) -> Iterator[Premises]:
    """Open the premises; these settings win."""
    told = {
        **environment(sandbox_keys(), SANDBOX),
        "STAGE": "local",
        "DEVELOPMENT_PAYEES": "true",
        "PUBLIC_BASE_URL": OURS,
        "SESSION_KEY": SESSION_KEY,
        "RATE_LIMITS_ENABLED": "false",
        "ROUND_MILLISECONDS": "10",
        **settings,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in told.items():
            patch.setenv(name, value)
        forget()
        opened = Premises()
        for name, exchanged in _world(opened).items():
            _exchange(patch, getattr(outside, name), exchanged)
        patch.setattr(books, "_at_once", lambda calls: [call() for call in calls])
        try:
            yield opened
        finally:
            opened.sandbox.close()
            forget()


def _world(opened: Premises) -> dict[str, Any]:
    queues = {f"{name}_queue": (lambda queue=queue: queue) for name, queue in opened.queues.items()}
    return {
        **queues,
        "clock": lambda: opened.clock,
        "table": lambda: opened.table,
        "transport": lambda: opened.wire,
        "lake": lambda: opened.lake,
        "documents": lambda: opened.documents,
        "dead_letters": lambda: {name: MemoryQueue().count for name in opened.queues},
    }


def _exchange(patch: pytest.MonkeyPatch, real: Any, exchanged: Any) -> None:
    """Put another function in place, wherever a module has a name for the real one."""
    for module in _modules():
        for name, one in list(vars(module).items()):
            if one is real:
                patch.setattr(module, name, exchanged)


def _modules() -> list[ModuleType]:
    return [module for name, module in sys.modules.items() if name.startswith("chalicelib.")]


def forget() -> None:
    """Forget what this process built once, as a new process would have."""
    for module in _modules():
        if module.__name__ != "chalicelib.edge.observe":
            for one in list(vars(module).values()):
                clear = getattr(one, "cache_clear", None)
                if callable(clear) and not isinstance(one, type):
                    clear()
