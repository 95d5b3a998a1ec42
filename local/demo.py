"""`make demo`: a purchase over real HTTP, from the catalogue to the payout, in both funds models.

Exit 0 only if every step went well and the books agree to the fen, ours and the provider's.
"""

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chalicelib.kernel.ids import PartnerId
from chalicelib.kernel.money import Money, yuan_text
from chalicelib.ledger.segments import ReadSegments
from local.books import local_lake
from local.client import Reply
from local.control import Control
from local.emulator import EmulatorError
from local.stack import Stack, StackError
from local.story import Story, StoryError

_PRICE, _QUANTITY, _STOCK = 1999, 2, 10
_TOTAL = _PRICE * _QUANTITY
_FEE_BASIS_POINTS, _FEE = 60, 24  # of ¥39.98, half up
_SHARE_BASIS_POINTS, _SHARE = 500, 199  # of ¥39.98, down
_KEPT_BASIS_POINTS, _KEPT = 38, 15  # what WeChat Pay keeps of ¥39.98, half up
_PARTNER, _PARTNERS_NUMBER = PartnerId.derive("demo"), "1922222222"
_SELLER = "1911111111"
_FORGED = {
    "Wechatpay-Timestamp": "1",
    "Wechatpay-Nonce": "x",
    "Wechatpay-Serial": "0",
    "Wechatpay-Signature": "Zm9yZ2Vk",
}
_MODELS = {
    "direct": "the platform's own shop: collected under its number, paid out by transfer",
    "partner": "the seller is the payee: frozen at the provider, then shared and unfrozen",
}


@dataclass(frozen=True, slots=True)
class Sold:
    """What a purchase left behind."""

    merchant_id: str
    order_id: str


def main() -> int:
    """Play both models; return the exit code."""
    print("Shoukuan 收款: one purchase in each funds model, from the catalogue to the payout")
    try:
        for model, meaning in _MODELS.items():
            print(f"\n{model.upper()}: {meaning}\n")
            with (
                tempfile.TemporaryDirectory() as folder,
                Stack(Path(folder), overrides=settings_for(model)) as stack,
                Control(stack),
            ):
                _play(stack, model)
    except (StoryError, StackError, EmulatorError) as error:
        print(f"\nFAILED: {error}")
        return 1
    print("\nEverything held.")
    return 0


def settings_for(model: str) -> dict[str, str]:
    """Return what a house must be told for this story."""
    return {
        "PLATFORM_FEE_BASIS_POINTS": str(_FEE_BASIS_POINTS),
        "FUNDS_MODEL": model,
        "WECHATPAY_FEE_BASIS_POINTS": str(_KEPT_BASIS_POINTS),
    }


def _play(stack: Stack, model: str) -> None:
    os.environ |= {"AWS_ENDPOINT_URL": stack.aws, "STORAGE_URL": stack.storage_url}
    print(f"  started  API {stack.api} · gateway {stack.sandbox} · AWS {stack.aws}\n")
    story = Story(stack, say=say)
    try:
        tell(story, model)
    finally:
        story.close()


def tell(story: Story, model: str, *, kept_before: int = 0) -> Sold:
    """Tell a purchase, and hold the books against what must be in them.

    `kept_before` is what the provider keeps for us already.
    """
    story.fees(_KEPT_BASIS_POINTS)
    sold = _purchase(story)
    day = _settled(story, sold) if model == "direct" else _unfrozen(story, sold)
    _reconciled(story, day)
    expected = _expected(sold.merchant_id, model)
    expected["provider:wechatpay:clearing"] += kept_before
    _check(story, sold.merchant_id, expected, _books(story, sold.merchant_id))
    return sold


def _purchase(story: Story) -> Sold:
    merchant_id = story.registered("山月茶庄")
    partner = {
        "partner_id": _PARTNER,
        "basis_points": _SHARE_BASIS_POINTS,
        "account": _PARTNERS_NUMBER,
    }
    story.agreed(merchant_id, payee="o_owner", seller=_SELLER, partners=[partner])
    product_id = story.product(story.merchant(merchant_id), "高山乌龙茶 250g", _PRICE, _STOCK)
    shopper = story.shopper("xiaoming")
    order = story.order(shopper, merchant_id, product_id, _QUANTITY)
    payment = story.payment(shopper, order["id"], key="tap-1")
    again = story.payment(shopper, order["id"], key="tap-1")
    _insist(again["id"] == payment["id"], "the same key started another payment")
    forged = story.api.post_raw("/v1/notifications/wechatpay", b"{}", dict(_FORGED))
    story.expect("a forger notifies", forged, 400, forged.body["code"])
    _insist(story.paid(payment["id"], times=3) == [204, 204, 204], "a notification was refused")
    shown = story.shown(shopper, order["id"])
    _insist(shown["state"] == "paid", "the order is not paid")
    _insist(shown["held"]["amount"] == _TOTAL, "the order does not hold what was paid")
    left = shopper.get(f"/v1/products/{product_id}").body["stock"]
    _insist(left == _STOCK - _QUANTITY, "the stock is wrong")
    story.shipped(story.merchant(merchant_id), order["id"])
    story.ticked()  # WeChat is told of the parcel meanwhile
    received = story.received(shopper, order["id"])
    _insist(received["held"]["amount"] == 0, "the order still holds something")
    return Sold(merchant_id, order["id"])


