"""WeChat Pay's words and ours: the one page where both are spoken."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from http import HTTPStatus
from typing import Any, Final

from chalicelib.kernel.ids import PaymentId
from chalicelib.kernel.money import AMOUNT_MAX, Money
from chalicelib.kernel.strict_json import NotStrictJsonError, read_object
from chalicelib.providers.port import CloseOutcome, Collected, Outcome, PrepayOrder, Queried
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.doubt import DoubtError

NAME: Final = "wechatpay"
DESCRIPTION_LENGTH_MAX = 127
TRADE_SUCCESS = "SUCCESS"

_BEIJING = timezone(timedelta(hours=8))
_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE
)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_PREPAY_ID = re.compile(r"[!-~]{1,64}", re.ASCII)

# REFUND means that some refund was asked for, even one that failed: the order was paid.
OUTCOMES = {
    "SUCCESS": Outcome.PAID,
    "REFUND": Outcome.PAID,
    "NOTPAY": Outcome.UNPAID,
    "USERPAYING": Outcome.UNPAID,
    "CLOSED": Outcome.CLOSED,
    "REVOKED": Outcome.CLOSED,
}

_NOT_EXIST = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST"})
_CLOSE_CODES = {  # both spellings are about
    "ORDER_PAID": CloseOutcome.ALREADY_PAID,
    "ORDERPAID": CloseOutcome.ALREADY_PAID,
    "ORDER_CLOSED": CloseOutcome.CLOSED,
    "ORDERCLOSED": CloseOutcome.CLOSED,
}


def prepay_body(order: PrepayOrder, account: WeChatPayAccount) -> bytes:
    """Spell an order for JSAPI; the same order is the same bytes, as a repeat must be.

    Under a seller it is a partner's call, and the money is frozen for sharing.
    """
    who: dict[str, Any] = {"appid": account.app_id, "mchid": account.mch_id}
    rest: dict[str, Any] = {"payer": {"openid": order.payer_openid}}
    if order.seller is not None:
        who = {f"sp_{name}": value for name, value in who.items()} | {"sub_mchid": order.seller}
        rest = {
            "payer": {"sp_openid": order.payer_openid},
            "settle_info": {"profit_sharing": True},
        }
    return compact(
        who
        | {
            "description": order.description[:DESCRIPTION_LENGTH_MAX],
            "out_trade_no": order.payment_id,
            "time_expire": order.expires_at.astimezone(_BEIJING).isoformat(timespec="seconds"),
            "attach": order.attach,
            "notify_url": account.notify_url,
            "amount": {"total": order.amount.amount, "currency": order.amount.currency},
        }
        | rest
    )


def compact(fields: Mapping[str, Any]) -> bytes:
    """Spell JSON once: these bytes are signed, and these bytes are sent."""
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def object_in(body: bytes, *, bytes_max: int) -> dict[str, Any]:
    """Read strict JSON, or raise `DoubtError`."""
    try:
        return read_object(body, bytes_max=bytes_max)
    except NotStrictJsonError as error:
        raise DoubtError(f"the body can't be read: {error}", reason="body") from None


def prepay_id_in(fields: Mapping[str, Any]) -> str:
    """Return what the shopper's payment is started with."""
    prepay_id = fields.get("prepay_id")
    if not isinstance(prepay_id, str) or not _PREPAY_ID.fullmatch(prepay_id):
        raise DoubtError("there is no prepay_id", reason="body")
    return prepay_id


def queried(
    trade: Mapping[str, Any], *, asked: PaymentId, account: WeChatPayAccount, seller: str | None
) -> Queried:
    """Map the answer to a query; it must be about the number and the seller asked for."""
    if trade.get("out_trade_no") != asked:
        raise DoubtError("the answer is about another number", reason="number")
    outcome = OUTCOMES.get(text_in(trade, "trade_state", length_max=32))
    if outcome is None:
        raise DoubtError("a trade state we don't know", reason="state")
    if outcome is not Outcome.PAID:
        return Queried(outcome=outcome)
    said = collected(trade, account)
    if said.seller != seller:
        raise DoubtError("the answer is about another seller", reason="merchant")
    return Queried(outcome=outcome, collected=said)


def query_refused(*, status: int, code: str) -> Queried | None:
    """Map a refused query: HTTP status first, code second, message never."""
    if status == HTTPStatus.NOT_FOUND and code in _NOT_EXIST:
        return Queried(outcome=Outcome.UNKNOWN_TO_PROVIDER)
    return None


def close_refused(*, status: int, code: str) -> CloseOutcome | None:
    """Map a refused close: what was never created there can't be paid either."""
    if status == HTTPStatus.NOT_FOUND and code in _NOT_EXIST:
        return CloseOutcome.CLOSED
    return _CLOSE_CODES.get(code)


def collected(trade: Mapping[str, Any], account: WeChatPayAccount) -> Collected:
    """Map a paid trade that is ours: what was asked for (`total`), not what the payer gave."""
    partner = any(name.startswith(("sp_", "sub_")) for name in trade)
    mine = "sp_mchid" if partner else "mchid"
    if trade.get(mine) != account.mch_id or (partner and {"mchid", "appid"} & trade.keys()):
        raise DoubtError("paid to another merchant", reason="merchant")
    if trade.get("sp_appid" if partner else "appid") != account.app_id:
        raise DoubtError("paid in another app", reason="app")
    return Collected(
        provider=NAME,
        number=text_in(trade, "out_trade_no", length_max=64),
        attach=_attach_in(trade),
        transaction_id=text_in(trade, "transaction_id", length_max=64),
        amount=_money_in(trade),
        paid_at=_instant(text_in(trade, "success_time", length_max=40)),
        seller=text_in(trade, "sub_mchid", length_max=32) if partner else None,
    )


def text_in(fields: Mapping[str, Any], name: str, *, length_max: int) -> str:
    """Return a text that is there and not too long, or raise `DoubtError`."""
    value = fields.get(name)
    if not isinstance(value, str):
        raise DoubtError(f"{name} is no text", reason="body")
    if not 0 < len(value) <= length_max:
        raise DoubtError(f"{name} is empty or too long", reason="body")
    return value


def _attach_in(trade: Mapping[str, Any]) -> str:
    """Return what we gave along; a payment that we did not start may have none."""
    attach = trade.get("attach")
    if attach is None or attach == "":
        return ""
    return text_in(trade, "attach", length_max=128)


def _money_in(trade: Mapping[str, Any]) -> Money:
    amount = trade.get("amount")
    if not isinstance(amount, dict):
        raise DoubtError("there is no amount", reason="body")
    total = amount.get("total")
    if type(total) is not int or not 0 < total <= AMOUNT_MAX:
        raise DoubtError("amount.total is no number of fen", reason="body")
    currency = amount.get("currency")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency):
        raise DoubtError("amount.currency is no currency", reason="body")
    return Money(amount=total, currency=currency)


def _instant(text: str) -> datetime:
    if not _INSTANT.fullmatch(text):
        raise DoubtError("success_time is no instant", reason="body")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise DoubtError("success_time is no instant", reason="body") from None
