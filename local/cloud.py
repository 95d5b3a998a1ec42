"""`make cloud`: an empty AWS account and a provider, embedded, to deploy to; until Ctrl-C.

The gateway's side of the agreement is written where `docs/deploy.md` looks for it: settings of a
stage, and its secrets as files. Nothing of it is ever accepted in production.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from types import FrameType

from local.emulator import Emulator, EmulatorError
from local.environment import EMULATED
from local.lifeline import spawn
from local.packaging.parameters import SECRETS, SECRETS_WHERE
from local.sandbox.keys import environment, load_or_create
from local.stack import answers, tail

_START_SECONDS_MAX = 40


def main() -> int:
    """Run until SIGTERM or Ctrl-C; return the exit code."""
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    folder = Path(os.environ.get("CLOUD_DIR", ".cloud")).resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    gateway = f"http://127.0.0.1:{os.environ.get('SANDBOX_PORT', '8010')}"
    try:
        with (
            (folder / "aws.log").open("ab") as log,
            Emulator(int(os.environ.get("AWS_PORT", "4566")), folder / "aws", log) as emulator,
        ):
            return _serve(folder, emulator, gateway, stopping)
    except EmulatorError as error:
        print(error, file=sys.stderr)
        return 1


def _serve(folder: Path, emulator: Emulator, gateway: str, stopping: threading.Event) -> int:
    told = environment(load_or_create(folder), gateway)
    _write(folder, told)
    path = folder / "gateway.log"
    with path.open("ab") as log:
        mine = os.environ | told | EMULATED | _places(folder, gateway)
        process = spawn([sys.executable, "-m", "local.sandbox"], mine, log)
    try:
        for _ in range(_START_SECONDS_MAX * 10):
            if answers(f"{gateway}/healthz") or process.poll() is not None or stopping.is_set():
                break
            stopping.wait(0.1)
        if not answers(f"{gateway}/healthz"):
            print(f"the gateway did not start:\n{tail(path)}", file=sys.stderr)
            return 1
        print(f"ready {emulator.url} {gateway}", flush=True)
        while not stopping.wait(0.5) and process.poll() is None and not emulator.ended():
            pass
    finally:
        process.terminate()
        process.wait(15)
    return int(not stopping.is_set())


def _places(folder: Path, gateway: str) -> dict[str, str]:
    return {
        "SANDBOX_PORT": gateway.rpartition(":")[2],
        "DATA_DIR": str(folder),
        "BUSINESS_CLOCK_FILE": str(folder / "clock"),
    }


def _write(folder: Path, told: dict[str, str]) -> None:
    """Write what a person would have got from the provider's console."""
    secret = {*SECRETS, *SECRETS_WHERE}
    (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
    for name in secret & set(told):
        file = folder / "secrets" / name
        file.touch(mode=0o600)
        file.write_text(told[name])
    settings = {name: value for name, value in told.items() if name not in secret}
    settings |= {"BUSINESS_CLOCK_FILE": str(folder / "clock"), "WECHAT_PUSHES": "yes"}
    lines = "".join(f"{name}={value}\n" for name, value in sorted(settings.items()))
    (folder / "dev.env").write_text(lines)


if __name__ == "__main__":
    sys.exit(main())
