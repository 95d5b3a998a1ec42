"""Refunds (退款): asked once a number, at most fifty and a minute apart, and brought to an end."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field

from local.sandbox.book import Book
from local.sandbox.control import from_here
from local.sandbox.fees import fee_back
from local.sandbox.funds import funds
from local.sandbox.keys import SandboxKeys
from local.sandbox.merchant import queried
from local.sandbox.messenger import Messenger
from local.sandbox.orders import Order, TradeState, china_time
from local.sandbox.prepay import Form, parsed
from local.sandbox.refund import Refund, RefundForm, RefundState
from local.sandbox.wire import Answer, Handler, RefusalError, Request, json_answer, strict_json

REFUNDS = "/v3/refund/domestic/refunds"
REFUNDS_MAX = 50
SPACING = timedelta(minutes=1)
WITHIN = timedelta(days=365)
ENDS = {
    "success": RefundState.SUCCESS,
    "abnormal": RefundState.ABNORMAL,
    "closed": RefundState.CLOSED,
}


class RefundEnd(Form):
    """How a refund ends, and how the notification of it goes out."""

    outcome: Literal["success", "abnormal", "closed"] = "success"
    deliver: bool = True
    times: int = Field(default=1, ge=1, le=100)


class Refunds:
    """Refunds over HTTP; every verb decides and writes under the book's lock."""

    def __init__(
        self,
        book: Book,
        messenger: Messenger,
        *,
        keys: Callable[[], SandboxKeys],
        now: Callable[[], datetime],
    ) -> None:
        self._book = book
        self._messenger = messenger
        self._keys = keys
        self._now = now

    def routes(self) -> dict[str, Handler]:
        """Return the calls."""
        return {
            f"POST {REFUNDS}": self._ask,
            f"GET {REFUNDS}/{{number}}": self._look,
            "GET /control/refunds": from_here(self._list),
            "POST /control/refunds/{number}": from_here(self._end),
        }

    def _ask(self, request: Request) -> Answer:
        asked = parsed(RefundForm, strict_json(request.body))
        with self._book.lock:
            if known := self._book.refunds.get(asked.out_refund_no):
                if known.asked != asked:
                    raise _refused("商户退款单号重复，且参数与原请求不一致")
                return json_answer(200, known.told())
            order = self._order(asked)
            self._check(asked, order)
            return json_answer(200, self._begun(asked, order).told())

    def _order(self, asked: RefundForm) -> Order:
        found = self._book.order(asked.out_trade_no or "") or self._book.order_by_transaction_id(
            asked.transaction_id or ""
        )
        if (
            not found
            or found.state is not TradeState.SUCCESS
            or found.prepay.sub_mchid != asked.sub_mchid
        ):
            raise RefusalError(404, "RESOURCE_NOT_EXISTS", "订单不存在")
        return found

    def _check(self, asked: RefundForm, order: Order) -> None:
        now, total = self._now(), order.prepay.amount.total
        before = [one for one in self._of(order) if one.counts]
        assert order.paid_at
        if asked.amount.total != total:
            raise _refused("订单金额不一致")
        if sum(one.asked.amount.refund for one in before) + asked.amount.refund > total:
            raise _refused("申请退款金额超过可退金额")
        if len(self._of(order)) >= REFUNDS_MAX or now > order.paid_at + WITHIN:
            raise _refused("超过可退款次数或期限")
        if self._book.preferences.refund_balance is not None and (
            self._book.preferences.refund_balance < asked.amount.refund
        ):
            raise RefusalError(403, "NOT_ENOUGH", "商户余额不足")
        if any(now < one.created_at + SPACING for one in self._of(order)):
            raise RefusalError(429, "FREQUENCY_LIMITED", "同一订单的退款须间隔1分钟")

    def _begun(self, asked: RefundForm, order: Order) -> Refund:
        now = self._now()
        left = funds(self._book, order, now).frozen
        fee = fee_back(order, self._of(order), asked.amount.refund)
        assert order.transaction_id
        day = china_time(now)[:10].replace("-", "")
        return self._book.refunds.keep(
            Refund(
                asked=asked,
                refund_id=f"503{day}{secrets.randbelow(10**16):016}",
                transaction_id=order.transaction_id,
                out_trade_no=order.out_trade_no,
                created_at=now,
                frozen=min(asked.amount.refund - fee, left),
                fee_back=fee,
            )
        )

    def _of(self, order: Order) -> list[Refund]:
        assert order.transaction_id
        return self._book.refunds.of(order.transaction_id)

    def _look(self, request: Request, number: str) -> Answer:
        sub_mchid = queried(request, optional=("sub_mchid",)).get("sub_mchid")
        found = self._book.refunds.get(number)
        if not found or found.asked.sub_mchid != sub_mchid:
            raise RefusalError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return json_answer(200, found.told())

    def _list(self, request: Request) -> Answer:
        del request
        told = [refund.told() for refund in self._book.refunds.all()]
        return json_answer(200, {"items": told, "next": None})

    def _end(self, request: Request, number: str) -> Answer:
        asked = parsed(RefundEnd, strict_json(request.body))
        with self._book.lock:
            known = self._book.refunds.get(number)
            if not known:
                raise RefusalError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
            refund = self._book.refunds.keep(known.ended(ENDS[asked.outcome], self._now()))
        deliveries: list[Any] = []
        if asked.deliver:
            notice = self._messenger.refund_notice(refund, self._keys().mch_id)
            deliveries = self._messenger.send(notice, times=asked.times)
        return json_answer(
            200,
            refund.told() | {"deliveries": [each.model_dump(mode="json") for each in deliveries]},
        )


def _refused(reason: str) -> RefusalError:
    return RefusalError(400, "INVALID_REQUEST", reason)
