"""A meter at the client: every call to DynamoDB, its capacity, and the keys it touched."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass
class Reading:
    """What one verb asked of DynamoDB."""

    calls: list[str] = field(default_factory=list)
    write_units: int = 0
    commits: list[list[tuple[str, str, str]]] = field(default_factory=list)

    @property
    def round_trips(self) -> int:
        """Return how many times the network was crossed."""
        return len(self.calls)


class Counter(Protocol):
    """Whoever counts what a verb asks of its database."""

    def reading(self) -> AbstractContextManager[Reading]:
        """Read what happens inside the `with`."""


class Meter:
    """Listens on a client; production code knows nothing of it."""

    def __init__(self, client: Any) -> None:
        self._reading: Reading | None = None
        events = client.meta.events
        events.register("provide-client-params.dynamodb.TransactWriteItems", self._asked)
        events.register("after-call.dynamodb.TransactWriteItems", self._answered)
        events.register("provide-client-params.dynamodb.BatchWriteItem", self._batched)
        events.register("after-call.dynamodb.BatchWriteItem", self._answered)
        events.register("before-call.dynamodb", self._called)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Read what happens inside the `with`."""
        self._reading = reading = Reading()
        try:
            yield reading
        finally:
            self._reading = None

    def _asked(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        if self._reading is not None:
            self._reading.commits.append(
                [_key(action) for item in params["TransactItems"] for action in item.values()]
            )
        return params | {"ReturnConsumedCapacity": "TOTAL"}

    def _batched(self, params: dict[str, Any], **_: Any) -> dict[str, Any]:
        return params | {"ReturnConsumedCapacity": "TOTAL"}

    def _called(self, model: Any, **_: Any) -> None:
        if self._reading is not None:
            self._reading.calls.append(model.name)

    def _answered(self, parsed: dict[str, Any], **_: Any) -> None:
        if self._reading is not None:
            for consumed in parsed.get("ConsumedCapacity", []):
                self._reading.write_units += round(consumed["CapacityUnits"])


def _key(action: dict[str, Any]) -> tuple[str, str, str]:
    at = action.get("Key") or action["Item"]
    return action["TableName"], at["pk"]["S"], at["sk"]["S"]
