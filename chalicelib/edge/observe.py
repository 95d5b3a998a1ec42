"""What the house says of itself: JSON log lines and EMF metrics, with no secret and no person.

Facts are named one by one; bodies, tokens, openids, query strings and keys are never among them.
"""

import os
import traceback
from collections.abc import Callable, Mapping
from functools import cache, wraps
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

from chalicelib.kernel.errors import PlatformError

NAMESPACE = "Shoukuan"
_FRAMES_MAX = 20
_CAUSES_MAX = 5


@cache
def logger() -> Logger:
    """Return this process's logger: one JSON line a fact, on standard output."""
    level = os.environ.get("LOG_LEVEL", "INFO")
    return Logger(service="shoukuan", level=level, utc=True, use_rfc3339=True, location=None)


def count(
    metric: str, *, times: int = 1, facts: Mapping[str, str] | None = None, **dimensions: str
) -> None:
    """Count what occurred, as an embedded metric on standard output; facts ride in its line.

    Each value of a dimension is one of few: docs/operations.md lists them, and a test does.
    """
    provider = AmazonCloudWatchEMFProvider(
        namespace=NAMESPACE, service="shoukuan", metric_set={}, dimension_set={}, metadata_set={}
    )
    for name, value in dimensions.items():
        provider.add_dimension(name, value)
    for name, value in (facts or {}).items():
        provider.add_metadata(name, value)
    provider.add_metric(metric, MetricUnit.Count, times)
    provider.flush_metrics()


def measure(metric: str, value: int, unit: MetricUnit = MetricUnit.Seconds) -> None:
    """Report a quantity, as an embedded metric on standard output."""
    provider = AmazonCloudWatchEMFProvider(
        namespace=NAMESPACE, service="shoukuan", metric_set={}, dimension_set={}, metadata_set={}
    )
    provider.add_metric(metric, unit, value)
    provider.flush_metrics()


def note(message: str, **facts: Any) -> None:
    """Log a fact."""
    logger().info(message, **facts)


def alarm(message: str, **facts: Any) -> None:
    """Log what a person must look at, and count it: an alarm of its own listens to each message."""
    logger().error(message, **facts)
    count("AlarmRaised", alarm=message)


def job(run: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Count each run of a schedule, by whether it came to its end."""

    @wraps(run)
    def counted(event: Any) -> Any:
        outcome = "failed"
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
    logger().error(message, errors=_told(error), **facts)


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
