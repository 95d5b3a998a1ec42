"""What the house says of itself: JSON log lines and EMF metrics, with no secret and no person.

Facts are named one by one; bodies, tokens, openids, query strings and keys are never among them.
"""

import os
import traceback
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from chalicelib.edge.metrics import SERVICE, Unit, one_line, say
from chalicelib.kernel import trace
from chalicelib.kernel.errors import PlatformError

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

__all__ = ["Unit", "alarm", "count", "job", "logger", "measure", "mishap", "note", "one_line"]

_FRAMES_MAX = 20
_CAUSES_MAX = 5


@cache
def logger() -> "Logger":
    """Return this process's logger: one JSON line a fact, on standard output."""
    from aws_lambda_powertools import Logger

    level = os.environ.get("LOG_LEVEL", "INFO")
    return Logger(service=SERVICE, level=level, utc=True, use_rfc3339=True, location=None)


def count(
    metric: str, *, times: int = 1, facts: Mapping[str, Any] | None = None, **dimensions: str
) -> None:
    """Count what occurred, as an embedded metric on standard output; facts ride in its line.

    Each value of a dimension is one of few: docs/operations.md lists them, and a test does.
    """
    say(metric, [times], Unit.COUNT, dimensions, facts or {})


def measure(
    metric: str,
    *values: int,
    unit: Unit = Unit.MILLISECONDS,
    facts: Mapping[str, Any] | None = None,
    **dimensions: str,
) -> None:
    """Report quantities, as an embedded metric on standard output; none is no line."""
    say(metric, values, unit, dimensions, facts or {})


def note(message: str, **facts: Any) -> None:
    """Log a fact."""
    logger().info(message, **_traced(facts))


def alarm(message: str, **facts: Any) -> None:
    """Log what a person must look at, and count it: an alarm of its own listens to each message."""
    logger().error(message, **_traced(facts))
    with one_line(apart=True):
        count("AlarmRaised", alarm=message)


def job(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Count each run of a schedule, by whether it came to its end; each has a trace of its own."""

    @wraps(run)
    def counted(event: Any) -> Any:
        outcome = "failed"
        with trace.within(trace.minted(os.urandom)):
            try:
                answer = run(event)
                outcome = "done"
            finally:
                count("JobRun", job=run.__name__, outcome=outcome)
        return answer

    return counted


def mishap(message: str, error: Exception, **facts: Any) -> None:
    """Log an error nobody expected: what it is and where it rose, with its causes.

    Never its words: a library's may quote the body, the key or the person it stumbled over.
    """
    logger().error(message, errors=_told(error), **_traced(facts))


def _traced(facts: dict[str, Any]) -> dict[str, Any]:
    found = trace.current()
    return {**facts, "trace": found} if found else facts


def _told(error: BaseException | None) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    while error is not None and len(told) < _CAUSES_MAX:
        frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_MAX:]
        at = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        told.append({"error": type(error).__name__, "code": _code(error), "at": at})
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return told


def _code(error: BaseException) -> str:
    """Return what a refusal, ours or a service's, calls itself."""
    if isinstance(error, PlatformError):
        return error.code
    response = getattr(error, "response", None)  # botocore's
    answer = response.get("Error") if isinstance(response, dict) else None
    return str(answer.get("Code", "")) if isinstance(answer, dict) else ""
