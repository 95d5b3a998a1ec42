"""Refunds in WeChat Pay's words: asked, asked about, and heard of."""

import json
from typing import Any

import pytest

from chalicelib.kernel.money import fen
from chalicelib.providers.port import (
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.refunds import Refunded, RefundOrder, RefundStatus
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.refunds import notified
from tests.providers import far_side as far

NUMBER = "rfd_01KAMBPZR0000000000000000A"
ORDER = RefundOrder(
    number=NUMBER, payment_id=far.PAYMENT, amount=fen(500), total=fen(1999), reason="不想要了"
)


def told(**changed: Any) -> dict[str, Any]:
    return {
        "refund_id": "5030",
        "out_refund_no": NUMBER,
        "out_trade_no": far.PAYMENT,
        "status": "PROCESSING",
        "amount": {"refund": 500, "total": 1999, "currency": "CNY"},
    } | changed


@pytest.mark.parametrize("status", list(RefundStatus))
@pytest.mark.parametrize("seller", [None, "1911111111"])
def test_a_refund_is_asked_for(status: RefundStatus, seller: str | None) -> None:
    pay, wire = far.client(far.answer(told(status=status.upper())))
    said = pay.refunds.refund(ORDER.evolve(seller=seller))
    assert said == Refunded(
        number=NUMBER, payment_number=far.PAYMENT, status=status, amount=fen(500)
    )
    body = json.loads(wire.calls[0].body)
    assert body.pop("notify_url").endswith("/refunds")
    assert body == {
        **({"sub_mchid": seller} if seller else {}),
        "out_trade_no": far.PAYMENT,
        "out_refund_no": NUMBER,
        "reason": "不想要了",
        "amount": {"refund": 500, "total": 1999, "currency": "CNY"},
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"out_refund_no": "other"},
        {"out_trade_no": "other"},
        {"status": "LOST"},
        {"amount": {"refund": 501}},
        {"amount": {"refund": "500"}},
        {"amount": None},
    ],
)
def test_an_answer_about_something_else_is_none(wrong: dict[str, Any]) -> None:
    pay, _ = far.client(*[far.answer(told(**wrong))] * 2)
    with pytest.raises(ProviderOutcomeUnknownError):
        pay.refunds.refund(ORDER)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "NOT_ENOUGH", ProviderUnavailableError),
        (429, "FREQUENCY_LIMITED", ProviderUnavailableError),
        (400, "INVALID_REQUEST", ProviderRejectedError),
        (404, "RESOURCE_NOT_EXISTS", ProviderRejectedError),
    ],
)
def test_a_refusal_is_for_now_or_for_good(status: int, code: str, error: type[Exception]) -> None:
    refusal = far.answer({"code": code, "message": "x"}, status=status)
    pay, _ = far.client(*[refusal] * 2)
    with pytest.raises(error):
        pay.refunds.refund(ORDER)


def test_a_refund_that_is_not_there_is_none() -> None:
    missing = far.answer({"code": "RESOURCE_NOT_EXISTS", "message": "x"}, status=404)
    pay, wire = far.client(missing)
    assert pay.refunds.refunded(NUMBER, seller="1911111111") is None
    assert wire.calls[0].url.endswith(f"/{NUMBER}?sub_mchid=1911111111")


def account() -> WeChatPayAccount:
    pay, _ = far.client()
    return pay._account


def notice(**changed: Any) -> dict[str, Any]:
    return {
        "mchid": far.MCH_ID,
        "out_trade_no": far.PAYMENT,
        "out_refund_no": NUMBER,
        "refund_status": "SUCCESS",
        "amount": {"total": 1999, "refund": 500, "payer_total": 1999, "payer_refund": 500},
    } | changed


def test_a_notification_names_no_currency() -> None:
    said = notified(notice(), account())
    assert (said.status, said.amount) == (RefundStatus.SUCCESS, fen(500))
    partner = {"sp_mchid": far.MCH_ID, "sub_mchid": "1911111111", "mchid": "nobody"}
    assert notified(notice(**partner), account()).number == NUMBER


@pytest.mark.parametrize(
    "wrong",
    [
        {"mchid": "1900000000"},
        {"sp_mchid": "1900000000"},
        {"refund_status": "PROCESSING"},
        {"refund_status": "MAYBE"},
        {"out_refund_no": ""},
        {"amount": {"refund": 0}},
    ],
)
def test_a_notification_that_is_not_ours_is_doubted(wrong: dict[str, Any]) -> None:
    with pytest.raises(DoubtError):
        notified(notice(**wrong), account())
