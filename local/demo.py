"""`make demo`: one purchase over real HTTP, from the catalogue to money released, and its books.

Exit 0 only if every step went well and the books agree to the fen.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from chalicelib.kernel.money import Money, yuan_text
from chalicelib.ledger.segments import ReadSegments
from local.books import local_lake
from local.client import Reply
from local.emulator import EmulatorError
from local.stack import Stack, StackError
from local.story import Story, StoryError

_PRICE, _QUANTITY, _STOCK = 1999, 2, 10
_TOTAL = _PRICE * _QUANTITY
_FEE_BASIS_POINTS, _FEE = 60, 24  # of ¥39.98, half up
_FORGED = {
    "Wechatpay-Timestamp": "1",
    "Wechatpay-Nonce": "x",
    "Wechatpay-Serial": "0",
    "Wechatpay-Signature": "Zm9yZ2Vk",
}


def main() -> int:
    """Play the purchase; return the exit code."""
    print("Shoukuan 收款: one purchase, from the catalogue to money released\n")
    try:
        with tempfile.TemporaryDirectory() as folder, _stack(Path(folder)) as stack:
            os.environ["AWS_ENDPOINT_URL"] = stack.aws
            print(f"  started  API {stack.api} · gateway {stack.sandbox} · AWS {stack.aws}\n")
            _play(stack)
    except (StoryError, StackError, EmulatorError) as error:
        print(f"\nFAILED: {error}")
        return 1
    print("\nEverything held.")
    return 0


def _stack(folder: Path) -> Stack:
    return Stack(folder, overrides={"PLATFORM_FEE_BASIS_POINTS": str(_FEE_BASIS_POINTS)})


def _play(stack: Stack) -> None:
    story = Story(stack, say=_say)
    try:
        merchant_id = _purchase(story)
        _check(merchant_id, _books(story, merchant_id))
    finally:
        story.close()


def _purchase(story: Story) -> str:
    merchant_id = story.registered("山月茶庄")
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
    _insist(shown["due"]["amount"] == 0, "something is still due")
    left = shopper.get(f"/v1/products/{product_id}").body["stock"]
    _insist(left == _STOCK - _QUANTITY, "the stock is wrong")
    story.shipped(story.merchant(merchant_id), order["id"])
    received = story.received(shopper, order["id"])
    _insist(received["held"]["amount"] == 0, "the order still holds something")
    return merchant_id


def _books(story: Story, merchant_id: str) -> list[Any]:
    """Read the books as the merchant and the operator do, and print them."""
    merchant, operator = story.merchant(merchant_id), story.operator()
    began = time.monotonic()
    balances = story.folded(merchant, merchant_id, _TOTAL - _FEE)
    print(f"\nFolded and visible {time.monotonic() - began:.1f} s after the receipt's commit")
    entries = merchant.get(f"/v1/merchants/{merchant_id}/entries").body["items"]
    print("\nJournal")
    for entry in entries:
        print(f"  {entry['kind']}  {entry['key']}  at position {entry['position']}")
        for posting in entry["postings"]:
            amount = yuan_text(Money(**posting["amount"]))
            print(f"    {posting['side']:6}  {posting['account']:50} {amount:>10}")
    accounts = sorted({posting["account"] for entry in entries for posting in entry["postings"]})
    shown = [operator.get(f"/v1/ledger/accounts/{account}").body for account in accounts]
    print(f"\nBalances at position {balances['position']}, each on its own side")
    for account in shown:
        (balance,) = account["balances"]
        amount = yuan_text(Money(**balance["balance"]))
        print(f"  {account['side']:6}  {account['account']:50} {amount:>12}")
    listed = merchant.get(f"/v1/merchants/{merchant_id}/orders?state=released").body
    return [entries, shown, listed]


def _check(merchant_id: str, books: list[Any]) -> None:
    entries, accounts, released = books
    expected = {
        "provider:wechatpay:clearing": _TOTAL,
        f"merchant:{merchant_id}:held": 0,
        f"merchant:{merchant_id}:available": _TOTAL - _FEE,
        "platform:fees": _FEE,
    }
    found = {
        account["account"]: account["balances"][0]["balance"]["amount"] for account in accounts
    }
    _insist(found == expected, f"the books say otherwise: {found}")
    _insist(len(entries) == 2, "three notifications moved money more than once")  # noqa: PLR2004
    _insist(len(released["items"]) == 1, "the merchant's list of released orders is wrong")
    listed = [numbered for _, rows in ReadSegments(local_lake()).batches() for numbered in rows]
    by_time = sorted(listed, key=lambda numbered: numbered.row.key.sk)
    kinds = ", ".join(numbered.row.kind for numbered in by_time)
    print(f"\nThe numbered list has {len(listed)} rows, by time: {kinds}")
    positions = [numbered.position for numbered in listed]
    _insist(positions == list(range(1, len(listed) + 1)), "the list has a gap")


def _insist(holds: bool, sentence: str) -> None:  # noqa: FBT001  a check reads best so
    if not holds:
        raise StoryError(sentence)


def _say(step: str, reply: Reply, fact: str) -> None:
    print(f"  {reply.status}  {step:22} {fact}")


if __name__ == "__main__":
    sys.exit(main())
