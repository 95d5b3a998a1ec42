"""Where the money of a paid order lies: with whom, under way, frozen, or released."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from local.sandbox.book import Book
from local.sandbox.fees import given_back
from local.sandbox.orders import Order
from local.sandbox.shares import Result, ShareReturn, Split

FROZEN_FOR = timedelta(days=30)


class Funds(BaseModel):
    """Where a paid order's money is: frozen + pending + shared + refunded + released + fee = total.

    `returned` came back from receivers to the merchant's balance; `shared` still counts it.
    `fee` is what WeChat Pay keeps, less what refunds gave back of it.
    """

    out_trade_no: str
    transaction_id: str
    sub_mchid: str | None
    total: int
    fee: int
    frozen: int
    pending: int
    shared: dict[str, int]
    returned: dict[str, int]
    refunded: int
    released: int


def splits_of(book: Book, transaction_id: str) -> list[Split]:
    """Return every share order and unfreezing of a payment, oldest first."""
    return book.splits.of(transaction_id)


def returns_of(book: Book, split: Split) -> list[ShareReturn]:
    """Return what was asked back of a share order, oldest first."""
    return book.returns.of(split.out_order_no)


def funds(book: Book, order: Order, now: datetime) -> Funds:
    """Count the money of a paid order, as it lies now."""
    assert order.transaction_id
    assert order.paid_at
    splits = splits_of(book, order.transaction_id)
    shared: dict[str, int] = {}
    returned: dict[str, int] = {}
    for split in splits:
        _add(shared, split.shared(Result.SUCCESS))
        for each in returns_of(book, split):
            if each.result == "SUCCESS":
                _add(returned, {each.asked.return_mchid: each.asked.amount})
    pending = sum(sum(split.shared(Result.PENDING).values()) for split in splits)
    released = sum(split.released for split in splits)
    total = order.prepay.amount.total
    refunds = book.refunds.of(order.transaction_id)
    back = given_back(refunds)
    refunded = sum(one.asked.amount.refund for one in refunds if one.counts)
    frozen = sum(one.frozen for one in refunds if one.counts)
    left = total - order.fee - sum(shared.values()) - pending - released - frozen
    assert left >= 0
    free = not order.shares or order.paid_at + FROZEN_FOR <= now
    return Funds(
        out_trade_no=order.out_trade_no,
        transaction_id=order.transaction_id,
        sub_mchid=order.prepay.sub_mchid,
        total=total,
        fee=order.fee - back,
        frozen=0 if free else left,
        pending=pending,
        shared=shared,
        returned=returned,
        refunded=refunded,
        released=released + (left if free else 0) - (refunded - back - frozen),
    )


def money(book: Book, now: datetime) -> list[dict[str, Any]]:
    """Return where the money of every paid order lies, oldest first."""
    with book.lock:
        paid = [order for order in book.orders() if order.transaction_id]
        return [funds(book, order, now).model_dump() for order in paid]


def _add(sums: dict[str, int], more: dict[str, int]) -> None:
    for account, amount in more.items():
        sums[account] = sums.get(account, 0) + amount
