"""Business days (账期日): China's, and closed at a position of the numbered list, not at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from chalicelib.kernel.errors import Kind, PlatformError
from chalicelib.kernel.ids import MerchantId
from chalicelib.storage import keys
from chalicelib.storage.table import Table
from chalicelib.storage.values import whole

_FAR = "~"
CHINA = timezone(timedelta(hours=8))  # no daylight saving since 1991


class DayNotClosedError(PlatformError):
    """The business day is not over, or was before the first entry."""

    kind = Kind.NOT_FOUND
    code = "day_not_closed"


@dataclass(frozen=True, slots=True)
class ClosedDays:
    """Reads at which position each business day closed."""

    table: Table

    def closed_at(self, day: date) -> int | None:
        """Return the position at which a business day closed, None while it is open."""
        item = self.table.get(keys.day_closed(day.isoformat()))
        return whole(item["position"]) if item else None

    def closed_since(self, day: date) -> Sequence[date]:
        """Return the days that are closed, from this one on, oldest first; a page of them."""
        first = keys.day_closed(day.isoformat())
        page = self.table.query(first.table, first.pk, between=(first.sk, _FAR))
        return [date.fromisoformat(key.sk) for key, _ in page.rows]

    def day_of(self, position: int) -> str | None:
        """Return the business day to which a position belongs, None for one that is still open.

        Of one that is over for more than forty days, the oldest of them.
        """
        partition = keys.day_closed("")
        page = self.table.query(partition.table, partition.pk, limit=40, newest_first=True)
        over = [key.sk for key, item in page.rows if whole(item["position"]) >= position]
        return over[-1] if over else None


def active_on(
    table: Table, day: str, *, after: str | None, limit: int
) -> tuple[Sequence[MerchantId], str | None]:
    """Return a page of the merchants to whom something happened on a business day; one query."""
    page = table.query(keys.LOG, keys.active_on(day), after=after, limit=limit)
    return [MerchantId(key.sk) for key, _ in page.rows], page.next_sk


def day_began(day: str) -> datetime:
    """Return when a day began in China."""
    return datetime.combine(date.fromisoformat(day), time(), CHINA).astimezone(UTC)


def business_day(instant: datetime) -> date:
    """Return the day in China at this instant."""
    return instant.astimezone(CHINA).date()


def day_after(day: str) -> str:
    """Return the next day."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def day_before(day: str) -> str:
    """Return the day before."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def days_between(last_closed: str, today: date) -> list[str]:
    """Return the days after the last closed one that are over."""
    day, over = day_after(last_closed), list[str]()
    while day < today.isoformat():
        over.append(day)
        day = day_after(day)
    return over
