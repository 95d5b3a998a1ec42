"""A throw-away PostgreSQL: a cluster in a temporary folder, on a free port of loopback.

It never outlives its parent; its folder goes with it, unless the parent was killed. PostgreSQL
refuses to run as root, so then it runs as the user `postgres`.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from local.emulator import free_port
from local.lifeline import ROOT, spawn

_START_SECONDS_MAX = 60
_STOP_SECONDS_MAX = 20
_USER = "shoukuan"
_FORGETFUL = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_SMALL = ("max_connections=200", "shared_buffers=64MB", "unix_socket_directories=")
HOW_TO_INSTALL = "PostgreSQL is not installed: `apt-get install postgresql`, or name its bin folder"
BIN_VARIABLE = "POSTGRES_BIN"


class PostgresError(RuntimeError):
    """The throw-away PostgreSQL can't be used; the sentence says why."""


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs: Debian keeps them off the path."""
    if named := os.environ.get(BIN_VARIABLE):
        return Path(named)
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(versions, key=lambda path: int(path.parts[-3]))
    return newest[-1].parent if newest else None


class Postgres:
    """One cluster; *durable* makes it keep what it committed over a kill."""

    def __init__(self, *, durable: bool = False, port: int = 0) -> None:
        self.port = port or free_port()
        self._password = secrets.token_urlsafe(24)
        self._settings = _SMALL if durable else (*_SMALL, *_FORGETFUL)
        self._folder: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        return f"postgresql://{_USER}:{self._password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> Self:
        """Start, and return when it answers; again after a kill it recovers what was committed."""
        programs = binaries()
        if programs is None:
            raise PostgresError(f"{HOW_TO_INSTALL} in {BIN_VARIABLE}")
        if self._folder is None:
            self._folder = self._made(programs)
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", *self._settings]
        command = [str(programs / "postgres"), "-D", str(self._folder / "cluster")]
        command += [part for option in options for part in ("-c", option)]
        with (self._folder / "log").open("ab") as log:
            self._process = spawn(_as_somebody(*command), dict(os.environ), log)
        self._wait_until_up()
        return self

    def stop(self) -> None:
        """Stop at once, and take the folder away: nothing needs to be written out before."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def kill(self) -> None:
        """End it as a power cut does: nothing is finished, nothing is said."""
        self.end(signal.SIGKILL)

    def end(self, by: signal.Signals) -> None:
        """End it by a signal, and keep its folder: it can be started again."""
        assert self._process is not None
        sessions = _children(self._process.pid) if by is signal.SIGKILL else []
        for pid in (self._process.pid, *sessions):  # each leads a group of its own
            _send(pid, by)
        self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let the whole server stand still for a while."""
        assert self._process is not None
        everybody = [self._process.pid, *_children(self._process.pid)]
        for pid in everybody:
            _send(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in everybody:
                _send(pid, signal.SIGCONT)

    def create_database(self, name: str) -> str:
        """Create an empty database and return its address."""
        import psycopg  # noqa: PLC0415  only who asks for a PostgreSQL needs its client

        with psycopg.connect(self.url(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return self.url(name)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _made(self, programs: Path) -> Path:
        folder = Path(tempfile.mkdtemp(prefix="shoukuan-postgres-"))
        word = folder / "password"
        word.touch(mode=0o600)
        word.write_text(self._password)
        if os.getuid() == 0:
            for path in (folder, word):
                shutil.chown(path, "postgres")
        command = [str(programs / "initdb"), "-D", str(folder / "cluster"), "-U", _USER]
        command += ["--encoding=UTF8", "--locale=C", "--no-sync"]
        command += ["--auth=scram-sha-256", f"--pwfile={word}"]
        made = subprocess.run(
            _as_somebody(*command), capture_output=True, text=True, cwd=ROOT, check=False
        )
        if made.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise PostgresError(f"initdb failed: {made.stderr.strip()}")
        return folder

    def _wait_until_up(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_SECONDS_MAX
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                assert self._folder is not None
                said = (self._folder / "log").read_text(errors="replace")[-2000:]
                self.stop()
                raise PostgresError(f"PostgreSQL did not start:\n{said}")
            time.sleep(0.02)

    def _ready(self) -> bool:
        """Ask as a client does: while it starts or recovers it says so, and hangs up."""
        import psycopg  # noqa: PLC0415

        try:
            psycopg.connect(self.url(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _send(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def _as_somebody(*command: str) -> list[str]:
    """Run as `postgres` when we are root, and end fast when the parent dies.

    The kernel forgets a death signal when a process changes its user: it is set after that.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return list(command)
    wrapped = [setpriv, "--pdeathsig", "INT"]
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        wrapped += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return [*wrapped, "--", *command]
