"""The whole house on loopback: embedded AWS, sandbox gateway, API, worker, in this order.

Every process is a child of the runner, writes to a log of its own, and never outlives it.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from local.emulator import Emulator, free_port
from local.environment import environment
from local.lifeline import spawn
from local.postgres import Postgres
from local.resources import create_resources

_START_SECONDS_MAX = 40
_STOP_SECONDS_MAX = 15
_LOG_LINES = 15


class StackError(RuntimeError):
    """The stack can't start or run on; the sentence is for a person."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the four addresses are; 0 stands for any free port."""

    api: int = 0
    sandbox: int = 0
    aws: int = 0
    control: int = 0


@dataclass
class Child:
    """A process that answers at an address."""

    name: str
    module: str
    process: subprocess.Popen[bytes]
    health: str
    log: Path

    def wait_until_up(self) -> None:
        """Return when it answers; raise with its last words when it ends instead."""
        deadline = time.monotonic() + _START_SECONDS_MAX
        while not answers(self.health):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"{self.name} did not start:\n{tail(self.log)}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ask it to end, and wait."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


@dataclass
class Stack:
    """Everything that `make run` starts; a context manager for the demo, tests and benchmarks."""

    data_dir: Path
    ports: Ports = field(default_factory=Ports)
    overrides: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data_dir = self.data_dir.resolve()
        chosen = {
            name: getattr(self.ports, name) or free_port()
            for name in ("api", "sandbox", "aws", "control")
        }
        self.ports = Ports(**chosen)
        self.worker_port = free_port()
        self.api, self.sandbox, self.aws, self.control = (
            f"http://127.0.0.1:{port}" for port in chosen.values()
        )
        self._children: list[Child] = []
        self._emulator: Emulator | None = None
        self._postgres: Postgres | None = None
        self.storage_url = os.environ.get("STORAGE_URL", "")

    def start(self) -> Self:
        """Start everything in order; if anything fails, stop what runs and raise."""
        try:
            (self.data_dir / "logs").mkdir(parents=True, exist_ok=True)
            self._start_aws()
            self._start_postgres()
            environment = self.environment()
            self._migrate(environment)
            self._start("sandbox", "local.sandbox", environment, f"{self.sandbox}/healthz")
            self._start("api", "server serve", environment, f"{self.api}/healthz")
            health = f"http://127.0.0.1:{self.worker_port}/"
            self._start("worker", "local.workers", environment, health)
            for child in self._children:
                child.wait_until_up()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop everything, the embedded AWS last and cleanly, so that the data is saved."""
        while self._children:
            self._children.pop().stop()
        if self._emulator is not None:
            self._emulator.stop()
            self._emulator = None
        if self._postgres is not None:
            self._postgres.stop()
            self._postgres = None

    def restart(self, *, by: signal.Signals) -> None:
        """End the API and the workers by a signal, and start them again as they were."""
        ended = [child for child in self._children if child.name in {"api", "worker"}]
        for child in ended:
            child.process.send_signal(by)
        for child in ended:
            child.process.wait(_STOP_SECONDS_MAX)
            with child.log.open("ab") as log:
                child.process = _spawned(child.module, self.environment(), log)
        for child in ended:
            child.wait_until_up()

    def ended(self) -> str | None:
        """Return what ended by itself, with its last words; None while all is well."""
        for child in self._children:
            if child.process.poll() is not None:
                return f"{child.name} ended by itself:\n{tail(child.log)}"
        if self._emulator is None or self._emulator.ended():
            return "the embedded AWS ended by itself"
        return None

    def described(self) -> dict[str, Any]:
        """Return what `run.json` says."""
        pids = {child.name: child.process.pid for child in self._children}
        assert self._emulator is not None
        return {
            "api": self.api,
            "sandbox": self.sandbox,
            "aws": self.aws,
            "control": self.control,
            **({"storage": self.storage_url} if self.storage_url else {}),
            "log_vkey": None,
            "pids": {
                "api": [pids["api"]],
                "workers": [pids["worker"]],
                "sandbox": pids["sandbox"],
                "aws": self._emulator.pid,
            },
        }

    def environment(self) -> dict[str, str]:
        """Return what the children are told; the caller's own settings win over the sandbox's."""
        told = environment(self.data_dir, aws=self.aws, api=self.api, sandbox=self.sandbox)
        wins = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        told["MESSAGES_AT_ONCE"] = "1"  # a story tells what happens one after another
        fixed = {
            "HOST": "127.0.0.1",
            "PORT": str(self.ports.api),
            "SANDBOX_PORT": str(self.ports.sandbox),
            "WORKER_PORT": str(self.worker_port),
            "DATA_DIR": str(self.data_dir),
            "STORAGE_URL": self.storage_url,
        }
        return told | wins | self.overrides | fixed

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _start_aws(self) -> None:
        with (self.data_dir / "logs" / "aws.log").open("ab") as log:
            self._emulator = Emulator(self.ports.aws, self.data_dir / "aws", log)
            self._emulator.start()
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ[name] = "local"
        os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
        create_resources(self.aws)

    def _start_postgres(self) -> None:
        """With STORAGE=postgres, put tables and queues on a PostgreSQL that ends with the stack."""
        if os.environ.get("STORAGE") != "postgres":
            return
        self._postgres = Postgres().start()
        self.storage_url = self._postgres.create_database("shoukuan")

    def _migrate(self, environment: dict[str, str]) -> None:
        """Make PostgreSQL's schema, where STORAGE_URL names one."""
        if not environment.get("STORAGE_URL"):
            return
        path = self.data_dir / "logs" / "migrate.log"
        with path.open("ab") as log:
            if _spawned("server migrate", environment, log).wait(_START_SECONDS_MAX):
                raise StackError(f"PostgreSQL's schema was not made:\n{tail(path)}")

    def _start(self, name: str, module: str, environment: dict[str, str], health: str) -> None:
        path = self.data_dir / "logs" / f"{name}.log"
        with path.open("ab") as log:
            process = _spawned(module, environment, log)
        self._children.append(Child(name, module, process, health, path))


def _spawned(module: str, environment: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    return spawn([sys.executable, "-m", *module.split()], environment, log)


def answers(url: str) -> bool:
    """Tell whether an address answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:  # noqa: S310  loopback, ours
            return int(answer.status) == 200  # noqa: PLR2004
    except (urllib.error.URLError, OSError):
        return False


def tail(log: Path) -> str:
    """Return a log's last lines."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return "\n".join(f"  {line}" for line in lines[-_LOG_LINES:])


def write_run_file(path: Path, described: dict[str, Any]) -> None:
    """Write `run.json` as a whole or not at all; it may hold a database's password."""
    draft = path.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(described, indent=2) + "\n")
    draft.replace(path)
