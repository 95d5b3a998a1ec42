"""A stage's queues, when its stack goes: kept by their policy, and in the way of the next one.

CloudFormation adopts tables, buckets and logs by their names, a queue it can't. So a stack is
removed when its queues are empty, and they go with it: what they told of is in the tables.
"""

from typing import Any

from local.deploying.cloud import DeployError

_COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
]


def urls_of(client: Any, stack: str) -> list[str]:
    """Return a stack's queues."""
    pages = client.get_paginator("list_queues").paginate(QueueNamePrefix=f"{stack}-")
    return [url for page in pages for url in page.get("QueueUrls", [])]


def assert_empty(client: Any, urls: list[str]) -> None:
    """Raise `DeployError` while a message waits anywhere, dead or alive."""
    waiting = {}
    for url in urls:
        told = client.get_queue_attributes(QueueUrl=url, AttributeNames=_COUNTS)["Attributes"]
        if count := sum(int(told[name]) for name in _COUNTS):
            waiting[url.rpartition("/")[2]] = count
    if waiting:
        said = ", ".join(f"{count} of {name}" for name, count in waiting.items())
        raise DeployError(f"messages wait: {said}; let them be worked off, or redrive them, first")


def remove(client: Any, urls: list[str]) -> None:
    """Remove queues that were found empty and that nobody feeds any more."""
    assert_empty(client, urls)
    for url in urls:
        client.delete_queue(QueueUrl=url)
