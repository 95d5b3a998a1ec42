"""Business days (账期日): China's, and closed at a position of the numbered list, not at a time."""

from datetime import date, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))  # no daylight saving since 1991


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
