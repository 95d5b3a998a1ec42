"""A day's totals, and how payments fared on it."""

from collections.abc import Mapping

from chalicelib.kernel.errors import Kind, NotFoundError, PlatformError
from chalicelib.kernel.record import Record

PLATFORM = "platform"
"""The scope of all merchants together."""


class Totals(Record):
    """What happened on a business day, to a merchant or to all; counts of events of that day."""

    scope: str
    day: str
    orders_placed: int = 0
    orders_closed: int = 0
    payments_created: int = 0
    payments_refused: int = 0  # by the provider, at prepay
    payments_captured: int = 0
    payments_late: int = 0
    payments_parked: int = 0
    refused: Mapping[str, int] = {}  # by the provider's reason
    captured: Mapping[str, int] = {}  # by currency, in its smallest unit; late money is not in it

    @property
    def payments_prepaid(self) -> int:
        """Return how many came to the provider's cashier, as far as we know.

        A prepay whose answer was lost counts: the provider may hold it. What was paid did come
        there, whatever we had been told.
        """
        paid = self.payments_captured + self.payments_late
        return max(self.payments_created - self.payments_refused, paid)


class AccountNotFoundError(NotFoundError):
    """Nothing was ever posted to such an account."""

    code = "account_not_found"


class DayNotClosedError(PlatformError):
    """The business day is not over, or was before the first entry."""

    kind = Kind.NOT_FOUND
    code = "day_not_closed"
