"""Planned misfortune: what goes wrong, on which path, how many times."""

import re
from enum import StrEnum
from threading import Lock
from typing import Annotated

from pydantic import Field, StringConstraints

from local.sandbox.prepay import Form
from local.sandbox.wire import HTML_TYPE, Answer, RefusalError, Request

BAD_GATEWAY = b"<html><body><center><h1>502 Bad Gateway</h1></center></body></html>"


class FaultKind(StrEnum):
    """How a request goes wrong."""

    DROP_ANSWER = "drop_answer"  # the work is done, the connection closes without an answer
    ERROR_500 = "error_500"  # before the work; so are the next two
    ERROR_429 = "error_429"
    HTML_502 = "html_502"
    UNSIGNED = "unsigned"  # the work is done, the answer carries no signature
    BAD_SIGNATURE = "bad_signature"  # the work is done, the signature is noise
    SIGNTEST = "signtest"  # the work is done, the signature is a sign test
    DELAY = "delay"  # only slow


class Fault(Form):
    """A planned misfortune: `path` is a prefix, or the whole path when it has a `*` in it."""

    path: Annotated[str, StringConstraints(pattern="^[/*]")]
    method: Annotated[str, StringConstraints(pattern=r"^([A-Z]+|\*)\z")] = "*"
    kind: Annotated[FaultKind, Field(strict=False)]
    times: int = Field(default=1, ge=1, le=1_000_000)
    delay_ms: int = Field(default=0, ge=0, le=600_000)

    def meets(self, request: Request) -> bool:
        """Tell whether this request is one it was planned for."""
        if self.method not in {"*", request.method}:
            return False
        if "*" not in self.path:
            return request.path.startswith(self.path)
        pattern = ".*".join(re.escape(part) for part in self.path.split("*"))
        return re.fullmatch(pattern, request.path) is not None


class Faults:
    """The list of what is planned, oldest first; each is spent after `times`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._planned: list[Fault] = []

    def plan(self, fault: Fault) -> None:
        """Plan one more."""
        with self._lock:
            self._planned.append(fault)

    def forget(self) -> None:
        """Plan nothing any more."""
        with self._lock:
            self._planned.clear()

    def planned(self) -> list[Fault]:
        """Return what is still to come."""
        with self._lock:
            return list(self._planned)

    def take(self, request: Request) -> Fault | None:
        """Return the first that meets this request, and spend it once."""
        with self._lock:
            for place, fault in enumerate(self._planned):
                if not fault.meets(request):
                    continue
                if fault.times == 1:
                    del self._planned[place]
                else:
                    self._planned[place] = fault.model_copy(update={"times": fault.times - 1})
                return fault
        return None


def instead_of_work(kind: FaultKind | None) -> Answer | None:
    """Return the answer that is given before any work is done, if it is that kind."""
    match kind:
        case FaultKind.ERROR_500:
            return RefusalError(500, "SYSTEM_ERROR", "系统异常，请稍后重试").answer()
        case FaultKind.ERROR_429:
            return RefusalError(429, "FREQUENCY_LIMITED", "频率超限").answer()
        case FaultKind.HTML_502:
            return Answer(502, BAD_GATEWAY, {"Content-Type": HTML_TYPE})
        case _:
            return None
