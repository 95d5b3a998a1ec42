"""A document's own commands: fenced blocks that say `bash follow`, run in one shell as they stand.

A block that says `bash stay` starts something that stays, as in a terminal of its own, until it
says `ready`.
"""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

_FENCED = re.compile(r"^```bash (follow|stay)\n(.*?)^```$|^#+ ([^\n]+)$", re.DOTALL | re.MULTILINE)
_DONE = "=== the block is done ==="
_END_SECONDS_MAX = 30


class DocumentError(RuntimeError):
    """The document can't be followed; the sentence says where."""


@dataclass(frozen=True, slots=True)
class Block:
    """Commands, and the heading that they stand under."""

    heading: str
    text: str
    stays: bool


def blocks(document: str) -> list[Block]:
    """Return the blocks that are to be followed, in order."""
    found, heading = [], ""
    for match in _FENCED.finditer(document):
        how, text, title = match.groups()
        if title is not None:
            heading = title
        else:
            found.append(Block(heading, text, how == "stay"))
    return found


class Shell:
    """One reader with a terminal, who types what the document says; a failure ends it."""

    def __init__(self, folder: Path, environment: Mapping[str, str], seconds_max: int) -> None:
        self._folder, self._environment = folder, dict(environment)
        self._seconds_max = seconds_max
        self._staying: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        self._bash = self._started(["bash", "-euo", "pipefail"])
        self._watchdog = threading.Timer(self._seconds_max, self._give_up)
        self._watchdog.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._watchdog.cancel()
        for process in [self._bash, *self._staying]:
            _end(process)

    def follow(self, block: Block) -> None:
        """Do what a block says; raise `DocumentError` where it fails."""
        print(f"\n── {block.heading}")
        if block.stays:
            process = self._started(["bash", "-c", block.text])
            self._staying.append(process)
            self._heard(process, "ready", block.heading)
        else:
            self._typed(block)

    def value(self, name: str) -> str:
        """Return a variable that a block has set."""
        lines = self._typed(Block(name, f'printf "%s\\n" "${{{name}}}"', stays=False), quiet=True)
        return next(line for line in reversed(lines) if line)

    def _typed(self, block: Block, *, quiet: bool = False) -> list[str]:
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{{\n{block.text}\n}} < /dev/null\nprintf '\\n%s\\n' '{_DONE}'\n")
        self._bash.stdin.flush()
        return self._heard(self._bash, _DONE, block.heading, quiet=quiet)

    def _heard(
        self, process: subprocess.Popen[str], word: str, heading: str, *, quiet: bool = False
    ) -> list[str]:
        """Repeat what it says up to a line that begins with this word."""
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            if line.startswith(word):
                return said
            said.append(line.rstrip("\n"))
            if said[-1] and not quiet:
                print(f"   {said[-1]}", flush=True)
        raise DocumentError(f"can't be followed under “{heading}”")

    def _started(self, command: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _give_up(self) -> None:
        print(f"\nnot done after {self._seconds_max} seconds", flush=True)
        for process in [self._bash, *self._staying]:
            _signal(process, signal.SIGTERM)


def _end(process: subprocess.Popen[str]) -> None:
    """End a terminal with all that runs in it, cleanly if it can."""
    _signal(process, signal.SIGTERM)
    try:
        process.communicate(timeout=_END_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        _signal(process, signal.SIGKILL)
        process.communicate()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)
