"""The embedded AWS: ministack as a child process in a virtual environment of its own.

It speaks on 127.0.0.1 only. Its state is saved when it is stopped cleanly; a kill loses all since
the start.
"""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from local.lifeline import ROOT, spawn

VERSION = "1.5.33"
_PYTHON = ROOT / ".venv-emulator" / "bin" / "python"
_START_SECONDS_MAX = 60
_STOP_SECONDS_MAX = 20


class EmulatorError(RuntimeError):
    """The embedded AWS can't be used; the sentence says why."""


def free_port() -> int:
    """Return a port of loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Emulator:
    """One embedded AWS; with a data folder it remembers, without one it forgets."""

    def __init__(
        self, port: int = 0, data_dir: Path | None = None, log: IO[bytes] | None = None
    ) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._data_dir = data_dir
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Return the process's id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> Self:
        """Start, and return when it answers."""
        assert_version()
        command = [str(_PYTHON), "-m", "ministack"]
        self._process = spawn(command, self._environment(), self._log or subprocess.DEVNULL)
        deadline = time.monotonic() + _START_SECONDS_MAX
        while not self._healthy():
            if self._process.poll() is not None:
                raise EmulatorError("the embedded AWS ended while starting")
            if time.monotonic() > deadline:
                self.stop()
                raise EmulatorError("the embedded AWS does not answer")
            time.sleep(0.05)
        return self

    def stop(self) -> None:
        """Stop cleanly, so that its state is saved."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def ended(self) -> bool:
        """Tell whether the process is gone."""
        return self._process is None or self._process.poll() is not None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _environment(self) -> dict[str, str]:
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("AWS_")
        }
        environment |= {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "LOG_LEVEL": "WARNING",
            "PYTHONPATH": "",
        }
        if self._data_dir is not None:
            self._data_dir.mkdir(parents=True, exist_ok=True)
            environment |= {
                "PERSIST_STATE": "1",
                "STATE_DIR": str(self._data_dir.resolve()),
                "S3_PERSIST": "1",
                "S3_DATA_DIR": str(self._data_dir.resolve() / "s3"),
            }
        return environment

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1) as answer:  # noqa: S310
                return int(answer.status) == 200  # noqa: PLR2004
        except (urllib.error.URLError, OSError):
            return False


def assert_version() -> None:
    """Raise `EmulatorError` unless the pinned version is installed: others lose messages."""
    if not _PYTHON.exists():
        raise EmulatorError("the embedded AWS is not installed: run `make setup`")
    found = subprocess.run(
        [
            str(_PYTHON),
            "-c",
            "from importlib.metadata import version; print(version('ministack'))",
        ],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    if found != VERSION:
        raise EmulatorError(f"the embedded AWS is {found or 'broken'}, not {VERSION}: `make setup`")
