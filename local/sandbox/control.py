"""Control calls: the hand of a test, unsigned and from this machine only."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from local.sandbox.book import Book
from local.sandbox.faults import Fault, Faults
from local.sandbox.messenger import Messenger
from local.sandbox.orders import Delivery, Notice, Order, TradeState
from local.sandbox.prepay import Form, parsed
from local.sandbox.signing import SignWith
from local.sandbox.trades import Trades, order_paid
from local.sandbox.wire import Answer, Handler, RefusalError, Request, json_answer, strict_json

Signing = Annotated[SignWith, Field(strict=False)]


class Pay(Form):
    """What the payer does, and how the notification of it goes out.

    `amount_total`, `currency`, `transaction_id`, `mchid`, `sub_mchid` change what the notification
    says, not what the order is (a partner's order tells `mchid` as sp_mchid); `force` pays an
    order that is closed, which WeChat Pay never does.
    """

    out_trade_no: str | None = None
    prepay_id: str | None = None
    outcome: Literal["paid", "refused"] = "paid"
    deliver: bool = True
    times: int = Field(default=1, ge=1, le=100)
    delay_ms: int = Field(default=0, ge=0, le=600_000)
    force: bool = False
    sign_with: Signing | None = None
    amount_total: int | None = None
    currency: str | None = None
    transaction_id: str | None = None
    mchid: str | None = None
    sub_mchid: str | None = None

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if (self.out_trade_no is None) == (self.prepay_id is None):
            raise ValueError("give either out_trade_no or prepay_id")
        return self

    def tampered(self, order: Order) -> dict[str, Any]:
        """Return what the notification of an order shall say instead of the truth."""
        amount = {
            **({} if self.amount_total is None else {"total": self.amount_total}),
            **({} if self.currency is None else {"currency": self.currency}),
        }
        merchant = "sp_mchid" if order.prepay.sub_mchid else "mchid"
        return {
            "transaction_id": self.transaction_id,
            merchant: self.mchid,
            "sub_mchid": self.sub_mchid,
            "amount": amount,
        }


class Settings(Form):
    """What holds from now on; what is left out stays as it is."""

    sign_with: Signing | None = None
    certificates_listed: bool | None = None
    transfer_balance: int | None = Field(default=None, ge=0)  # null, when it is given: no end
    sharing_instant: bool | None = None
    sharing_waits: bool | None = None
    receivers_open: bool | None = None
    payments_known: bool | None = None
    refund_balance: int | None = Field(default=None, ge=0)  # null, when it is given: no end
    max_ratio: int | None = Field(default=None, ge=0, le=10_000)
    fee_basis_points: int | None = Field(default=None, ge=0, le=10_000)
    opening_balance: int | None = Field(default=None, ge=0)

    @property
    def changes(self) -> dict[str, Any]:
        """Return what was asked for; only a balance may be asked to be nothing."""
        given = self.model_dump(exclude_unset=True)
        return {
            name: value
            for name, value in given.items()
            if value is not None or name in {"transfer_balance", "refund_balance"}
        }


class Control:
    """Everything under `/control`."""

    def __init__(
        self,
        book: Book,
        trades: Trades,
        messenger: Messenger,
        faults: Faults,
        *,
        rotate: Callable[[], str],
    ) -> None:
        self._book = book
        self._trades = trades
        self._messenger = messenger
        self._faults = faults
        self._rotate = rotate

    def routes(self) -> dict[str, Handler]:
        """Return the control calls, each for callers on this machine only."""
        table: dict[str, Handler] = {
            "POST /control/pay": self._pay,
            "GET /control/faults": lambda _: _listed(self._faults.planned()),
            "POST /control/faults": self._plan,
            "GET /control/requests": lambda _: _listed(self._book.requests()),
            "GET /control/orders": lambda _: json_answer(
                200, {"items": self._orders(), "next": None}
            ),
            "GET /control/notifications": lambda _: _listed(self._book.notices()),
            "POST /control/settings": self._settle,
            "POST /control/rotate": lambda _: json_answer(200, {"serial_no": self._rotate()}),
            "POST /control/reset": self._reset,
        }
        return {key: from_here(handler) for key, handler in table.items()}

    def _pay(self, request: Request) -> Answer:
        asked = parsed(Pay, strict_json(request.body))
        order = self._asked_for(asked)
        if asked.outcome == "refused":
            if order.state is TradeState.SUCCESS:
                raise order_paid()
            return json_answer(200, _outcome(order))
        paid = self._trades.pay(order.out_trade_no, force=asked.force)
        if not asked.deliver:
            return json_answer(200, _outcome(paid))
        notice = self._messenger.notice(paid, sign_with=asked.sign_with, **asked.tampered(paid))
        if asked.delay_ms:
            delay = timedelta(milliseconds=asked.delay_ms)
            self._messenger.send_later(notice, times=asked.times, delay=delay)
            return json_answer(200, _outcome(paid, notice))
        deliveries = self._messenger.send(notice, times=asked.times)
        return json_answer(200, _outcome(paid, notice, deliveries))

    def _asked_for(self, asked: Pay) -> Order:
        if asked.prepay_id:
            return self._trades.query_prepay(asked.prepay_id)
        return self._trades.query(asked.out_trade_no or "")

    def _plan(self, request: Request) -> Answer:
        fault = parsed(Fault, strict_json(request.body))
        self._faults.plan(fault)
        return json_answer(200, fault.model_dump(mode="json"))

    def _settle(self, request: Request) -> Answer:
        asked = parsed(Settings, strict_json(request.body)).changes
        with self._book.lock:
            self._book.prefer(self._book.preferences.evolve(**asked))
        return json_answer(200, self._book.preferences.model_dump(mode="json"))

    def _reset(self, request: Request) -> Answer:
        del request
        self._faults.forget()
        return json_answer(200, {"orders_forgotten": self._book.reset()})

    def _orders(self) -> list[dict[str, Any]]:
        return [
            self._trades.query(order.out_trade_no).transaction() | {"prepay_id": order.prepay_id}
            for order in self._book.orders()
        ]


def _outcome(
    order: Order, notice: Notice | None = None, deliveries: list[Delivery] | None = None
) -> dict[str, Any]:
    return {
        "out_trade_no": order.out_trade_no,
        "transaction_id": order.transaction_id,
        "trade_state": order.state,
        "notification_id": notice.id if notice else None,
        "deliveries": [each.model_dump(mode="json") for each in deliveries or []],
    }


def _listed(items: Sequence[BaseModel]) -> Answer:
    spelled = [item.model_dump(mode="json") for item in items]
    return json_answer(200, {"items": spelled, "next": None})


def from_here(handler: Handler) -> Handler:
    """Answer callers on this machine only."""

    def guarded(request: Request, **names: str) -> Answer:
        if not ip_address(request.remote).is_loopback:
            raise RefusalError(403, "NO_AUTH", "control calls are for this machine only")
        return handler(request, **names)

    return guarded
