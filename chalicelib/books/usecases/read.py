"""Reading the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from chalicelib.books.model import (
    PLATFORM,
    AccountNotFoundError,
    MerchantsBalances,
    Statement,
    Totals,
)
from chalicelib.books.rules import line_of, own_accounts
from chalicelib.books.store import TotalsStore
from chalicelib.kernel.ids import MerchantId
from chalicelib.kernel.money import CNY, fen
from chalicelib.ledger import chart
from chalicelib.ledger.balances import Balance, Balances, PositionNotReachedError
from chalicelib.ledger.chart import Side
from chalicelib.ledger.days import ClosedDays, DayNotClosedError, active_on
from chalicelib.ledger.entries import Entries
from chalicelib.ledger.journal import JournalEntry


@dataclass(frozen=True, slots=True)
class AccountAt:
    """An account's balances at one position, one for each currency."""

    account: str
    side: Side
    balances: Sequence[Balance]
    position: int


@dataclass(frozen=True, slots=True)
class ReadBooks:
    """Shows what the sequencer has folded and listed."""

    balances: Balances
    entries: Entries
    totals: TotalsStore
    days: ClosedDays

    def of_merchant(self, merchant_id: MerchantId) -> MerchantsBalances:
        """Return a merchant's balances, all at the same position; two round trips."""
        accounts = own_accounts(merchant_id)
        position, found = self.balances.at_head([account.name for account in accounts], CNY)
        held, available, in_payout = (
            balance.on(account.normal) for account, balance in zip(accounts, found, strict=True)
        )
        return MerchantsBalances(held, available, in_payout, position)

    def entries_of(
        self, merchant_id: MerchantId, *, before: str | None, limit: int
    ) -> tuple[Sequence[tuple[int, JournalEntry]], str | None]:
        """Return a page of a merchant's entries, newest first; one query."""
        return self.entries.of_merchant(merchant_id, before=before, limit=limit)

    def account(
        self, account: str, *, position: int | None = None, day: date | None = None
    ) -> AccountAt:
        """Return an account's balances now, at a position, or at a business day's close.

        Raises `AccountNotFoundError`, `PositionNotReachedError` or `DayNotClosedError`.
        """
        named = chart.is_account_name(account)
        currencies = self.balances.currencies(account) if named else []
        if not currencies:
            raise AccountNotFoundError("nothing was ever posted to such an account")
        reached = self.balances.position()
        at = self.closed_at(day) if day is not None else reached if position is None else position
        if at > reached:
            raise PositionNotReachedError("the list has not come so far", reached=reached)
        balances = [self.balances.at(account, currency, at) for currency in currencies]
        return AccountAt(account, chart.normal_side(account), balances, at)

    def closed_at(self, day: date) -> int:
        """Return the position at which a business day closed, or raise `DayNotClosedError`."""
        position = self.days.closed_at(day)
        if position is None:
            raise DayNotClosedError("this business day is not closed", day=day.isoformat())
        return position

    def days_of(
        self, merchant_id: MerchantId, *, before: str | None, limit: int
    ) -> tuple[Sequence[Totals], str | None]:
        """Return a page of a merchant's business days with their totals, newest first."""
        return self.totals.of_scope(merchant_id, before=before, limit=limit)

    def platforms_day(self, day: date) -> tuple[int, Totals]:
        """Return where a business day closed, and its totals over all merchants."""
        return self.closed_at(day), self.totals.of_day(PLATFORM, day.isoformat())

    def active_on(
        self, day: date, *, after: str | None, limit: int
    ) -> tuple[Sequence[MerchantId], str | None]:
        """Return a page of the merchants that were active on a business day; one query."""
        return active_on(self.totals.table, day.isoformat(), after=after, limit=limit)

    def statement(
        self, merchant_id: MerchantId, day: date, *, after: str | None, limit: int
    ) -> Statement:
        """Return a merchant's statement of a closed business day, with a page of its lines.

        It runs from the position at which the day before closed to that of this day, so that one
        day's closing is the next one's opening. Raises `DayNotClosedError`.
        """
        end = self.closed_at(day)
        begin = self.days.closed_at(day - timedelta(days=1)) or 0
        found, ended = self.entries.between(merchant_id, begin, end, after=after, limit=limit)
        totals = self.totals.of_day(merchant_id, day.isoformat())
        return Statement(
            merchant_id=merchant_id,
            day=day.isoformat(),
            opening=self._at(merchant_id, begin),
            closing=self._at(merchant_id, end),
            fees=fen(totals.fees.get(CNY, 0)),
            lines=[line_of(merchant_id, position, entry) for position, entry in found],
            ended=ended,
        )

    def _at(self, merchant_id: MerchantId, position: int) -> MerchantsBalances:
        held, available, in_payout = (
            self.balances.at(account.name, CNY, position).on(account.normal)
            for account in own_accounts(merchant_id)
        )
        return MerchantsBalances(held, available, in_payout, position)
