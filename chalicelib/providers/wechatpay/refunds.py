"""Refunds (退款): WeChat Pay's words and ours.

Source: WeChat Pay's "申请退款" and "查询单笔退款", with `sub_mchid` for a partner's payments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

from chalicelib.kernel.money import AMOUNT_MAX, Money, fen
from chalicelib.providers.port import ProviderUnavailableError
from chalicelib.providers.refunds import Refunded, RefundOrder, RefundStatus
from chalicelib.providers.transport import ANSWER_BYTES_MAX, Answer
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.exchange import Exchange, Question, Refusal
from chalicelib.providers.wechatpay.mapping import compact, object_in, text_in

REFUNDS = "/v3/refund/domestic/refunds"
REASON_LENGTH_MAX = 80
_LATER = frozenset({"NOT_ENOUGH", "FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED"})
_STATUSES = {
    "PROCESSING": RefundStatus.PROCESSING,
    "SUCCESS": RefundStatus.SUCCESS,
    "ABNORMAL": RefundStatus.ABNORMAL,
    "CLOSED": RefundStatus.CLOSED,
}


@dataclass(frozen=True, slots=True)
class WeChatRefunds:
    """One merchant's refunds at WeChat Pay (the port's `RefundsPayments`)."""

    account: WeChatPayAccount
    exchange: Exchange

    def refund(self, order: RefundOrder) -> Refunded:
        """Ask for a refund; a lack of money, or of a minute since the last one, means later."""
        question = Question("POST", REFUNDS, refund_body(order, self.account))
        found = self.exchange.ask(question, lambda answer: _accepted(answer, order))
        if isinstance(found, Refusal):
            if found.code in _LATER:
                raise ProviderUnavailableError("not now", provider_code=found.code)
            raise found.error()
        return found

    def refunded(self, number: str, *, seller: str | None = None) -> Refunded | None:
        """Ask how far a refund has come."""
        query = f"?{urlencode({'sub_mchid': seller})}" if seller is not None else ""
        question = Question("GET", f"{REFUNDS}/{quote(number, safe='')}{query}")
        found = self.exchange.ask(question, lambda answer: _read(answer, number))
        if not isinstance(found, Refusal):
            return found
        if found.status == HTTPStatus.NOT_FOUND:
            return None
        raise found.error()


def refund_body(order: RefundOrder, account: WeChatPayAccount) -> bytes:
    """Spell a refund; the same order is the same bytes, as a repeat must be."""
    who = {"sub_mchid": order.seller} if order.seller is not None else {}
    return compact(
        who
        | {
            "out_trade_no": order.payment_id,
            "out_refund_no": order.number,
            "reason": order.reason[:REASON_LENGTH_MAX],
            "notify_url": f"{account.notify_url}/refunds",
            "amount": {
                "refund": order.amount.amount,
                "total": order.total.amount,
                "currency": order.amount.currency,
            },
        }
    )


def notified(fields: Mapping[str, Any], account: WeChatPayAccount) -> Refunded:
    """Map what a notification says of a refund; it names no app and no currency.

    Raises `DoubtError` for another merchant's, and for a refund that has not come to an end.
    """
    mine = "sp_mchid" if "sp_mchid" in fields else "mchid"
    if fields.get(mine) != account.mch_id:
        raise DoubtError("refunded by another merchant", reason="merchant")
    status = _status(text_in(fields, "refund_status", length_max=32))
    if status is RefundStatus.PROCESSING:
        raise DoubtError("the event says ended and the refund does not", reason="state")
    number = text_in(fields, "out_refund_no", length_max=64)
    return _refunded(fields, number, status)


def _accepted(answer: Answer, order: RefundOrder) -> Refunded:
    said = _read(answer, order.number)
    if said.payment_number != order.payment_id or said.amount != order.amount:
        raise DoubtError("the answer is about another refund", reason="number")
    return said


def _read(answer: Answer, number: str) -> Refunded:
    fields = object_in(answer.body, bytes_max=ANSWER_BYTES_MAX)
    if fields.get("out_refund_no") != number:
        raise DoubtError("the answer is about another number", reason="number")
    return _refunded(fields, number, _status(text_in(fields, "status", length_max=32)))


def _refunded(fields: Mapping[str, Any], number: str, status: RefundStatus) -> Refunded:
    return Refunded(
        number=number,
        payment_number=text_in(fields, "out_trade_no", length_max=64),
        status=status,
        amount=_amount_in(fields),
    )


def _status(text: str) -> RefundStatus:
    status = _STATUSES.get(text)
    if status is None:
        raise DoubtError("a refund's state we don't know", reason="state")
    return status


def _amount_in(fields: Mapping[str, Any]) -> Money:
    amount = fields.get("amount")
    refund = amount.get("refund") if isinstance(amount, dict) else None
    if type(refund) is not int or not 0 < refund <= AMOUNT_MAX:
        raise DoubtError("amount.refund is no number of fen", reason="body")
    return fen(refund)
