"""Settlements and payouts, over HTTP."""

import re
from datetime import date
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from chalicelib.catalog.api import Price
from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Api, Call
from chalicelib.edge.limits import RUN
from chalicelib.edge.pages import InvalidCursorError, Page, next_cursor, place_in
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import MerchantId, OrderId, PayoutId, SettlementId
from chalicelib.kernel.money import Money, fen
from chalicelib.ledger.days import DayNotClosedError
from chalicelib.payments.api import hear_of_payment, word_in
from chalicelib.people import wiring as people
from chalicelib.people.model import MerchantNotFoundError
from chalicelib.providers.funds import Transferred
from chalicelib.providers.port import NotificationRefusedError
from chalicelib.settlement import wiring
from chalicelib.settlement.model import (
    Payout,
    PayoutNotFoundError,
    PayoutState,
    Settlement,
    SettlementNotFoundError,
)
from chalicelib.settlement.usecases.read import Payouts

api = Api(__name__, authenticator=wiring.authenticator)

_OF_MERCHANT = re.compile(r"\d{4}-\d\d-\d\d/out_[0-9A-Z]{26}")
_OF_DAY = re.compile(r"mer_[0-9A-Z]{26}/out_[0-9A-Z]{26}")


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise ValueError("it is no date: YYYY-MM-DD") from None


class OpenSettlement(BaseModel):
    """A business day that is over."""

    model_config = ConfigDict(extra="forbid", strict=True)

    business_date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$"), AfterValidator(_day)]


class SettlementView(BaseModel):
    """The settling of a business day: of everything up to the position at which it closed."""

    id: SettlementId
    business_date: str
    position: int
    opened_at: AwareDatetime


class PayoutView(BaseModel):
    """Money on its way to a merchant.

    `confirmation` is what the merchant's mini-program hands to `wx.requestMerchantTransfer`; the
    money moves when its owner confirms. Where the seller is the payee, `order_id` says whose.
    """

    id: PayoutId
    merchant_id: MerchantId
    amount: Money
    state: PayoutState
    business_date: str
    created_at: AwareDatetime
    confirmation: str | None
    failure: str | None
    order_id: OrderId | None


class ListPage(BaseModel):
    """From where on, and how many."""

    model_config = ConfigDict(extra="forbid")

    cursor: str | None = Field(default=None, max_length=512)
    limit: int = Field(default=20, ge=1, le=100)


class AdvanceMoney(BaseModel):
    """What the platform paid for a merchant."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: Price


class AdvanceView(BaseModel):
    """What the merchant owes for it; it is netted from its next payouts."""

    merchant_id: MerchantId
    amount: Money


@api.post(
    "/v1/settlements",
    scopes=[Scope.OPERATOR],
    body=OpenSettlement,
    answer=SettlementView,
    status=201,
    idempotent=True,
    limit=RUN,
    refusals=[DayNotClosedError],
)
def open_settlement(_call: Call, body: OpenSettlement) -> SettlementView:
    """Settle a business day; settled again, only those are paid who could not be before."""
    day = date.fromisoformat(body.business_date)
    return _settlement(wiring.open_settlement().open(day))


@api.get(
    "/v1/settlements/{settlement_id}",
    scopes=[Scope.OPERATOR],
    answer=SettlementView,
    refusals=[SettlementNotFoundError],
)
def get_settlement(_call: Call, settlement_id: str) -> SettlementView:
    """Show a day's settlement."""
    return _settlement(wiring.read_settlements().settlement(SettlementId.parse(settlement_id)))


@api.get(
    "/v1/settlements/{settlement_id}/payouts",
    scopes=[Scope.OPERATOR],
    query=ListPage,
    answer=Page[PayoutView],
    refusals=[SettlementNotFoundError, InvalidCursorError],
)
def list_settlements_payouts(_call: Call, settlement_id: str, query: ListPage) -> Page[PayoutView]:
    """List the payouts of a business day; about a second behind the commits."""
    reading = wiring.read_settlements()
    day = reading.settlement(SettlementId.parse(settlement_id)).business_date
    name = f"payouts of {day}"
    after = place_in(name, query.cursor, _OF_DAY)
    return _page(name, reading.payouts_of(day, after=after, limit=query.limit))


@api.get(
    "/v1/merchants/{merchant_id}/payouts",
    scopes=[Scope.MERCHANT, Scope.OPERATOR],
    query=ListPage,
    answer=Page[PayoutView],
    refusals=[MerchantNotFoundError, InvalidCursorError],
)
def list_merchants_payouts(call: Call, merchant_id: str, query: ListPage) -> Page[PayoutView]:
    """List a merchant's payouts, newest days first; about a second behind the commits."""
    only = call.caller.only_merchant_id
    asked = people.merchants().shown_to(MerchantId.parse(merchant_id), only)
    name = f"payouts of {asked}"
    after = place_in(name, query.cursor, _OF_MERCHANT)
    found = wiring.read_settlements().payouts_of(asked, after=after, limit=query.limit)
    return _page(name, found)


@api.get(
    "/v1/payouts/{payout_id}",
    scopes=[Scope.MERCHANT, Scope.OPERATOR],
    answer=PayoutView,
    refusals=[PayoutNotFoundError],
)
def get_payout(call: Call, payout_id: str) -> PayoutView:
    """Show a payout to its merchant, or to an operator."""
    only = call.caller.only_merchant_id
    return _payout(wiring.read_settlements().payout(PayoutId.parse(payout_id), only))


@api.post(
    "/v1/merchants/{merchant_id}/advances",
    scopes=[Scope.OPERATOR],
    body=AdvanceMoney,
    answer=AdvanceView,
    status=201,
    idempotent=True,
    refusals=[MerchantNotFoundError, IdempotencyKeyReusedError],
)
def advance(call: Call, merchant_id: str, body: AdvanceMoney) -> AdvanceView:
    """Book what the platform paid for a merchant out of its bank, as the merchant's debt."""
    asked, amount = MerchantId.parse(merchant_id), fen(body.amount.amount)
    caller, key = call.caller.subject, call.idempotency_key
    wiring.advance().advance(asked, amount, caller=caller, key=key)
    return AdvanceView(merchant_id=asked, amount=amount)


@api.post(
    "/v1/notifications/wechatpay/payouts",
    raw=True,
    quiet=True,
    status=204,
    refusals=[NotificationRefusedError],
)
def wechatpay_paid_out(call: Call) -> None:
    """Book what WeChat Pay says of a payout; answered only when it is safe."""
    heard = word_in(call)
    if isinstance(heard, Transferred):
        wiring.pay_out().hear(heard)
    else:
        hear_of_payment(heard)


def _settlement(settlement: Settlement) -> SettlementView:
    return SettlementView(**dict(settlement))


def _payout(payout: Payout) -> PayoutView:
    return PayoutView(
        id=payout.id,
        merchant_id=payout.merchant_id,
        amount=payout.amount,
        state=payout.state,
        business_date=payout.business_date,
        created_at=payout.created_at,
        confirmation=payout.confirmation if payout.state is PayoutState.PROCESSING else None,
        failure=payout.failure or None,
        order_id=payout.order_id,
    )


def _page(name: str, found: Payouts) -> Page[PayoutView]:
    payouts, ended = found
    return Page[PayoutView](
        items=[_payout(payout) for payout in payouts], next=next_cursor(name, ended)
    )
