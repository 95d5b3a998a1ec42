"""Shipments as WeChat keeps them (发货信息管理): reported once, received, settled."""

from collections.abc import Callable
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from local.sandbox.book import Book
from local.sandbox.orders import Order, TradeState
from local.sandbox.parcel import Parcel, ParcelState
from local.sandbox.prepay import Form

Text = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class ErrorCode(IntEnum):
    """What a call is refused with, always under status 200."""

    OK = 0
    MALFORMED = 47001
    NO_SUCH_PAYMENT = 10060001
    SHIPPED_ALREADY = 10060002
    CORRECTION_SPENT = 10060003
    NOT_SHIPPABLE = 10060004


class OrderKey(Form):
    """Which payment: by WeChat Pay's number, or by the merchant's."""

    order_number_type: Literal[1, 2]
    transaction_id: Text | None = None
    mchid: Text | None = None
    out_trade_no: Text | None = None


class Contact(Form):
    """Masked telephones."""

    consignor_contact: Text | None = None
    receiver_contact: Text | None = None


class ShippedItem(Form):
    """One parcel."""

    tracking_no: Text
    express_company: Text
    item_desc: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    contact: Contact | None = None


class Payer(Form):
    """Whose order."""

    openid: Text


class UploadForm(Form):
    """What a merchant reports."""

    model_config = ConfigDict(extra="ignore", strict=False)

    order_key: OrderKey
    logistics_type: Literal[1, 2, 3, 4]
    delivery_mode: Literal[1, 2]
    shipping_list: list[ShippedItem] = Field(min_length=1, max_length=15)
    upload_time: AwareDatetime
    payer: Payer


class Outcome(StrEnum):
    """What a control call lets happen to a parcel."""

    RECEIVED = "received"  # the shopper confirms: settled at once
    SETTLED = "settled"  # by itself, ten days after shipping
    COMPLAINT = "complaint"
    RESOLVED = "resolved"


class Parcels:
    """Parcels by the payment's number; every verb decides and writes under the book's lock."""

    def __init__(self, book: Book, *, now: Callable[[], datetime]) -> None:
        self._book = book
        self._now = now

    def upload(self, asked: UploadForm) -> tuple[ErrorCode, Order | None]:
        """Take a report; the same parcel again is shipped already, another is a correction."""
        with self._book.lock:
            order = self._paid(asked.order_key)
            if order is None or not self._book.preferences.payments_known:
                return ErrorCode.NO_SUCH_PAYMENT, None
            if order.prepay.payers.get("openid", order.prepay.payers.get("sp_openid")) != (
                asked.payer.openid
            ):
                return ErrorCode.MALFORMED, None
            assert order.transaction_id is not None
            said = asked.model_dump(mode="json", exclude={"upload_time"}, exclude_none=True)
            known = self._book.parcels.get(order.transaction_id)
            if known is not None:
                return self._again(known, said), order
            parcel = Parcel(transaction_id=order.transaction_id, said=said, shipped_at=self._now())
            self._book.parcels.keep(parcel)
            return ErrorCode.OK, order

    def order_of(self, number: str) -> Order | None:
        """Find a paid order by WeChat Pay's number or the merchant's."""
        found = self._book.order_by_transaction_id(number) or self._book.order(number)
        return found if found and found.state is TradeState.SUCCESS else None

    def parcel(self, order: Order) -> Parcel | None:
        """Return an order's parcel, if it was reported."""
        return self._book.parcels.get(order.transaction_id or "")

    def let(self, order: Order, outcome: Outcome) -> Parcel | None:
        """Let something happen to a reported parcel."""
        with self._book.lock:
            parcel = self.parcel(order)
            if parcel is None:
                return None
            now = self._now()
            match outcome:
                case Outcome.RECEIVED if parcel.settled_at is None:
                    changed = parcel.evolve(received_at=now, settled_at=now)
                case Outcome.SETTLED if parcel.settled_at is None:
                    changed = parcel.evolve(settled_at=now)
                case Outcome.COMPLAINT:
                    changed = parcel.evolve(in_complaint=True)
                case Outcome.RESOLVED:
                    changed = parcel.evolve(in_complaint=False)
                case _:
                    changed = parcel
            return self._book.parcels.keep(changed)

    def _paid(self, key: OrderKey) -> Order | None:
        number = key.transaction_id if key.order_number_type == 2 else key.out_trade_no  # noqa: PLR2004  WeChat's number
        return self.order_of(number or "")

    def _again(self, known: Parcel, said: dict[str, Any]) -> ErrorCode:
        if known.settled_at is not None:
            return ErrorCode.NOT_SHIPPABLE
        if known.said == said:
            return ErrorCode.SHIPPED_ALREADY
        if known.corrected:
            return ErrorCode.CORRECTION_SPENT
        self._book.parcels.keep(known.evolve(said=said, corrected=True))
        return ErrorCode.OK


def order_fields(order: Order, parcel: Parcel | None) -> dict[str, Any]:
    """Spell an order as `get_order` answers it."""
    state = parcel.state if parcel else ParcelState.TO_SHIP
    return {
        "transaction_id": order.transaction_id,
        "merchant_trade_no": order.out_trade_no,
        "merchant_id": order.prepay.parties.get("mchid", order.prepay.parties.get("sp_mchid")),
        "paid_amount": order.prepay.amount.total,
        "openid": order.prepay.payers.get("openid", order.prepay.payers.get("sp_openid")),
        "order_state": int(state),
        "in_complaint": parcel.in_complaint if parcel else False,
        "shipping": {"shipping_list": parcel.said["shipping_list"]} if parcel else {},
    }
