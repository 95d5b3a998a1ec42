"""A payment, told over HTTP against the gateway that speaks WeChat Pay's protocol."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from chalicelib.kernel.money import fen
from chalicelib.ledger.journal import JournalEntry, balances
from chalicelib.providers.port import Collected
from local.books import all_rows, entries, local_lake, local_table
from local.client import Client
from local.story import Story, new_key
from tests.stories.queues import lay

TOTAL = 3998


class Purchase:
    """An order of two teas, not yet paid."""

    def __init__(self, story: Story, stock: int = 10) -> None:
        self.story = story
        self.merchant_id = story.registered("山月茶庄")
        self.merchant = story.merchant(self.merchant_id)
        self.product_id = story.product(self.merchant, "高山乌龙茶", 1999, stock)
        self.shopper = story.shopper("xiaoming")
        self.order_id = story.order(self.shopper, self.merchant_id, self.product_id, 2)["id"]

    def pay(self) -> str:
        return str(self.story.payment(self.shopper, self.order_id)["id"])

    def order(self) -> Any:
        return self.story.shown(self.shopper, self.order_id)

    def entries(self) -> list[JournalEntry]:
        found = entries(all_rows(local_table(), local_lake()))
        return [entry for entry in found if entry.order_id == self.order_id]

    def stock(self) -> int:
        return int(self.shopper.get(f"/v1/products/{self.product_id}").body["stock"])


@pytest.fixture
def purchase(story: Story) -> Purchase:
    return Purchase(story)


def test_a_shopper_pays_and_the_money_is_held(purchase: Purchase) -> None:
    payment = purchase.story.payment(purchase.shopper, purchase.order_id)
    assert payment["state"] == "pending"
    assert payment["amount"] == {"amount": TOTAL, "currency": "CNY"}
    assert set(payment["invoke"]) == {
        "appId",
        "timeStamp",
        "nonceStr",
        "package",
        "signType",
        "paySign",
    }
    assert purchase.story.paid(payment["id"]) == [204]
    order = purchase.order()
    assert (order["state"], order["held"]["amount"], order["due"]["amount"]) == ("paid", TOTAL, 0)
    assert [entry.kind for entry in purchase.entries()] == ["payment_captured"]


def test_the_same_notification_fifty_times_at_once_moves_money_once(purchase: Purchase) -> None:
    payment_id = purchase.pay()
    assert purchase.story.paid(payment_id, deliver=False) == []
    start = threading.Barrier(16)

    def deliver(times: int) -> list[int]:
        start.wait()
        return purchase.story.paid(payment_id, times=times)

    with ThreadPoolExecutor(16) as threads:
        answers = [status for one in threads.map(deliver, [4] * 2 + [3] * 14) for status in one]
    assert Counter(answers) == {204: 50}
    assert purchase.order()["held"]["amount"] == TOTAL
    assert len(purchase.entries()) == 1


def test_two_payments_of_one_order_at_once_hold_one_and_owe_one(purchase: Purchase) -> None:
    payments = [purchase.pay(), purchase.pay()]
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(purchase.story.paid, payments)) == [[204], [204]]
    assert purchase.order()["held"]["amount"] == TOTAL
    found = purchase.entries()
    assert sorted(entry.kind for entry in found) == ["payment_captured", "payment_captured_late"]
    assert balances(found) == {
        "provider:wechatpay:clearing": {"CNY": 2 * TOTAL},
        f"merchant:{purchase.merchant_id}:held": {"CNY": -TOTAL},
        "platform:suspense": {"CNY": -TOTAL},
    }


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({"sign_with": "certificate"}, 400),  # no certificate was downloaded yet, or 204 after it
        ({"sign_with": "signtest"}, 400),
        ({"mchid": "1900000099"}, 400),
        ({"amount_total": TOTAL - 1}, 204),
        ({"currency": "USD"}, 204),
    ],
)
def test_what_is_not_the_truth_holds_nothing(
    purchase: Purchase, how: dict[str, object], status: int
) -> None:
    payment_id = purchase.pay()
    answers = purchase.story.paid(payment_id, **how)
    if how == {"sign_with": "certificate"} and answers == [204]:
        return
    assert answers == [status]
    order = purchase.order()
    assert (order["state"], order["held"]["amount"]) == ("unpaid", 0)
    assert purchase.story.paid(payment_id) == [204]
    assert purchase.order()["held"]["amount"] == TOTAL


def test_a_merchant_that_switches_gets_both_kinds_of_signature(purchase: Purchase) -> None:
    run_tick(purchase.story)  # downloads the certificates
    first = purchase.pay()  # where this process learns what another downloaded, when it is time
    answers = purchase.story.paid(first, sign_with="public_key")
    assert answers == [204]


@pytest.mark.parametrize("kind", ["drop_answer", "error_500", "unsigned", "html_502"])
def test_an_answer_lost_on_the_way_starts_one_payment_all_the_same(
    purchase: Purchase, kind: str
) -> None:
    path = "/v3/pay/transactions/jsapi"
    fault = {"path": path, "method": "POST", "kind": kind, "times": 4}
    assert purchase.story.sandbox.post("/control/faults", fault).status < 300
    key = new_key()
    body = {"provider": "wechatpay"}
    url = f"/v1/orders/{purchase.order_id}/payments"
    replies = [purchase.shopper.post(url, body, key=key) for _ in range(8)]
    assert {reply.status for reply in replies} <= {201, 202}
    assert replies[0].status == 202
    assert replies[0].body["invoke"] is None
    assert replies[-1].status == 201
    assert replies[-1].body["invoke"] is not None
    assert len({reply.body["id"] for reply in replies}) == 1
    assert purchase.story.paid(replies[-1].body["id"]) == [204]


def run_tick(story: Story) -> Any:
    control = Client(story.stack.control)
    try:
        reply = control.post("/tick")
        assert reply.status == 200, reply.body
        return reply.body
    finally:
        control.close()


def move_clock(story: Story, seconds: int) -> None:
    control = Client(story.stack.control)
    assert control.post("/clock", {"offset_seconds": seconds}).status == 200
    control.close()


def test_an_order_that_nobody_pays_is_closed_and_late_money_is_owed_back(
    purchase: Purchase,
) -> None:
    payment_id = purchase.pay()
    assert purchase.stock() == 8
    try:
        move_clock(purchase.story, 1861)
        assert run_tick(purchase.story)["empty"]
        assert purchase.order()["state"] == "closed"
        assert purchase.stock() == 10
        again = purchase.shopper.post(
            f"/v1/orders/{purchase.order_id}/payments", {"provider": "wechatpay"}, key=new_key()
        )
        assert (again.status, again.body["code"]) == (409, "order_not_payable")
        assert purchase.story.paid(payment_id, force=True) == [204]
        assert [entry.kind for entry in purchase.entries()] == ["payment_captured_late"]
        assert purchase.order()["state"] == "closed"
    finally:
        move_clock(purchase.story, 0)


def test_a_payment_whose_notification_got_lost_is_found_before_the_order_closes(
    purchase: Purchase,
) -> None:
    purchase.story.paid(purchase.pay(), deliver=False)
    try:
        move_clock(purchase.story, 1861)
        assert run_tick(purchase.story)["empty"]
        assert purchase.order()["state"] == "paid"
        assert purchase.order()["held"]["amount"] == TOTAL
        assert purchase.stock() == 8
    finally:
        move_clock(purchase.story, 0)


def test_a_notification_that_met_a_throttle_is_booked_from_the_queue(purchase: Purchase) -> None:
    """What the door puts into the queue is verified already; nothing is asked again."""
    payment_id = purchase.pay()
    collected = Collected(
        provider="wechatpay",
        number=payment_id,
        transaction_id=f"42000{payment_id[-23:]}",
        amount=fen(TOTAL),
        paid_at=datetime.now(UTC),
        attach=f"{purchase.order_id}/{purchase.merchant_id}",
    )
    lay("bookings", *[{"collected": collected.model_dump_json()}] * 2)
    purchase.story.ticked()
    order = purchase.order()
    assert (order["state"], order["held"]["amount"]) == ("paid", TOTAL)
    assert [entry.kind for entry in purchase.entries()] == ["payment_captured"]
