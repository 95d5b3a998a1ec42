"""Profit sharing (分账): WeChat Pay's words and ours.

`FINISHED` is not success: it says only that nothing is under way, and each receiver's result says
what became of its share.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.kernel.money import AMOUNT_MAX, Money, fen
from chalicelib.providers.funds import (
    FrozenPayment,
    ReceiverKind,
    ReceiverOutcome,
    ReturnResult,
    Shared,
    ShareOrder,
    ShareResult,
    ShareReturn,
    ShareReturned,
    Unfreeze,
)
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.mapping import compact, text_in

ORDERS = "/v3/profitsharing/orders"
UNFREEZE = "/v3/profitsharing/orders/unfreeze"
AMOUNTS = "/v3/profitsharing/transactions/"
RETURNS = "/v3/profitsharing/return-orders"
DESCRIPTION_LENGTH_MAX = 80

_TYPES = {ReceiverKind.MERCHANT: "MERCHANT_ID", ReceiverKind.PERSON: "PERSONAL_OPENID"}
_KINDS = {name: kind for kind, name in _TYPES.items()}
_RESULTS = {
    "PENDING": ShareResult.PENDING,
    "SUCCESS": ShareResult.SUCCESS,
    "CLOSED": ShareResult.CLOSED,
}
_FINISHED = {"PROCESSING": False, "FINISHED": True}
_RETURNED = {
    "PROCESSING": ReturnResult.PENDING,
    "SUCCESS": ReturnResult.SUCCESS,
    "FAILED": ReturnResult.FAILED,
}


def share_body(order: ShareOrder, account: WeChatPayAccount) -> bytes:
    """Spell a share order; what is not shared stays frozen."""
    return compact(
        {
            "sub_mchid": order.payment.seller,
            "appid": account.app_id,
            "transaction_id": order.payment.transaction_id,
            "out_order_no": order.number,
            "receivers": [
                {
                    "type": _TYPES[one.kind],
                    "account": one.account,
                    "amount": one.amount.amount,
                    "description": one.description[:DESCRIPTION_LENGTH_MAX],
                }
                for one in order.receivers
            ],
            "unfreeze_unsplit": False,
        }
    )


def unfreeze_body(order: Unfreeze) -> bytes:
    """Spell an unfreezing of all that is left."""
    return compact(
        {
            "sub_mchid": order.payment.seller,
            "transaction_id": order.payment.transaction_id,
            "out_order_no": order.number,
            "description": order.description[:DESCRIPTION_LENGTH_MAX],
        }
    )


def return_body(order: ShareReturn) -> bytes:
    """Spell the return of a share."""
    return compact(
        {
            "sub_mchid": order.payment.seller,
            "out_order_no": order.share_number,
            "out_return_no": order.number,
            "return_mchid": order.account,
            "amount": order.amount.amount,
            "description": order.description[:DESCRIPTION_LENGTH_MAX],
        }
    )


def shared(fields: Mapping[str, Any], *, number: str, payment: FrozenPayment) -> Shared:
    """Map how far a share order has come; it must be about this number and this payment."""
    if fields.get("out_order_no") != number:
        raise DoubtError("the answer is about another number", reason="number")
    if fields.get("transaction_id") != payment.transaction_id:
        raise DoubtError("the answer is about another payment", reason="number")
    finished = _FINISHED.get(text_in(fields, "state", length_max=32))
    if finished is None:
        raise DoubtError("a share order's state we don't know", reason="state")
    rows = fields.get("receivers", [])
    if not isinstance(rows, list):
        raise DoubtError("receivers is no list", reason="body")
    return Shared(number=number, finished=finished, receivers=tuple(_outcome(row) for row in rows))


def frozen(fields: Mapping[str, Any], *, payment: FrozenPayment) -> Money:
    """Map what is still frozen."""
    if fields.get("transaction_id") != payment.transaction_id:
        raise DoubtError("the answer is about another payment", reason="number")
    return _fen_in(fields, "unsplit_amount", least=0)


def returned(fields: Mapping[str, Any], *, number: str) -> ShareReturned:
    """Map how far a return has come."""
    if fields.get("out_return_no") != number:
        raise DoubtError("the answer is about another number", reason="number")
    result = _RETURNED.get(text_in(fields, "result", length_max=32))
    if result is None:
        raise DoubtError("a return's result we don't know", reason="state")
    reason = fields.get("fail_reason")
    return ShareReturned(
        number=number, result=result, reason=reason if isinstance(reason, str) else ""
    )


def _outcome(row: object) -> ReceiverOutcome:
    if not isinstance(row, dict):
        raise DoubtError("a receiver is no object", reason="body")
    kind = _KINDS.get(text_in(row, "type", length_max=32))
    result = _RESULTS.get(text_in(row, "result", length_max=32))
    if kind is None or result is None:
        raise DoubtError("a receiver or a result we don't know", reason="state")
    reason = row.get("fail_reason")
    return ReceiverOutcome(
        kind=kind,
        account=text_in(row, "account", length_max=64),
        amount=_fen_in(row, "amount", least=0),
        result=result,
        reason=reason[:64] if isinstance(reason, str) else "",
    )


def _fen_in(fields: Mapping[str, Any], name: str, *, least: int) -> Money:
    amount = fields.get(name)
    if type(amount) is not int or not least <= amount <= AMOUNT_MAX:
        raise DoubtError(f"{name} is no number of fen", reason="body")
    return fen(amount)
