"""From released to paid out, and what is refused on the way, told over HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.kernel.ids import PartnerId
from local.control import Control
from local.stack import Stack
from local.story import Story, new_key
from tests.stories.conftest import QUICK
from tests.stories.test_payment import TOTAL, Purchase, run_tick

pytestmark = pytest.mark.xdist_group("settlement")

PARCEL = {"carrier": "SF", "tracking_number": "SF1234567890"}


def released(story: Story) -> Purchase:
    purchase = Purchase(story)
    assert story.paid(purchase.pay()) == [204]
    story.shipped(purchase.merchant, purchase.order_id)
    story.received(purchase.shopper, purchase.order_id)
    run_tick(story)
    return purchase


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a house of its own: its days pass, and never come back."""
    folder = tmp_path_factory.mktemp("settled")
    with Stack(folder, overrides=QUICK) as running, Control(running):
        yield running


def payouts(purchase: Purchase) -> list[Any]:
    path = f"/v1/merchants/{purchase.merchant_id}/payouts"
    return list(purchase.merchant.get(path).body["items"])


def available(purchase: Purchase) -> int:
    path = f"/v1/merchants/{purchase.merchant_id}/balances"
    return int(purchase.merchant.get(path).body["available"]["amount"])


def test_a_payout_that_fails_comes_back_and_goes_with_the_next_day(story: Story) -> None:
    purchase = released(story)
    day = story.day_over()
    story.settled(day)
    run_tick(story)
    payout = story.payout_in(purchase.merchant, purchase.merchant_id, "processing")
    assert payout["confirmation"]
    assert story.confirmed(payout["id"], "failed") == [204]
    failed = story.payout_in(purchase.merchant, purchase.merchant_id, "failed")
    assert failed["failure"] == "ACCOUNT_FROZEN"
    run_tick(story)
    assert available(purchase) == TOTAL
    story.settled(story.day_over())
    run_tick(story)
    second = story.payout_in(purchase.merchant, purchase.merchant_id, "processing")
    assert (second["id"] != payout["id"], second["amount"]["amount"]) == (True, TOTAL)
    assert story.confirmed(second["id"]) == [204]
    story.payout_in(purchase.merchant, purchase.merchant_id, "paid")
    run_tick(story)
    assert available(purchase) == 0


def test_a_held_merchant_is_passed_over_until_it_is_not(story: Story) -> None:
    purchase = released(story)
    story.agreed(purchase.merchant_id, payouts_held=True)
    day = story.day_over()
    story.settled(day)
    run_tick(story)
    assert (payouts(purchase), available(purchase)) == ([], TOTAL)
    story.agreed(purchase.merchant_id)
    story.settled(day)
    run_tick(story)
    assert [payout["amount"]["amount"] for payout in payouts(purchase)] == [TOTAL]


def test_what_a_merchant_owes_is_netted(story: Story) -> None:
    purchase, operator = released(story), story.operator()
    path, body = f"/v1/merchants/{purchase.merchant_id}/advances", {"amount": {"amount": 998}}
    assert operator.post(path, body, key="advance-1").status == 201
    assert operator.post(path, body, key="advance-1").status == 201
    other = operator.post(path, {"amount": {"amount": 999}}, key="advance-1")
    assert (other.status, other.body["code"]) == (422, "idempotency_key_reused")
    story.settled(story.day_over())
    run_tick(story)
    assert [payout["amount"]["amount"] for payout in payouts(purchase)] == [TOTAL - 998]
    debt = operator.get(f"/v1/ledger/accounts/merchant:{purchase.merchant_id}:debt").body
    assert debt["balances"][0]["balance"]["amount"] == 0


