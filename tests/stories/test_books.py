"""The books, told over HTTP: balances, entries, orders, business days, accounts."""

from typing import Any

import pytest

from chalicelib.edge.pages import write_cursor
from chalicelib.kernel.ids import MerchantId
from local.client import Client
from local.story import Story
from tests.stories.test_payment import TOTAL, Purchase, move_clock, run_tick

DAY = 86_400


@pytest.fixture
def paid(story: Story) -> Purchase:
    purchase = Purchase(story)
    assert story.paid(purchase.pay()) == [204]
    run_tick(story)
    return purchase


def of_merchant(purchase: Purchase, kind: str) -> Any:
    reply = purchase.merchant.get(f"/v1/merchants/{purchase.merchant_id}/{kind}")
    assert reply.status == 200, reply.body
    return reply.body


def test_a_merchant_sees_what_is_held_and_up_to_where(paid: Purchase) -> None:
    balances = of_merchant(paid, "balances")
    assert balances.pop("position") > 0
    nothing = {"amount": 0, "currency": "CNY"}
    assert balances == {
        "held": {"amount": TOTAL, "currency": "CNY"},
        "available": nothing,
        "in_payout": nothing,
    }


def test_a_merchant_reads_its_entries_page_by_page(paid: Purchase) -> None:
    for _ in range(2):
        order = paid.story.order(paid.shopper, paid.merchant_id, paid.product_id, 1)
        paid.story.paid(paid.story.payment(paid.shopper, order["id"])["id"])
    run_tick(paid.story)
    first = of_merchant(paid, "entries?limit=2")
    rest = of_merchant(paid, f"entries?limit=2&cursor={first['next']}")
    found = [*first["items"], *rest["items"]]
    assert [entry["kind"] for entry in found] == ["payment_captured"] * 3
    positions = [entry["position"] for entry in found]
    assert positions == sorted(positions, reverse=True)
    assert rest["next"] is None
    assert found[-1]["order_id"] == paid.order_id
    debit, credit = found[-1]["postings"]
    assert (debit["side"], debit["account"]) == ("debit", "provider:wechatpay:clearing")
    assert credit["amount"] == {"amount": TOTAL, "currency": "CNY"}


def test_a_merchant_lists_its_orders_all_and_by_state(paid: Purchase) -> None:
    unpaid = paid.story.order(paid.shopper, paid.merchant_id, paid.product_id, 1)["id"]
    run_tick(paid.story)
    everywhere = [order["id"] for order in of_merchant(paid, "orders")["items"]]
    assert everywhere == [unpaid, paid.order_id]
    assert [one["id"] for one in of_merchant(paid, "orders?state=paid")["items"]] == [paid.order_id]
    assert [one["id"] for one in of_merchant(paid, "orders?state=unpaid")["items"]] == [unpaid]
    shown = of_merchant(paid, "orders?state=paid")["items"][0]
    assert shown == paid.merchant.get(f"/v1/orders/{paid.order_id}").body
    page = of_merchant(paid, "orders?limit=1")
    assert [one["id"] for one in page["items"]] == [unpaid]
    page = of_merchant(paid, f"orders?limit=1&cursor={page['next']}")
    assert [one["id"] for one in page["items"]] == [paid.order_id]


def test_a_cursor_of_another_list_is_refused(paid: Purchase) -> None:
    other = paid.story.registered("别家")
    cursor = of_merchant(paid, "orders?limit=1")["next"]
    stranger = paid.story.merchant(other)
    for kind in ("orders", "entries", "days"):
        reply = stranger.get(f"/v1/merchants/{other}/{kind}?cursor={cursor}")
        assert (reply.status, reply.body["code"]) == (400, "invalid_cursor")
    for kind in ("entries", "days"):
        for place in ("", "~", "x" * 300, "茶"):
            forged = write_cursor(f"{kind} of {other}", place)
            reply = stranger.get(f"/v1/merchants/{other}/{kind}?cursor={forged}")
            assert (reply.status, reply.body["code"]) == (400, "invalid_cursor"), place
    for query in ("limit=0", "limit=101", "state=lost", "colour=red"):
        reply = stranger.get(f"/v1/merchants/{other}/orders?{query}")
        assert (reply.status, reply.body["code"]) == (400, "invalid_query")


def test_an_operator_looks_at_an_account_now_and_as_it_was(paid: Purchase) -> None:
    operator: Client = paid.story.operator()
    held = f"/v1/ledger/accounts/merchant:{paid.merchant_id}:held"
    now = operator.get(held).body
    assert now["side"] == "credit"
    assert [one["balance"]["amount"] for one in now["balances"]] == [TOTAL]
    entry = of_merchant(paid, "entries")["items"][0]
    before = operator.get(f"{held}?position={entry['position'] - 1}").body
    assert [one["balance"]["amount"] for one in before["balances"]] == [0]
    for query, status, code in [
        ("position=999999999", 404, "position_not_reached"),
        ("date=2020-01-01", 404, "day_not_closed"),
        ("date=2020-13-01", 404, "day_not_closed"),
        ("date=2020-01-01&position=3", 400, "invalid_query"),
        ("position=-1", 400, "invalid_query"),
        ("position=three", 400, "invalid_query"),
    ]:
        reply = operator.get(f"{held}?{query}")
        assert (reply.status, reply.body["code"]) == (status, code), query
    for strange in ("nobody:at:all", "x" * 200, "%20", "a:b:c:d", "%E8%8C%B6", "merchant:"):
        reply = operator.get(f"/v1/ledger/accounts/{strange}")
        assert (reply.status, reply.body["code"]) == (404, "account_not_found"), strange
    reply = operator.get(f"/v1/merchants/{MerchantId.derive('nobody')}/balances")
    assert (reply.status, reply.body["code"]) == (404, "merchant_not_found")


def test_a_business_day_closes_at_a_position_with_its_totals(paid: Purchase) -> None:
    (open_day,) = of_merchant(paid, "days")["items"]
    assert open_day["payments"] == {
        "created": 1,
        "prepaid": 1,
        "paid": 1,
        "refused": 0,
        "late": 0,
    }
    assert open_day["collected"] == [{"amount": TOTAL, "currency": "CNY"}]
    operator = paid.story.operator()
    path = f"/v1/ledger/days/{open_day['date']}"
    assert operator.get(path).body["code"] == "day_not_closed"
    try:
        move_clock(paid.story, DAY)
        run_tick(paid.story)
        closed = operator.get(path).body
        assert closed["position"] > 0
        assert closed["payments"]["paid"] >= 1
        held = f"/v1/ledger/accounts/merchant:{paid.merchant_id}:held?date={open_day['date']}"
        shown = operator.get(held).body
        assert shown["position"] == closed["position"]
        assert shown["balances"][0]["balance"]["amount"] == TOTAL
    finally:
        move_clock(paid.story, 0)
