"""Shipments told to WeChat: one token for all calls, each answer read for what it means."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from chalicelib.kernel.errors import PlatformError
from chalicelib.providers.port import (
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.shipping import Delivery, ShippingReport
from chalicelib.providers.transport import Answer, NoAnswerError, NotSentError, Timeouts
from chalicelib.providers.wechat.api import WeChatApi
from chalicelib.providers.wechat.shipping import WeChatShipping
from tests.fakes.clock import StoppedClock
from tests.providers import far_side as far

SECRET = "0d8b9f5a4c3e2d1f0d8b9f5a4c3e2d1f"
TRANSACTION = "4200001234202611240000000001"
PARCEL = ShippingReport(
    transaction_id=TRANSACTION,
    carrier="SF",
    tracking_number="SF1234567890",
    contact="189****1234",
    description="高山乌龙茶",
    payer="oUpF8",
    shipped_at=datetime.fromisoformat("2026-11-24T08:00:00.123456+00:00"),
)


class Wire:
    """Answers tokens by itself, and calls in the order that was written down."""

    def __init__(self, *steps: Mapping[str, Any] | Exception | Answer) -> None:
        self.steps = list(steps)
        self.calls: list[tuple[str, Any]] = []
        self.tokens = 0
        self.lives: Any = 7200

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Answer:
        if "stable_token" in url:
            self.tokens += 1
            assert json.loads(body)["force_refresh"] is False
            return told({"access_token": f"token-{self.tokens}", "expires_in": self.lives})
        self.calls.append((url, json.loads(body)))
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Answer) else told(step)


def told(fields: Mapping[str, Any]) -> Answer:
    return Answer(200, {}, far.json_bytes(dict(fields)))


def desk(*steps: Mapping[str, Any] | Exception | Answer) -> tuple[WeChatShipping, Wire]:
    wire = Wire(*steps)
    api = WeChatApi(far.APP_ID, SECRET, "https://weixin.test/", wire, StoppedClock())
    return WeChatShipping(api), wire


def test_a_parcel_is_told_as_wechat_wants_it() -> None:
    shipping, wire = desk({"errcode": 0, "errmsg": "ok"})
    shipping.report(PARCEL)
    url, body = wire.calls[0]
    assert url == "https://weixin.test/wxa/sec/order/upload_shipping_info?access_token=token-1"
    assert body == {
        "order_key": {"order_number_type": 2, "transaction_id": TRANSACTION},
        "logistics_type": 1,
        "delivery_mode": 1,
        "shipping_list": [
            {
                "tracking_no": "SF1234567890",
                "express_company": "SF",
                "item_desc": "高山乌龙茶",
                "contact": {"consignor_contact": "189****1234"},
            }
        ],
        "upload_time": "2026-11-24T16:00:00.123+08:00",
        "payer": {"openid": "oUpF8"},
    }


def test_what_wechat_knows_already_is_well() -> None:
    shipping, _ = desk({"errcode": 10060002})
    shipping.report(PARCEL)


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ({"errcode": 10060001}, ProviderUnavailableError),
        ({"errcode": 10060003}, ProviderRejectedError),
        ({"errcode": 10060004}, ProviderRejectedError),
        ({"errcode": 47001}, ProviderRejectedError),
        ({"errcode": -1}, ProviderUnavailableError),
        ({"errcode": 45009}, ProviderUnavailableError),
        ({"errcode": "0"}, ProviderOutcomeUnknownError),
        (NotSentError("away"), ProviderUnavailableError),
        (NoAnswerError("silent"), ProviderOutcomeUnknownError),
        (Answer(200, {}, b"<xml/>"), ProviderOutcomeUnknownError),
        (Answer(502, {}, b""), ProviderOutcomeUnknownError),
        (Answer(429, {}, b""), ProviderUnavailableError),
    ],
)
def test_every_answer_has_its_fate(step: Any, error: type[PlatformError]) -> None:
    shipping, _ = desk(step)
    with pytest.raises(error) as raised:
        shipping.report(PARCEL)
    assert SECRET not in f"{raised.value} {raised.value.facts}"
    assert "token-1" not in f"{raised.value} {raised.value.facts}"


def test_one_token_serves_many_calls_until_it_is_over() -> None:
    shipping, wire = desk({"errcode": 0}, {"errcode": 0}, {"errcode": 0})
    shipping.report(PARCEL)
    shipping.report(PARCEL)
    assert wire.tokens == 1
    clock = shipping.api.clock
    assert isinstance(clock, StoppedClock)
    clock.move(seconds=7200)
    shipping.report(PARCEL)
    assert wire.tokens == 2


@pytest.mark.parametrize("errcode", [40001, 42001])
def test_a_refused_token_is_renewed_once(errcode: int) -> None:
    shipping, wire = desk({"errcode": errcode}, {"errcode": 0})
    shipping.report(PARCEL)
    assert [url.rpartition("=")[2] for url, _ in wire.calls] == ["token-1", "token-2"]
    shipping, wire = desk({"errcode": errcode}, {"errcode": errcode})
    with pytest.raises(ProviderUnavailableError):
        shipping.report(PARCEL)
    assert len(wire.calls) == 2


@pytest.mark.parametrize("lives", [None, "7200", 0, -1, True])
def test_a_token_that_can_not_be_is_none(lives: Any) -> None:
    shipping, wire = desk()
    wire.lives = lives
    with pytest.raises(ProviderUnavailableError):
        shipping.report(PARCEL)


@pytest.mark.parametrize(
    ("state", "shipped", "received"),
    [(1, False, False), (2, True, False), (3, True, True), (4, True, True), (5, False, False)],
)
def test_a_delivery_is_read_by_its_state(state: int, shipped: bool, received: bool) -> None:  # noqa: FBT001
    order = {"transaction_id": TRANSACTION, "order_state": state, "in_complaint": state == 4}
    shipping, wire = desk({"errcode": 0, "order": order})
    assert shipping.delivery(TRANSACTION) == Delivery(
        shipped=shipped, received=received, disputed=state == 4
    )
    assert wire.calls[0][1] == {"transaction_id": TRANSACTION}


def test_a_payment_that_wechat_does_not_know_has_no_delivery() -> None:
    shipping, _ = desk({"errcode": 10060001})
    assert shipping.delivery(TRANSACTION) is None


@pytest.mark.parametrize(
    "order",
    [
        None,
        [],
        {},
        {"transaction_id": "another", "order_state": 3},
        {"transaction_id": TRANSACTION},
        {"transaction_id": TRANSACTION, "order_state": "3"},
        {"transaction_id": TRANSACTION, "order_state": True},
        {"transaction_id": TRANSACTION, "order_state": 3, "in_complaint": 0},
    ],
)
def test_an_answer_about_something_else_is_none(order: Any) -> None:
    shipping, _ = desk({"errcode": 0, "order": order})
    with pytest.raises(ProviderOutcomeUnknownError):
        shipping.delivery(TRANSACTION)


def test_secrets_stay_where_they_are() -> None:
    shipping, _ = desk()
    assert SECRET not in repr(shipping)