def test_a_statement_opens_where_the_day_before_closed(story: Story) -> None:
    purchase = released(story)
    first = story.day_over()
    story.settled(first)
    run_tick(story)
    second = story.day_over()
    merchant, path = purchase.merchant, f"/v1/merchants/{purchase.merchant_id}/statements"
    one, two = (merchant.get(f"{path}/{day}").body for day in (first, second))
    assert one["closing"] == two["opening"]
    assert [line["kind"] for line in one["lines"]["items"]] == [
        "payment_captured",
        "order_released",
    ]
    assert [line["kind"] for line in two["lines"]["items"]] == ["merchant_settled"]
    for statement in (one, two):
        for account in ("held", "available", "in_payout"):
            moved = sum(line[account]["amount"] for line in statement["lines"]["items"])
            opened = statement["opening"][account]["amount"]
            assert opened + moved == statement["closing"][account]["amount"]
    pages = merchant.get(f"{path}/{first}?format=csv&limit=1")
    assert pages.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert [row.split(",")[2] for row in pages.body.split()] == [
        "kind",
        "opening",
        "payment_captured",
    ]
    cursor = pages.headers["X-Next-Cursor"]
    rest = merchant.get(f"{path}/{first}?format=csv&cursor={cursor}").body.split()
    assert [row.split(",")[2] for row in rest] == ["order_released", "closing"]


@pytest.mark.parametrize(
    ("day", "status", "code"),
    [
        ("2026-02-30", 400, "invalid_body"),
        ("yesterday", 400, "invalid_body"),
        ("2999-01-01", 404, "day_not_closed"),
    ],
)
def test_a_day_that_is_not_closed_is_not_settled(
    story: Story, day: str, status: int, code: str
) -> None:
    reply = story.operator().post("/v1/settlements", {"business_date": day}, key=new_key())
    assert (reply.status, reply.body["code"]) == (status, code)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"level": "GOLD!"}, "level"),
        ({"seller": "abc"}, "seller"),
        ({"payouts_held": "yes"}, "payouts_held"),
        ({"rate": 5}, "rate"),
        ({"partners": [{"partner_id": "x", "basis_points": 5, "account": "1"}]}, None),
        ({"partners": [{"partner_id": PartnerId.derive("a"), "basis_points": 0}]}, None),
    ],
)
def test_wrong_terms_are_refused_by_field(story: Story, terms: Any, field: str | None) -> None:
    merchant_id = story.registered("甲")
    reply = story.operator().post(f"/v1/merchants/{merchant_id}/terms", terms)
    assert (reply.status, reply.body["code"]) == (400, "invalid_body")
    if field is not None:
        assert [error["field"] for error in reply.body["errors"]] == [field]


def test_partners_who_would_take_too_much_are_refused(story: Story) -> None:
    merchant_id = story.registered("甲")
    partners = [
        {"partner_id": PartnerId.derive(number), "basis_points": 1501, "account": f"19{number}"}
        for number in ("11111111", "22222222")
    ]
    path = f"/v1/merchants/{merchant_id}/terms"
    reply = story.operator().post(path, {"partners": partners})
    assert (reply.status, reply.body["code"]) == (409, "shares_over_cap")
    twice = story.operator().post(path, {"partners": [partners[0], partners[0]]})
    assert (twice.status, twice.body["code"]) == (400, "invalid_body")


def test_a_milestone_releases_a_part(story: Story) -> None:
    purchase = Purchase(story)
    assert story.paid(purchase.pay()) == [204]
    path = f"/v1/orders/{purchase.order_id}/releases"
    body = {"amount": {"amount": 1000}}
    first = purchase.shopper.post(path, body, key="m1")
    assert (first.status, first.body["state"], first.body["held"]["amount"]) == (200, "paid", 2998)
    assert purchase.shopper.post(path, body, key="m1").body == first.body
    over = purchase.shopper.post(path, {"amount": {"amount": 2998}}, key="m2")
    assert (over.status, over.body["code"], over.body["held"]) == (409, "release_too_large", 2998)
    run_tick(story)
    assert available(purchase) == 1000


def test_a_forged_word_about_a_payout_is_refused_and_a_true_one_booked_once(story: Story) -> None:
    purchase = released(story)
    story.settled(story.day_over())
    run_tick(story)
    payout = story.payout_in(purchase.merchant, purchase.merchant_id, "processing")
    forged = story.api.post_raw("/v1/notifications/wechatpay/payouts", b"{}", {})
    assert (forged.status, forged.body["code"]) == (400, "notification_refused")
    assert story.confirmed(payout["id"]) == [204]
    assert story.confirmed(payout["id"]) == [204]  # said again, and nothing moves twice
    story.payout_in(purchase.merchant, purchase.merchant_id, "paid")
    run_tick(story)
    entries = purchase.merchant.get(f"/v1/merchants/{purchase.merchant_id}/entries").body["items"]
    assert [entry["kind"] for entry in entries].count("payout_paid") == 1
