"""Both funds models over HTTP, with API and workers ended and started between every two steps."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from chalicelib.kernel.ids import PartnerId
from local.control import Control
from local.stack import Stack
from local.story import Story
from tests.stories.conftest import QUICK

Taken = TypeVar("Taken")

TOTAL, FEE, SHARE = 3998, 24, 199
PARTNER = PartnerId.derive("restarts")
OURS = TOTAL - FEE - SHARE


class Restarted:
    """A story whose house is restarted whenever a step was taken."""

    def __init__(self, stack: Stack, by: signal.Signals) -> None:
        self.stack = stack
        self.by = by
        self.story = Story(stack)
        self.steps = 0

    def then(self, step: Callable[[], Taken]) -> Taken:
        taken = step()
        self.stack.restart(by=self.by)
        self.steps += 1
        return taken


@pytest.mark.slow
@pytest.mark.xdist_group("restarts")
@pytest.mark.parametrize(
    ("model", "by"),
    [
        ("direct", signal.SIGKILL),
        ("partner", signal.SIGTERM),
        ("direct", signal.SIGTERM),
        ("partner", signal.SIGKILL),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_from_catalogue_to_payout_restarted_between_every_two_steps(
    model: str, by: signal.Signals, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"FUNDS_MODEL": model, "PLATFORM_FEE_BASIS_POINTS": "60"} | QUICK
    with Stack(tmp_path, overrides=settings) as stack, Control(stack):
        monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws)
        monkeypatch.setenv("STORAGE_URL", stack.storage_url)
        assert os.environ["AWS_ENDPOINT_URL"] == stack.aws
        play(Restarted(stack, by), model)


def play(told: Restarted, model: str) -> None:
    story, then = told.story, told.then
    merchant_id = then(lambda: story.registered("山月茶庄"))
    partner = {"partner_id": PARTNER, "basis_points": 500, "account": "1922222222"}
    then(lambda: story.agreed(merchant_id, payee="o_owner", partners=[partner]))
    merchant, shopper = story.merchant(merchant_id), story.shopper("xiaoming")
    product_id = then(lambda: story.product(merchant, "高山乌龙茶", 1999, 10))
    order_id = then(lambda: story.order(shopper, merchant_id, product_id, 2))["id"]
    payment_id = then(lambda: story.payment(shopper, order_id))["id"]
    assert then(lambda: story.paid(payment_id)) == [204]
    then(lambda: story.shipped(merchant, order_id))
    then(lambda: story.received(shopper, order_id))
    if model == "direct":
        day = then(story.day_over)
        then(lambda: story.settled(day))
        payout = then(lambda: story.payout_in(merchant, merchant_id, "processing"))
        assert then(lambda: story.confirmed(payout["id"])) == [204]
    payout = then(lambda: story.payout_in(merchant, merchant_id, "paid"))
    assert payout["amount"]["amount"] == OURS
    story.entries_in(merchant, merchant_id, kind="payout_paid")
    gone = OURS + (SHARE if model == "partner" else 0)
    operator = story.operator()
    for account, balance in {
        "provider:wechatpay:clearing": TOTAL - gone,
        f"merchant:{merchant_id}:held": 0,
        f"merchant:{merchant_id}:payout": 0,
        f"partner:{PARTNER}:available": TOTAL - OURS - FEE if model == "direct" else 0,
        "platform:fees": FEE,
    }.items():
        (shown,) = operator.get(f"/v1/ledger/accounts/{account}").body["balances"]
        assert (account, shown["balance"]["amount"]) == (account, balance)
    assert story.provider_keeps() == TOTAL - gone
    assert told.steps >= 9
    story.close()
