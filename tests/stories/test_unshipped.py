"""An order that nobody ships, told over HTTP where the seller is the payee: the money goes back."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.control import Control
from local.stack import Stack
from local.story import Story, new_key
from tests.stories.conftest import QUICK
from tests.stories.test_payment import TOTAL, Purchase, move_clock, run_tick
from tests.stories.test_refunds import end
from tests.stories.test_release import DAY, ship

pytestmark = pytest.mark.xdist_group("settlement")

SHIP_DAYS = 3


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a house of its own: its days pass."""
    said = {"FUNDS_MODEL": "partner", "SHIP_DAYS": str(SHIP_DAYS)}
    folder = tmp_path_factory.mktemp("unshipped")
    with Stack(folder, overrides=QUICK | said) as running, Control(running):
        yield running


@pytest.fixture(autouse=True)
def clock(story: Story) -> Iterator[None]:
    """Turn the clock back when a story has moved it."""
    yield
    move_clock(story, 0)


@pytest.fixture
def paid(story: Story) -> Purchase:
    purchase = Purchase(story)
    story.agreed(purchase.merchant_id, seller="1911111111")
    assert story.paid(purchase.pay()) == [204]
    run_tick(story)
    return purchase


def wait(purchase: Purchase, days: float) -> None:
    """Let so many days pass, and every schedule run."""
    for seconds in (1861, int(days * DAY)):
        move_clock(purchase.story, seconds)
        run_tick(purchase.story)


def refunds(purchase: Purchase) -> list[Any]:
    return list(purchase.shopper.get(f"/v1/orders/{purchase.order_id}/refunds").body["items"])


def test_what_nobody_ships_goes_back_and_is_not_shipped_any_more(paid: Purchase) -> None:
    wait(paid, SHIP_DAYS - 0.1)
    assert (paid.order()["state"], refunds(paid)) == ("paid", [])
    wait(paid, SHIP_DAYS)
    (refund,) = refunds(paid)
    assert (refund["amount"]["amount"], refund["reason"]) == (TOTAL, "超时未发货，自动退款")
    assert (paid.order()["state"], paid.stock()) == ("refunded", 10)
    late = ship(paid)
    assert (late.status, late.body["code"], late.body["state"]) == (
        409,
        "order_not_shippable",
        "refunded",
    )
    assert end(paid, refund["id"]) == [204]
    run_tick(paid.story)
    assert refunds(paid)[0]["state"] == "succeeded"
    kinds = sorted(entry.kind for entry in paid.entries())
    assert kinds == ["order_refunded", "payment_captured", "refund_paid"]


@pytest.mark.slow
def test_of_what_was_partly_released_the_rest_goes_back(paid: Purchase) -> None:
    part = {"amount": {"amount": 1000, "currency": "CNY"}}
    path = f"/v1/orders/{paid.order_id}/releases"
    assert paid.shopper.post(path, part, key=new_key()).status == 200
    wait(paid, SHIP_DAYS)
    (refund,) = refunds(paid)
    assert refund["amount"]["amount"] == TOTAL - 1000
    assert paid.order()["state"] == "released"
    assert end(paid, refund["id"]) == [204]
    for _ in range(2):
        run_tick(paid.story)
        move_clock(paid.story, (SHIP_DAYS + 1) * DAY)
    payout = paid.story.payout_in(paid.merchant, paid.merchant_id, "paid")
    assert payout["amount"]["amount"] == 1000


def test_what_is_shipped_in_time_stays(paid: Purchase) -> None:
    wait(paid, SHIP_DAYS - 0.1)
    assert ship(paid).status == 201
    wait(paid, SHIP_DAYS)
    assert (paid.order()["state"], refunds(paid)) == ("shipped", [])
