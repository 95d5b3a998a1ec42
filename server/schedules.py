"""What EventBridge does: run a handler when its time has come, on the business clock."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from chalice.app import Chalice, Rate, ScheduledEventConfig

from server.context import LambdaContext

_UNITS = {"MINUTE": "minutes", "HOUR": "hours", "DAY": "days"}


@dataclass
class Schedule:
    """One scheduled handler; it is due for the first time one period after the start."""

    name: str
    every: timedelta
    handler: Callable[[Any, Any], Any]
    last_at: datetime | None = field(default=None)

    def due(self, now: datetime) -> bool:
        """Tell whether a period has passed since the last run, or time was turned back."""
        if self.last_at is None or now < self.last_at:
            self.last_at = now
            return False
        return now - self.last_at >= self.every

    def run(self, now: datetime) -> None:
        """Run the handler with an event as EventBridge sends it."""
        self.last_at = now
        event = {
            "version": "0",
            "account": "000000000000",
            "region": "us-east-1",
            "detail": {},
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "time": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "id": self.name,
            "resources": [],
        }
        self.handler(event, LambdaContext())


def schedules_of(app: Chalice) -> list[Schedule]:
    """Return the application's schedules; rates are all that it uses."""
    return [
        Schedule(
            name=source.name,
            every=_period(source.schedule_expression),
            handler=app.handler_map[source.name],
        )
        for source in app.event_sources
        if isinstance(source, ScheduledEventConfig)
    ]


def _period(expression: Any) -> timedelta:
    assert isinstance(expression, Rate), "only rates run locally"
    words = expression.to_string().removeprefix("rate(").removesuffix(")").split()
    amount, unit = int(words[0]), words[1].upper().removesuffix("S")
    return timedelta(**{_UNITS[unit]: amount})
