"""Transfers and shares on the wire: what is sent, and what answers and notifications mean."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.kernel.ids import PayoutId
from chalicelib.kernel.money import fen
from chalicelib.providers.funds import (
    FrozenPayment,
    FundsHolder,
    Receiver,
    ReceiverKind,
    ReturnResult,
    ShareOrder,
    ShareResult,
    ShareReturn,
    Transfer,
    Transferred,
    Transfers,
    TransferState,
    Unfreeze,
)
from chalicelib.providers.port import (
    Ignored,
    NotificationRefusedError,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.transport import Answer
from chalicelib.providers.wechatpay.funds import WeChatFunds
from tests.providers import far_side as far

PAYOUT = PayoutId("out_01KAMBPZR0000000000000000A")
BILL_NO = "out01KAMBPZR0000000000000000A"
ORDER = Transfer(payout_id=PAYOUT, openid="o_owner", amount=fen(3775), remark="货款结算")
PAYMENT = FrozenPayment(transaction_id="4200002101202611240123456789", seller="1911111111")
SHARE = ShareOrder(
    number="share_1",
    payment=PAYMENT,
    receivers=(
        Receiver(
            kind=ReceiverKind.MERCHANT, account="1922222222", amount=fen(199), description="x"
        ),
    ),
)
ROW = {"type": "MERCHANT_ID", "account": "1922222222", "amount": 199, "result": "SUCCESS"}


def funds(*steps: Answer | Exception) -> tuple[WeChatFunds, far.Wire]:
    pay, wire = far.client(*steps, fallback_url=None)
    return pay.funds, wire


def bill(**changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "mch_id": far.MCH_ID,
        "out_bill_no": BILL_NO,
        "transfer_bill_no": "1330000071100999991182020050700019480001",
        "transfer_amount": 3775,
        "state": "SUCCESS",
        "openid": "o_owner",
    }
    said.update(changes)
    return {name: value for name, value in said.items() if value is not None}


def shares(**changes: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "transaction_id": PAYMENT.transaction_id,
        "out_order_no": "share_1",
        "order_id": "3008450740201411110007820472",
        "state": "FINISHED",
        "receivers": [ROW],
    }
    return said | changes


def test_it_is_what_the_port_asks_for() -> None:
    held: FundsHolder = funds()[0]
    paying: Transfers = funds()[0]
    assert all((held, paying))


def test_a_transfer_is_spelled_exactly_and_alike_every_time() -> None:
    answer = far.answer(
        {"out_bill_no": BILL_NO, "state": "WAIT_USER_CONFIRM", "package_info": "affffdd"}
    )
    paying, wire = funds(answer, answer)
    said = paying.transfer(ORDER)
    assert paying.transfer(ORDER) == said
    assert said == Transferred(
        payout_id=PAYOUT, state=TransferState.WAITING, amount=fen(3775), confirmation="affffdd"
    )
    first, second = wire.calls
    assert first.url == f"{far.BASE}/v3/fund-app/mch-transfer/transfer-bills"
    assert first.body == second.body
    assert json.loads(first.body) == {
        "appid": far.APP_ID,
        "out_bill_no": BILL_NO,
        "transfer_scene_id": "1005",
        "openid": "o_owner",
        "transfer_amount": 3775,
        "transfer_remark": "货款结算",
        "notify_url": "https://shop.test/v1/notifications/wechatpay/payouts",
        "transfer_scene_report_infos": [
            {"info_type": "岗位类型", "info_content": "商家"},
            {"info_type": "报酬说明", "info_content": "货款结算"},
        ],
    }


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("ACCEPTED", TransferState.WAITING),
        ("TRANSFERING", TransferState.WAITING),
        ("CANCELING", TransferState.WAITING),
        ("SUCCESS", TransferState.PAID),
        ("FAIL", TransferState.FAILED),
        ("CANCELLED", TransferState.CANCELLED),
    ],
)
def test_every_state_has_one_meaning(state: str, outcome: TransferState) -> None:
    paying, wire = funds(far.answer(bill(state=state)))
    said = paying.transferred(PAYOUT)
    assert said is not None
    assert (said.state, said.amount) == (outcome, fen(3775))
    assert wire.calls[0].url.endswith(f"/transfer-bills/out-bill-no/{BILL_NO}")


@pytest.mark.parametrize(
    "changes",
    [
        {"out_bill_no": "out01KAMBPZR0000000000000000B"},
        {"state": "DONE"},
        {"state": None},
        {"transfer_amount": "3775"},
        {"transfer_amount": 0},
        {"transfer_amount": True},
    ],
)
def test_what_can_not_be_relied_on_is_no_answer(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderOutcomeUnknownError):
        funds(far.answer(bill(**changes)))[0].transferred(PAYOUT)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "NOT_ENOUGH", ProviderUnavailableError),
        (429, "FREQUENCY_LIMITED", ProviderUnavailableError),
        (400, "PARAM_ERROR", ProviderRejectedError),
        (403, "NO_AUTH", ProviderRejectedError),
        (500, "SYSTEM_ERROR", ProviderOutcomeUnknownError),
    ],
)
def test_a_refused_transfer_has_one_of_three_fates(
    status: int, code: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        funds(far.answer({"code": code}, status=status))[0].transfer(ORDER)


def test_what_was_never_asked_for_is_not_there() -> None:
    missing = far.answer({"code": "NOT_FOUND"}, status=404)
    assert funds(missing)[0].transferred(PAYOUT) is None
    assert funds(missing)[0].shared("share_1", PAYMENT) is None
    assert funds(missing)[0].taken_back("return_1", "share_1", PAYMENT) is None


def test_a_transfer_that_waits_can_be_cancelled() -> None:
    paying, wire = funds(far.answer({"out_bill_no": BILL_NO, "state": "CANCELING"}))
    paying.cancel_transfer(PAYOUT)
    assert wire.calls[0].url.endswith(f"/out-bill-no/{BILL_NO}/cancel")


def test_finished_is_not_success_each_receiver_says_its_own() -> None:
    closed = ROW | {"account": "1933333333", "result": "CLOSED", "fail_reason": "NO_RELATION"}
    held, wire = funds(far.answer(shares(receivers=[ROW, closed])))
    shared = held.share(SHARE)
    assert shared.finished
    assert [one.result for one in shared.receivers] == [ShareResult.SUCCESS, ShareResult.CLOSED]
    assert shared.receivers[1].reason == "NO_RELATION"
    assert json.loads(wire.calls[0].body) == {
        "sub_mchid": "1911111111",
        "appid": far.APP_ID,
        "transaction_id": PAYMENT.transaction_id,
        "out_order_no": "share_1",
        "receivers": [
            {"type": "MERCHANT_ID", "account": "1922222222", "amount": 199, "description": "x"}
        ],
        "unfreeze_unsplit": False,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"out_order_no": "share_2"},
        {"transaction_id": "4200"},
        {"state": "DONE"},
        {"receivers": {}},
        {"receivers": ["x"]},
        {"receivers": [ROW | {"result": "MAYBE"}]},
        {"receivers": [ROW | {"amount": 1.5}]},
    ],
)
def test_a_doubtful_share_is_no_answer(changes: dict[str, Any]) -> None:
    with pytest.raises(ProviderOutcomeUnknownError):
        funds(far.answer(shares(**changes)))[0].shared("share_1", PAYMENT)


def test_unfreezing_and_what_is_frozen() -> None:
    held, wire = funds(
        far.answer(shares(out_order_no="u1", state="PROCESSING", receivers=[])),
        far.answer({"transaction_id": PAYMENT.transaction_id, "unsplit_amount": 3775}),
    )
    asked = Unfreeze(number="u1", payment=PAYMENT, description="解冻")
    assert not held.unfreeze(asked).finished
    assert held.frozen(PAYMENT) == fen(3775)
    assert wire.calls[1].url.endswith(f"/transactions/{PAYMENT.transaction_id}/amounts")
    with pytest.raises(ProviderOutcomeUnknownError):
        funds(far.answer({"transaction_id": "4200", "unsplit_amount": 0}))[0].frozen(PAYMENT)


def test_a_share_is_taken_back() -> None:
    order = ShareReturn(
        number="return_1",
        share_number="share_1",
        payment=PAYMENT,
        account="1922222222",
        amount=fen(199),
        description="x",
    )
    said = {"out_return_no": "return_1", "result": "FAILED", "fail_reason": "BALANCE_NOT_ENOUGH"}
    returned = funds(far.answer(said))[0].take_back(order)
    assert (returned.result, returned.reason) == (ReturnResult.FAILED, "BALANCE_NOT_ENOUGH")


def heard(**changes: Any) -> object:
    resource = far.sealed(far.json_bytes(bill(**changes)), aad="mch_transfer")
    body = far.envelope(resource, event_type="MCHTRANSFER.BILL.FINISHED")
    return far.client()[0].read_notification(far.signed(body), body)


@pytest.mark.parametrize("name", ["mch_id", "mchid"])
def test_a_notification_says_how_a_transfer_ended(name: str) -> None:
    said = heard(**{"mch_id": None, name: far.MCH_ID})
    assert said == Transferred(payout_id=PAYOUT, state=TransferState.PAID, amount=fen(3775))


def test_a_transfer_that_is_none_of_our_payouts_is_ignored() -> None:
    assert isinstance(heard(out_bill_no="plfk2020042013"), Ignored)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"mch_id": "1900000001"}, "merchant"),
        ({"mch_id": None}, "merchant"),
        ({"mchid": "1900000001"}, "merchant"),
        ({"state": "WAIT_USER_CONFIRM"}, "state"),
        ({"state": "DONE"}, "state"),
        ({"transfer_amount": -1}, "body"),
        ({"out_bill_no": None}, "body"),
    ],
)
def test_a_true_word_about_a_transfer_is_looked_at_field_by_field(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotificationRefusedError) as refused:
        heard(**changes)
    assert refused.value.reason == reason


def partner_trade(**changes: Any) -> tuple[far.Headers, bytes]:
    said = {"mchid": None, "appid": None, "payer": {"sp_openid": "o"}}
    partner = {"sp_mchid": far.MCH_ID, "sp_appid": far.APP_ID, "sub_mchid": "1911111111"}
    return far.notification(**(said | partner | changes))


def test_a_partners_payment_says_under_whom_it_is_frozen() -> None:
    collected = far.client()[0].read_notification(*partner_trade())
    assert getattr(collected, "seller", None) == "1911111111"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sp_mchid": "1900000001"}, "merchant"),
        ({"sp_mchid": None}, "merchant"),
        ({"mchid": far.MCH_ID}, "merchant"),
        ({"sp_appid": "wx0"}, "app"),
        ({"sub_mchid": None}, "body"),
        ({"sub_mchid": 5}, "body"),
    ],
)
def test_a_partners_word_that_is_not_for_us_is_refused(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NotificationRefusedError) as refused:
        far.client()[0].read_notification(*partner_trade(**changes))
    assert refused.value.reason == reason


def test_a_partners_payment_is_asked_for_under_its_seller() -> None:
    order = far.prepay_order().evolve(seller="1911111111")
    pay, wire = far.client(far.answer({"prepay_id": "wx1"}), fallback_url=None)
    pay.prepay(order)
    (call,) = wire.calls
    asked = json.loads(call.body)
    assert call.url.endswith("/v3/pay/partner/transactions/jsapi")
    assert {"appid", "mchid"} & asked.keys() == set()
    assert (asked["sp_mchid"], asked["sub_mchid"]) == (far.MCH_ID, "1911111111")
    assert asked["settle_info"] == {"profit_sharing": True}
    assert asked["payer"] == {"sp_openid": order.payer_openid}


def test_an_answer_about_another_seller_is_none() -> None:
    said = far.trade(mchid=None, appid=None) | {
        "sp_mchid": far.MCH_ID,
        "sp_appid": far.APP_ID,
        "sub_mchid": "1922222222",
    }
    ask: Callable[..., object] = far.client(far.answer(said), fallback_url=None)[0].query
    with pytest.raises(ProviderOutcomeUnknownError):
        ask(far.PAYMENT, seller="1911111111")
