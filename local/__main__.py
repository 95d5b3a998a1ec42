"""`make run`: everything on loopback, until Ctrl-C."""

import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType

from local.control import Control
from local.emulator import EmulatorError
from local.stack import Ports, Stack, StackError, write_run_file

_DEFAULTS = {"PORT": 8000, "SANDBOX_PORT": 8010, "AWS_PORT": 4566, "CONTROL_PORT": 8020}
_WATCH_SECONDS = 0.5


def main() -> int:
    """Run until SIGTERM or Ctrl-C; return the exit code."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        ports = _ports()
        data_dir = Path(os.environ.get("DATA_DIR", ".data"))
        run_file = data_dir / "run.json"
        _refuse_second(run_file)
        return _run(Stack(data_dir, ports), run_file, stopping)
    except (StackError, EmulatorError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(stack: Stack, run_file: Path, stopping: threading.Event) -> int:
    with stack, Control(stack):
        try:
            write_run_file(run_file, stack.described())
            print(f"ready {stack.api}", flush=True)
            while not stopping.wait(_WATCH_SECONDS):
                if reason := stack.ended():
                    raise StackError(reason)
        finally:
            run_file.unlink(missing_ok=True)
    return 0


def _ports() -> Ports:
    """Read the ports, and refuse one that is taken before anything starts."""
    if os.environ.get("STAGE", "local") in {"prod", "production"}:
        raise StackError("this is for development: it refuses to run with STAGE=production")
    read: dict[str, int] = {}
    for name, default in _DEFAULTS.items():
        text = os.environ.get(name, str(default))
        if not text.isdigit() or not 0 < int(text) < 1 << 16:
            raise StackError(f"{name}={text} is no port")
        read[name] = int(text)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", read[name]))
            except OSError:
                raise StackError(f"port {text} is in use; choose another with {name}=…") from None
    return Ports(
        api=read["PORT"],
        sandbox=read["SANDBOX_PORT"],
        aws=read["AWS_PORT"],
        control=read["CONTROL_PORT"],
    )


def _refuse_second(run_file: Path) -> None:
    """Refuse a data folder whose run is alive; one that died left only its file."""
    try:
        pids = json.loads(run_file.read_text())["pids"]
        alive = [pid for pid in (*pids["api"], pids["aws"]) if Path(f"/proc/{pid}").exists()]
    except (OSError, ValueError, KeyError, TypeError):
        return
    if alive:
        raise StackError(f"a stack is running on this DATA_DIR already ({run_file})")
    run_file.unlink()


if __name__ == "__main__":
    sys.exit(main())
