"""The bill of profit sharing (分账账单): shares, returns, what was unfrozen, at their end."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from local.sandbox.book import Book
from local.sandbox.funds import FROZEN_FOR
from local.sandbox.orders import Order
from local.sandbox.shares import Result, Share, ShareReturn, Split
from local.sandbox.statement import Cell, Day, Layout, Line, Sort, counted, numbered

SHARE = Sort(("金额",), "处理状态")
DONE, FAILED = "成功", "失败"
SHARED, TAKEN_BACK, FREED = "分账", "分账回退", "解冻"
GIVEN = "解冻给分账方"


def summary(lines: Sequence[Line]) -> dict[str, Cell]:
    """Sum a bill of shares."""
    return {"分账总笔数": str(len(lines)), "分账总金额": counted(lines, "金额")}


LAYOUT = Layout(
    (
        *("分账时间", "分账发起方", "分账方", "微信订单号", "微信分账/回退单号"),
        *("分账明细单号", "商户分账/回退单号", "订单金额", "分账接收方", "金额", "业务类型"),
        *("处理状态", "分账描述", "备注"),
    ),
    summary,
    note="分账描述",
    merchant="分账发起方",
)


def share_lines(book: Book, day: Day, mch_id: str, sub_mchid: str | None = None) -> list[Line]:
    """Return the lines of a day in order of time, of one sub-merchant if one is named."""
    every = [
        replace(line, cells=blank(mch_id) | line.cells)
        for line in chain(_splits(book), _returns(book), _freed(book, day))
        if day.holds(line.at) and sub_mchid in {None, line.cells["分账方"]}
    ]
    return sorted(every, key=lambda line: line.at)


def _splits(book: Book) -> Iterator[Line]:
    for split in book.splits.all():
        order = book.order_by_transaction_id(split.transaction_id)
        assert order
        for share in split.shares:
            if share.finished_at:
                yield _share(order, split, share, share.finished_at)
        ended = [share.finished_at for share in split.shares if share.finished_at]
        if split.asked and split.released and len(ended) == len(split.shares):
            yield _rest(order, split, max(ended))


def _share(order: Order, split: Split, share: Share, at: datetime) -> Line:
    return Line(
        at,
        split.out_order_no,
        SHARE,
        _of(order, at)
        | {
            "微信分账/回退单号": split.order_id,
            "分账明细单号": share.detail_id,
            "商户分账/回退单号": split.out_order_no,
            "分账接收方": share.account,
            "金额": share.amount,
            "业务类型": SHARED if split.asked else FREED,
            "处理状态": DONE if share.result is Result.SUCCESS else FAILED,
            "分账描述": share.description,
            "备注": share.fail_reason or "",
        },
    )


def _rest(order: Order, split: Split, at: datetime) -> Line:
    """Write what a share order gave the seller besides."""
    cells: dict[str, Cell] = {
        "微信分账/回退单号": split.order_id,
        "分账明细单号": numbered("3601", at, split.order_id),
        "商户分账/回退单号": split.out_order_no,
        "金额": split.released,
    }
    return Line(at, split.out_order_no, SHARE, _of(order, at) | cells)


def _returns(book: Book) -> Iterator[Line]:
    for back in book.returns.all():
        split = book.splits.get(back.out_order_no)
        order = split and book.order_by_transaction_id(split.transaction_id)
        if back.finished_at and split and order:
            yield _return(order, split, back, back.finished_at)


def _return(order: Order, split: Split, back: ShareReturn, at: datetime) -> Line:
    shares = (each for each in split.shares if each.account == back.asked.return_mchid)
    return Line(
        at,
        back.asked.out_return_no,
        SHARE,
        _of(order, at)
        | {
            "微信分账/回退单号": back.return_id,
            "分账明细单号": next(shares).detail_id,
            "商户分账/回退单号": back.asked.out_return_no,
            "分账接收方": back.asked.return_mchid,
            "金额": back.asked.amount,
            "业务类型": TAKEN_BACK,
            "处理状态": DONE if back.result == "SUCCESS" else FAILED,
            "分账描述": back.asked.description,
            "备注": back.fail_reason or "",
        },
    )


def _freed(book: Book, day: Day) -> Iterator[Line]:
    """Write what nobody unfroze in thirty days, and what became free after them."""
    for order in book.orders():
        if not order.paid_at or not order.shares or order.paid_at + FROZEN_FOR >= day.end:
            continue
        for at, amount in _free_by_time(book, order, order.paid_at + FROZEN_FOR):
            number = f"{order.transaction_id} {at.isoformat()}"
            cells: dict[str, Cell] = {
                "微信分账/回退单号": numbered("3008", at, number),
                "分账明细单号": numbered("3601", at, number),
                "商户分账/回退单号": "",
                "金额": amount,
            }
            yield Line(at, "", SHARE, _of(order, at) | cells)


def _free_by_time(book: Book, order: Order, until: datetime) -> Iterator[tuple[datetime, int]]:
    """Tell how much of an order was still frozen when its freeze ended, and what followed."""
    assert order.transaction_id
    left = order.prepay.amount.total - order.fee
    late: list[tuple[datetime, int]] = []
    for split in book.splits.of(order.transaction_id):
        left -= split.released
        for share in split.shares if split.asked else ():
            closed = share.finished_at if share.result is Result.CLOSED else None
            left -= share.amount if closed is None or closed > until else 0
            late += [(closed, share.amount)] if closed and closed > until else []
    for refund in book.refunds.of(order.transaction_id):
        closed = None if refund.counts else refund.ended_at
        left -= refund.frozen if closed is None or closed > until else 0
        late += [(closed, refund.frozen)] if closed and closed > until else []
    yield from ((at, amount) for at, amount in [(until, left), *late] if amount)


def _of(order: Order, at: datetime) -> dict[str, Cell]:
    """Return what every line about an order says, an unfreezing unless it says otherwise."""
    return {
        "分账时间": at,
        "分账方": order.prepay.payee,
        "微信订单号": order.transaction_id or "",
        "订单金额": order.prepay.amount.total,
        "分账接收方": order.prepay.payee,
        "业务类型": FREED,
        "分账描述": GIVEN,
    }


def blank(mch_id: str) -> dict[str, Cell]:
    """Return the cells of a line about no order, all but its time, numbers and amount."""
    return {
        "分账发起方": mch_id,
        "分账方": mch_id,
        "微信订单号": "",
        "订单金额": 0,
        "分账接收方": mch_id,
        "业务类型": SHARED,
        "处理状态": DONE,
        "分账描述": "",
        "备注": "",
    }
