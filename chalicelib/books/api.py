"""The books, over HTTP."""

import re
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from chalicelib.books import wiring
from chalicelib.books.model import AccountNotFoundError, MerchantsBalances, StatementLine, Totals
from chalicelib.books.rules import csv_of
from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Answer, Api, Call
from chalicelib.edge.pages import InvalidCursorError, Page, next_cursor, place_in
from chalicelib.kernel.ids import EntryId, MerchantId, OrderId
from chalicelib.kernel.money import Money
from chalicelib.ledger.balances import PositionNotReachedError
from chalicelib.ledger.chart import Side
from chalicelib.ledger.days import CHINA, DayNotClosedError
from chalicelib.ledger.journal import JournalEntry
from chalicelib.ledger.movement import Posting
from chalicelib.people import wiring as people
from chalicelib.people.model import MerchantNotFoundError

api = Api(__name__, authenticator=wiring.authenticator)

POSITION_MAX = 10**15
_POSITIONS = re.compile(r"[0-9]{16}")
_DAYS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class BalancesView(BaseModel):
    """A merchant's money: under hold, its own, and on its way out, all at one position."""

    held: Money
    available: Money
    in_payout: Money
    position: int = Field(description="Every entry up to here is in it, and none beyond")


class EntryView(BaseModel):
    """A journal entry and its place in the numbered list."""

    id: EntryId
    kind: str
    key: str
    posted_at: AwareDatetime
    position: int
    order_id: OrderId | None
    postings: list[Posting]


class DayView(BaseModel):
    """A business day's counts. It holds what was numbered while it was open."""

    date: str
    orders: dict[str, int] = Field(description="placed, closed, released")
    payouts: dict[str, int] = Field(description="created, paid, failed")
    fees: list[Money] = Field(description="What the platform took")
    payments: dict[str, int] = Field(description="created, prepaid, paid, refused, late")
    refused: dict[str, int] = Field(description="payments refused at prepay, by reason")
    collected: list[Money]


class ClosedDayView(DayView):
    """A closed business day over all merchants, and where it closed."""

    position: int


class AccountBalanceView(BaseModel):
    """An account's balance in one currency; debits and credits only ever grow."""

    balance: Money = Field(description="Positive on the account's own side")
    debits: Money
    credits: Money


class AccountView(BaseModel):
    """An account at one position, in every currency in which it was posted to."""

    account: str
    side: Side
    position: int
    balances: list[AccountBalanceView]


class ListPage(BaseModel):
    """From where on, and how many."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=512)
    limit: int = Field(default=20, ge=1, le=100)


class ListLines(BaseModel):
    """From where on, how many lines, and in which form."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=512)
    limit: int = Field(default=100, ge=1, le=1000)
    format: Literal["json", "csv"] = "json"


class StatementView(BaseModel):
    """A business day of a merchant; one day's closing is the next one's opening."""

    merchant_id: MerchantId
    business_date: str
    opening: BalancesView
    lines: Page[StatementLine]
    fees: Money = Field(description="What the platform took on this day")
    closing: BalancesView


class When(BaseModel):
    """Now, or at a position, or at a business day's close."""

    model_config = ConfigDict(extra="forbid")

    position: int | None = Field(default=None, ge=0, le=POSITION_MAX)
    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "When":
        if self.position is not None and self.date is not None:
            raise ValueError("a position or a date, not both")
        return self


@api.get(
    "/v1/merchants/{merchant_id}/balances",
    scopes=[Scope.MERCHANT, Scope.OPERATOR],
    answer=BalancesView,
    refusals=[MerchantNotFoundError],
)
def get_balances(call: Call, merchant_id: str) -> BalancesView:
    """Show a merchant's money; about a second behind the commits, and never between two."""
    return _balances(wiring.read_books().of_merchant(_visible(call, merchant_id)))


@api.get(
    "/v1/merchants/{merchant_id}/statements/{day}",
    scopes=[Scope.MERCHANT, Scope.OPERATOR],
    query=ListLines,
    answer=StatementView,
    media=["text/csv"],
    refusals=[MerchantNotFoundError, DayNotClosedError, InvalidCursorError],
)
def get_statement(
    call: Call, merchant_id: str, day: str, query: ListLines
) -> StatementView | Answer:
    """Show a merchant's closed business day: opening, lines, fees, closing; as JSON or CSV."""
    asked = _visible(call, merchant_id)
    name = f"statement of {asked} on {day}"
    after = place_in(name, query.cursor, _POSITIONS)
    found = wiring.read_books().statement(asked, _date(day), after=after, limit=query.limit)
    cursor = next_cursor(name, found.ended)
    if query.format == "csv":
        headers = {"Content-Type": "text/csv; charset=utf-8"}
        if cursor is not None:
            headers["X-Next-Cursor"] = cursor
        return Answer(csv_of(found, first=query.cursor is None), status=200, headers=headers)
    return StatementView(
        merchant_id=found.merchant_id,
        business_date=found.day,
        opening=_balances(found.opening),
        lines=Page[StatementLine](items=list(found.lines), next=cursor),
        fees=found.fees,
        closing=_balances(found.closing),
    )


