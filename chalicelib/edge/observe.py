"""What the house says of itself: JSON log lines and EMF metrics, with no secret and no person.

Facts are named one by one; bodies, tokens, openids, query strings and keys are never among them.
"""

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

NAMESPACE = "Shoukuan"


@cache
def logger() -> Logger:
    """Return this process's logger: one JSON line a fact, on standard output."""
    level = os.environ.get("LOG_LEVEL", "INFO")
    return Logger(service="shoukuan", level=level, utc=True, use_rfc3339=True)


def count(metric: str, *, facts: Mapping[str, str] | None = None, **dimensions: str) -> None:
    """Count one occurrence, as an embedded metric on standard output; facts ride in its line."""
    provider = AmazonCloudWatchEMFProvider(
        namespace=NAMESPACE, service="shoukuan", metric_set={}, dimension_set={}, metadata_set={}
    )
    for name, value in dimensions.items():
        provider.add_dimension(name, value)
    for name, value in (facts or {}).items():
        provider.add_metadata(name, value)
    provider.add_metric(metric, MetricUnit.Count, 1)
    provider.flush_metrics()


def note(message: str, **facts: Any) -> None:
    """Log a fact."""
    logger().info(message, **facts)


def alarm(message: str, **facts: Any) -> None:
    """Log what a person must look at; an alarm listens to the metric that goes with it."""
    logger().error(message, **facts)