def _settled(story: Story, sold: Sold) -> str:
    """Let the day end, settle it, and let the merchant's owner confirm the transfer."""
    merchant = story.merchant(sold.merchant_id)
    day = story.day_over()
    settlement = story.settled(day)
    payout = story.payout_in(merchant, sold.merchant_id, "processing")
    _insist(payout["amount"]["amount"] == _TOTAL - _FEE - _SHARE, "another amount is paid out")
    _insist(story.settled(day)["id"] == settlement["id"], "the day was settled twice")
    _insist(story.confirmed(payout["id"]) == [204], "the payout's notification was refused")
    story.payout_in(merchant, sold.merchant_id, "paid")
    statement = merchant.get(f"/v1/merchants/{sold.merchant_id}/statements/{day}?format=csv")
    story.expect("statement", statement, 200, f"of {day}")
    print("\n" + "\n".join(f"  {line}" for line in statement.body.splitlines()) + "\n")
    return day


def _unfrozen(story: Story, sold: Sold) -> str:
    """Wait until the provider has shared, and given the seller what is its own."""
    merchant = story.merchant(sold.merchant_id)
    payout = story.payout_in(merchant, sold.merchant_id, "paid")
    _insist(payout["order_id"] == sold.order_id, "another order's money was unfrozen")
    _insist(payout["amount"]["amount"] == _TOTAL - _FEE - _SHARE, "another amount was unfrozen")
    return story.day_over()


def _reconciled(story: Story, day: str) -> None:
    """Hold both days against WeChat Pay's bills: every line, and what is left, to the fen.

    The first is done before the second ends, which so has the first one's fees in its books.
    """
    _agreed(story, day)
    last = _agreed(story, story.day_over())
    _insist(last["theirs"] == last["ours"], "in the end something stands between the books")


def _agreed(story: Story, day: str) -> Any:
    """Reconcile a day, print what came of it, and insist that every line of it matches."""
    found = story.reconciled(day)
    lines = ", ".join(
        f"{count['lines']} {count['kind']} {count['outcome']}" for count in found["funnel"]
    )
    print(
        f"       {day}: {lines or 'nothing moved'}; WeChat Pay holds {_yuan(found['theirs'])},"
        f" we say {_yuan(found['ours'])}; its fees {_yuan(found['fees'])};"
        f" unexplained {_yuan(found['unexplained'])}"
    )
    _insist(found["unexplained"]["amount"] == 0, "the bill says otherwise than our books")
    matched = {count["outcome"] for count in found["funnel"]} <= {"matched"}
    _insist(matched, "a line of the bill differs from ours")
    return found


def _expected(merchant_id: str, model: str) -> dict[str, int]:
    """Return what each account must hold in the end, on its own side."""
    gone = _TOTAL - _FEE - _SHARE + (_SHARE - _KEPT if model == "partner" else 0)
    accounts = {
        "provider:wechatpay:clearing": _TOTAL - _KEPT - gone,
        "provider:wechatpay:fees": _KEPT if model == "direct" else 0,  # there the seller bears it
        f"merchant:{merchant_id}:held": 0,
        f"merchant:{merchant_id}:payout": 0,
        f"partner:{_PARTNER}:available": 0 if model == "partner" else _SHARE,
        "platform:fees": _FEE,
    }
    return accounts | ({f"merchant:{merchant_id}:available": 0} if model == "direct" else {})


def _books(story: Story, merchant_id: str) -> list[Any]:
    """Read the books as the merchant and the operator do, and print them."""
    merchant, operator = story.merchant(merchant_id), story.operator()
    entries = story.entries_in(merchant, merchant_id, kind="payout_paid")
    print("\nJournal, newest first")
    for entry in entries:
        print(f"  {entry['kind']}  {entry['key']}  at position {entry['position']}")
        for posting in entry["postings"]:
            amount = yuan_text(Money(**posting["amount"]))
            print(f"    {posting['side']:6}  {posting['account']:50} {amount:>10}")
    posted = {posting["account"] for entry in entries for posting in entry["postings"]}
    accounts = sorted(posted | {"provider:wechatpay:fees"})
    shown = [operator.get(f"/v1/ledger/accounts/{account}").body for account in accounts]
    print(f"\nBalances at position {shown[0]['position']}, each on its own side")
    for account in shown:
        (balance,) = account["balances"]
        amount = yuan_text(Money(**balance["balance"]))
        print(f"  {account['side']:6}  {account['account']:50} {amount:>12}")
    return shown


def _check(story: Story, merchant_id: str, expected: dict[str, int], accounts: list[Any]) -> None:
    found = {
        account["account"]: account["balances"][0]["balance"]["amount"] for account in accounts
    }
    _insist(found == expected, f"the books say otherwise: {found}")
    keeps = story.provider_keeps()
    print(f"\nThe provider's own books say that it keeps {yuan_text(Money(amount=keeps))} for us")
    _insist(keeps == expected["provider:wechatpay:clearing"], "the provider says otherwise")
    merchant = story.merchant(merchant_id)
    listed = merchant.get(f"/v1/merchants/{merchant_id}/orders?state=released").body
    _insist(len(listed["items"]) == 1, "the merchant's list of released orders is wrong")
    rows = [numbered for _, rows in ReadSegments(local_lake()).batches() for numbered in rows]
    by_time = sorted(rows, key=lambda numbered: numbered.row.key.sk)
    kinds = ", ".join(numbered.row.kind for numbered in by_time)
    print(f"\nThe numbered list has {len(rows)} rows, by time: {kinds}")
    positions = [numbered.position for numbered in rows]
    _insist(positions == list(range(1, len(rows) + 1)), "the list has a gap")


def _insist(holds: bool, sentence: str) -> None:  # noqa: FBT001  a check reads best so
    if not holds:
        raise StoryError(sentence)


def _yuan(money: Any) -> str:
    return yuan_text(Money(**money))


def say(step: str, reply: Reply, fact: str) -> None:
    """Print a step as it went."""
    print(f"  {reply.status}  {step:22} {fact}")


if __name__ == "__main__":
    sys.exit(main())
