"""What a line costs: CPU of one of each, and how many times that of only spelling it as JSON."""

import io
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

from chalicelib.edge import observe
from chalicelib.kernel import trace

_TIMES, _ROUNDS = 2000, 9


def main() -> int:
    """Print the table."""
    spelled = median_ns(spell)
    print("| A line | CPU, µs | of spelling JSON |\n|---|---|---|")
    for name, tell in LINES:
        spent = median_ns(tell)
        print(f"| {name} | {spent / 1000:.1f} | {spent / spelled:.1f} |")
    return 0


def spell() -> None:
    """Spell a line as a count of one metric is, and write it nowhere."""
    json.dumps(_SPELLED, separators=(",", ":"))


def library() -> None:
    """Tell one metric by the library's provider, with nothing shared."""
    provider = AmazonCloudWatchEMFProvider(
        namespace="Shoukuan", service="shoukuan", metric_set={}, dimension_set={}, metadata_set={}
    )
    provider.add_dimension("event", "payment.captured")
    provider.add_metadata("trace", trace.current())
    provider.add_metric("Committed", MetricUnit.Count, 1)
    provider.flush_metrics()


def notification() -> None:
    """Tell all that is told of a notification."""
    with observe.one_line():
        observe.count("Committed", event="payment.captured")
        observe.measure("CommitAttempts", 1, unit=observe.Unit.COUNT)
        observe.measure("CommitMilliseconds", 9)
        observe.count("NotificationBooked", provider="wechatpay", booking="captured")
        observe.measure("RequestMilliseconds", 14, route_class="notification")
        observe.count("RequestMissed", times=0, route_class="notification")
        observe.measure("VerbMilliseconds", 14, verb="wechatpay_notified")


_SPELLED = {
    "_aws": {
        "Timestamp": 1,
        "CloudWatchMetrics": [
            {
                "Namespace": "Shoukuan",
                "Dimensions": [["service", "event"]],
                "Metrics": [{"Name": "Committed", "Unit": "Count"}],
            }
        ],
    },
    "service": "shoukuan",
    "event": "payment.captured",
    "Committed": [1],
    "trace": "f" * 32,
}
LINES: Sequence[tuple[str, Callable[[], None]]] = (
    ("one metric", lambda: observe.count("Committed", event="payment.captured")),
    ("one metric, by the library's provider", library),
    ("all seven of a notification", notification),
    ("a hundred values", lambda: observe.measure("NumberingMilliseconds", *range(100))),
    ("a line of the log", lambda: observe.note("request", method="GET", route="/x", status=200)),
)


def median_ns(tell: Callable[[], None]) -> int:
    """Return the CPU of one telling, in the middle of some rounds."""
    logged = observe.logger().registered_handler
    nowhere = io.StringIO()
    spent = []
    with redirect_stdout(nowhere), trace.within("f" * 32):
        stream, logged.stream = logged.stream, nowhere  # type: ignore[attr-defined]
        try:
            for _ in range(_ROUNDS):
                began = time.thread_time_ns()
                for _ in range(_TIMES):
                    tell()
                spent.append((time.thread_time_ns() - began) // _TIMES)
        finally:
            logged.stream = stream  # type: ignore[attr-defined]
    return sorted(spent)[_ROUNDS // 2]


if __name__ == "__main__":
    sys.exit(main())
