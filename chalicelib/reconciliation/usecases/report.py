"""A day's report: what the accounts came to, what became of the lines, and what differs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import NamedTuple

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.money import CNY, Money
from chalicelib.ledger import chart
from chalicelib.ledger.balances import Balances
from chalicelib.ledger.chart import Account
from chalicelib.ledger.days import ClosedDays, business_day, day_before
from chalicelib.reconciliation.model import Discrepancy, Reconciliation
from chalicelib.reconciliation.usecases.read import ReadReconciliations

LISTED_MAX = 2_000
"""More differences than that are read page by page, not on one."""


class AccountDay(NamedTuple):
    """An account over a business day, on its own side; debits and credits are the day's."""

    account: str
    side: chart.Side
    opening: Money
    debits: Money
    credits: Money
    closing: Money


class Report(NamedTuple):
    """A day as it is shown to people."""

    found: Reconciliation
    accounts: Sequence[AccountDay]
    differences: Sequence[Discrepancy]  # what the day showed, and what stood from before
    complete: bool  # whether all differences are listed
    today: date


@dataclass(frozen=True, slots=True)
class ReportDay:
    """Puts a reconciled day together for people."""

    reading: ReadReconciliations
    balances: Balances
    days: ClosedDays
    clock: Clock

    def report(self, day: str) -> Report:
        """Return a day's report, or raise `ReconciliationNotFoundError`."""
        found = self.reading.result(day)
        opened = self.days.closed_at(date.fromisoformat(day_before(day))) or 0
        listed = list(islice(self._differences(day), LISTED_MAX + 1))
        return Report(
            found=found,
            accounts=[
                self._over(account, opened, found.position) for account in _accounts(found.provider)
            ],
            differences=sorted(listed[:LISTED_MAX], key=lambda one: (one.day, one.id)),
            complete=len(listed) <= LISTED_MAX,
            today=business_day(self.clock.now()),
        )

    def _differences(self, day: str) -> Iterator[Discrepancy]:
        store, name = self.reading.store, self.reading.provider_name
        yield from store.every(name, day)
        yield from (one for one in store.stood(name, day) if one.day != day)

    def _over(self, account: Account, opened: int, closed: int) -> AccountDay:
        before = self.balances.at(account.name, CNY, opened)
        after = self.balances.at(account.name, CNY, closed)
        return AccountDay(
            account.name,
            account.normal,
            opening=before.on(account.normal),
            debits=Money(amount=after.debits - before.debits),
            credits=Money(amount=after.credits - before.credits),
            closing=after.on(account.normal),
        )


def _accounts(provider: str) -> Sequence[Account]:
    return (
        chart.provider_clearing(provider),
        chart.provider_fees(provider),
        chart.REFUNDS_IN_TRANSIT,
        chart.PLATFORM_SUSPENSE,
        chart.PLATFORM_FEES,
        chart.BANK,
    )
