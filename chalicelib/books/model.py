"""A day's totals, and how payments fared on it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import AwareDatetime

from chalicelib.kernel.errors import NotFoundError
from chalicelib.kernel.ids import MerchantId, OrderId
from chalicelib.kernel.money import Money
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
    orders_released: int = 0
    parts_released: int = 0
    merchants_netted: int = 0  # what it had went into what it owed
    refunds_accepted: int = 0
    refunds_collected: int = 0  # out of what was released
    refunds_paid: int = 0
    payouts_created: int = 0
    payouts_paid: int = 0
    payouts_failed: int = 0
    refused: Mapping[str, int] = {}  # by the provider's reason
    captured: Mapping[str, int] = {}  # by currency, in its smallest unit; late money is not in it
    fees: Mapping[str, int] = {}  # the platform's, by currency

    @property
    def payments_prepaid(self) -> int:
        """Return how many came to the provider's cashier, as far as we know.

        A prepay whose answer was lost counts: the provider may hold it. What was paid did come
        there, whatever we had been told.
        """
        paid = self.payments_captured + self.payments_late
        return max(self.payments_created - self.payments_refused, paid)


@dataclass(frozen=True, slots=True)
class MerchantsBalances:
    """A merchant's money at one position."""

    held: Money
    available: Money
    in_payout: Money
    position: int


class StatementLine(Record):
    """What one entry did to a merchant's three accounts; `fee` is what the platform took in it."""

    position: int
    posted_at: AwareDatetime
    kind: str
    key: str
    order_id: OrderId | None
    held: Money
    available: Money
    in_payout: Money
    fee: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """A merchant's business day (对账单): how it opened, what moved, how it closed."""

    merchant_id: MerchantId
    day: str
    opening: MerchantsBalances
    closing: MerchantsBalances
    fees: Money
    lines: Sequence[StatementLine]
    ended: str | None  # where the page of lines ended


class AccountNotFoundError(NotFoundError):
    """Nothing was ever posted to such an account."""

    code = "account_not_found"
