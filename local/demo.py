"""`make demo`: one purchase over real HTTP, from the catalogue to money held, and its books.

Exit 0 only if every step went well and the books agree to the fen.
"""

import os
import sys
import tempfile
from pathlib import Path

from chalicelib.kernel.money import fen, yuan_text
from chalicelib.ledger.journal import JournalEntry, balances
from local.books import entries, local_table, outbox_rows
from local.client import Reply
from local.emulator import EmulatorError
from local.stack import Stack, StackError
from local.story import Story, StoryError

_PRICE, _QUANTITY, _STOCK = 1999, 2, 10
_FORGED = {
    "Wechatpay-Timestamp": "1",
    "Wechatpay-Nonce": "x",
    "Wechatpay-Serial": "0",
    "Wechatpay-Signature": "Zm9yZ2Vk",
}


def main() -> int:
    """Play the purchase; return the exit code."""
    print("Shoukuan 收款: one purchase, from the catalogue to money held\n")
    try:
        with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)) as stack:
            os.environ["AWS_ENDPOINT_URL"] = stack.aws
            print(f"  started  API {stack.api} · gateway {stack.sandbox} · AWS {stack.aws}\n")
            _play(stack)
    except (StoryError, StackError, EmulatorError) as error:
        print(f"\nFAILED: {error}")
        return 1
    print("\nEverything held.")
    return 0


def _play(stack: Stack) -> None:
    story = Story(stack, say=_say)
    try:
        order_id, merchant_id = _purchase(story)
    finally:
        story.close()
    rows = outbox_rows(local_table())
    _print_books(entries(rows))
    _check(entries(rows), merchant_id)
    print(f"\nOutbox: {', '.join(row.kind for row in rows)}")
    if not any(row.kind == "order.placed" and row.about == order_id for row in rows):
        raise StoryError("the order's commit left no outbox row")


def _purchase(story: Story) -> tuple[str, str]:
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
    total = _PRICE * _QUANTITY
    _insist(shown["state"] == "paid", "the order is not paid")
    _insist(shown["held"]["amount"] == total, "the order does not hold what was paid")
    _insist(shown["due"]["amount"] == 0, "something is still due")
    left = shopper.get(f"/v1/products/{product_id}").body["stock"]
    _insist(left == _STOCK - _QUANTITY, "the stock is wrong")
    return order["id"], merchant_id


def _print_books(posted: list[JournalEntry]) -> None:
    print("\nJournal")
    for entry in posted:
        print(f"  {entry.kind}  {entry.key}")
        for posting in entry.postings:
            print(f"    {posting.side:6}  {posting.account:45} {yuan_text(posting.amount):>10}")
    print("\nBalances (debits positive)")
    for account, amounts in sorted(balances(posted).items()):
        print(f"  {account:53} {yuan_text(fen(amounts['CNY'])):>10}")


def _check(posted: list[JournalEntry], merchant_id: str) -> None:
    total = _PRICE * _QUANTITY
    expected = {
        "provider:wechatpay:clearing": {"CNY": total},
        f"merchant:{merchant_id}:held": {"CNY": -total},
    }
    _insist(balances(posted) == expected, f"the books say otherwise: {balances(posted)}")
    _insist(len(posted) == 1, "three notifications moved money more than once")


def _insist(holds: bool, sentence: str) -> None:  # noqa: FBT001  a check reads best so
    if not holds:
        raise StoryError(sentence)


def _say(step: str, reply: Reply, fact: str) -> None:
    print(f"  {reply.status}  {step:22} {fact}")


if __name__ == "__main__":
    sys.exit(main())