@api.get(
    "/v1/merchants/{merchant_id}/entries",
    scopes=[Scope.MERCHANT, Scope.OPERATOR],
    query=ListPage,
    answer=Page[EntryView],
    refusals=[MerchantNotFoundError, InvalidCursorError],
)
def list_entries(call: Call, merchant_id: str, query: ListPage) -> Page[EntryView]:
    """List a merchant's journal, newest first."""
    asked = _visible(call, merchant_id)
    name = f"entries of {asked}"
    found, ended = wiring.read_books().entries_of(
        asked, before=place_in(name, query.cursor, _POSITIONS), limit=query.limit
    )
    return Page[EntryView](
        items=[_entry(position, entry) for position, entry in found],
        next=next_cursor(name, ended),
    )


@api.get(
    "/v1/merchants/{merchant_id}/days",
    scopes=[Scope.MERCHANT, Scope.OPERATOR],
    query=ListPage,
    answer=Page[DayView],
    refusals=[MerchantNotFoundError, InvalidCursorError],
)
def list_days(call: Call, merchant_id: str, query: ListPage) -> Page[DayView]:
    """List a merchant's business days, newest first, with how its payments fared."""
    asked = _visible(call, merchant_id)
    name = f"days of {asked}"
    found, ended = wiring.read_books().days_of(
        asked, before=place_in(name, query.cursor, _DAYS), limit=query.limit
    )
    return Page[DayView](
        items=[_day(totals) for totals in found],
        next=next_cursor(name, ended),
    )


@api.get(
    "/v1/ledger/days/{day}",
    scopes=[Scope.OPERATOR],
    answer=ClosedDayView,
    refusals=[DayNotClosedError],
)
def get_day(_call: Call, day: str) -> ClosedDayView:
    """Show where a business day closed, and what happened on it."""
    position, totals = wiring.read_books().platforms_day(_date(day))
    return ClosedDayView(**_day(totals).model_dump(), position=position)


@api.get(
    "/v1/ledger/accounts/{account}",
    scopes=[Scope.OPERATOR],
    query=When,
    answer=AccountView,
    refusals=[AccountNotFoundError, PositionNotReachedError, DayNotClosedError],
)
def get_account(_call: Call, account: str, query: When) -> AccountView:
    """Show an account of the ledger, now, at a position, or at a business day's close."""
    day = _date(query.date) if query.date is not None else None
    shown = wiring.read_books().account(account, position=query.position, day=day)
    return AccountView(
        account=shown.account,
        side=shown.side,
        position=shown.position,
        balances=[
            AccountBalanceView(
                balance=one.on(shown.side),
                debits=Money(amount=one.debits, currency=one.currency),
                credits=Money(amount=one.credits, currency=one.currency),
            )
            for one in shown.balances
        ],
    )


def _visible(call: Call, merchant_id: str) -> MerchantId:
    only = call.caller.only_merchant_id
    return people.merchants().shown_to(MerchantId.parse(merchant_id), only)


def _balances(shown: MerchantsBalances) -> BalancesView:
    return BalancesView(
        held=shown.held,
        available=shown.available,
        in_payout=shown.in_payout,
        position=shown.position,
    )


def _date(text: str) -> date:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=CHINA).date()
    except ValueError:
        raise DayNotClosedError("there is no such day", day=text[:16]) from None


def _entry(position: int, entry: JournalEntry) -> EntryView:
    return EntryView(
        id=entry.id,
        kind=entry.kind,
        key=entry.key,
        posted_at=entry.posted_at,
        position=position,
        order_id=entry.order_id,
        postings=list(entry.postings),
    )


def _day(totals: Totals) -> DayView:
    return DayView(
        date=totals.day,
        orders={
            "placed": totals.orders_placed,
            "closed": totals.orders_closed,
            "released": totals.orders_released,
        },
        payouts={
            "created": totals.payouts_created,
            "paid": totals.payouts_paid,
            "failed": totals.payouts_failed,
        },
        fees=[Money(amount=fee, currency=unit) for unit, fee in sorted(totals.fees.items())],
        payments={
            "created": totals.payments_created,
            "prepaid": totals.payments_prepaid,
            "paid": totals.payments_captured,
            "refused": totals.payments_refused,
            "late": totals.payments_late,
        },
        refused=dict(totals.refused),
        collected=[
            Money(amount=amount, currency=currency)
            for currency, amount in sorted(totals.captured.items())
        ],
    )
