"""Transfers to people (商家转账): WeChat Pay's words and ours.

`out_bill_no` takes letters and digits only, so a payout's number is spelled without its underscore.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.kernel.ids import InvalidIdError, PayoutId
from chalicelib.kernel.money import AMOUNT_MAX, Money, fen
from chalicelib.providers.funds import Transfer, Transferred, TransferState
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.mapping import compact, text_in

BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
REMARK_LENGTH_MAX = 32

STATES = {
    "ACCEPTED": TransferState.WAITING,
    "PROCESSING": TransferState.WAITING,
    "WAIT_USER_CONFIRM": TransferState.WAITING,
    "TRANSFERING": TransferState.WAITING,  # their spelling
    "CANCELING": TransferState.WAITING,
    "SUCCESS": TransferState.PAID,
    "FAIL": TransferState.FAILED,
    "CANCELLED": TransferState.CANCELLED,
}


def bill_no(payout_id: PayoutId) -> str:
    """Spell a payout's number as WeChat Pay takes it."""
    return payout_id.replace("_", "")


def payout_of(number: str) -> PayoutId | None:
    """Return whose number this is, or None where it is none of ours."""
    length = len(PayoutId.prefix)
    try:
        return PayoutId.parse(f"{number[:length]}_{number[length:]}")
    except InvalidIdError:
        return None


def transfer_body(order: Transfer, account: WeChatPayAccount) -> bytes:
    """Spell a transfer; the same order is the same bytes, as a repeat must be."""
    return compact(
        {
            "appid": account.app_id,
            "out_bill_no": bill_no(order.payout_id),
            "transfer_scene_id": account.transfer_scene_id,
            "openid": order.openid,
            "transfer_amount": order.amount.amount,
            "transfer_remark": order.remark[:REMARK_LENGTH_MAX],
            "notify_url": f"{account.notify_url}/payouts",
            "transfer_scene_report_infos": [
                {"info_type": name, "info_content": content}
                for name, content in account.transfer_reports
            ],
        }
    )


def accepted(fields: Mapping[str, Any], order: Transfer) -> Transferred:
    """Map the answer to a transfer, which must be about its number."""
    return _transferred(fields, order.payout_id, order.amount)


def queried(fields: Mapping[str, Any], asked: PayoutId) -> Transferred:
    """Map the answer to a query, which must be about the number asked for."""
    return _transferred(fields, asked, _amount_in(fields))


def notified(fields: Mapping[str, Any], account: WeChatPayAccount) -> Transferred | None:
    """Map what a notification says of a transfer that has ended; None for one that is not ours.

    Raises `DoubtError` for another merchant's, and for a transfer that has not ended.
    """
    mch_id = fields.get("mch_id", fields.get("mchid"))
    if mch_id != account.mch_id or fields.get("mchid", mch_id) != mch_id:
        raise DoubtError("paid by another merchant", reason="merchant")
    payout_id = payout_of(text_in(fields, "out_bill_no", length_max=32))
    if payout_id is None:
        return None
    said = _transferred(fields, payout_id, _amount_in(fields))
    if said.state is TransferState.WAITING:
        raise DoubtError("the event says ended and the transfer does not", reason="state")
    return said


def _transferred(fields: Mapping[str, Any], asked: PayoutId, amount: Money) -> Transferred:
    if fields.get("out_bill_no") != bill_no(asked):
        raise DoubtError("the answer is about another number", reason="number")
    state = STATES.get(text_in(fields, "state", length_max=32))
    if state is None:
        raise DoubtError("a transfer's state we don't know", reason="state")
    return Transferred(
        payout_id=asked,
        state=state,
        amount=amount,
        reason=_optional(fields, "fail_reason", length_max=256),
        confirmation=_optional(fields, "package_info", length_max=1024),
    )


def _amount_in(fields: Mapping[str, Any]) -> Money:
    amount = fields.get("transfer_amount")
    if type(amount) is not int or not 0 < amount <= AMOUNT_MAX:
        raise DoubtError("transfer_amount is no number of fen", reason="body")
    return fen(amount)


def _optional(fields: Mapping[str, Any], name: str, *, length_max: int) -> str:
    value = fields.get(name)
    return "" if value is None or value == "" else text_in(fields, name, length_max=length_max)
