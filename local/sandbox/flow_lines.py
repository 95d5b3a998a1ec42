"""The fund-flow bill (资金账单): what moved on the caller's own account, and what was left."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from local.sandbox.bills import BillState
from local.sandbox.book import Book
from local.sandbox.orders import Order
from local.sandbox.refund import Refund
from local.sandbox.shares import Result, ShareReturn, Split
from local.sandbox.statement import Cell, Day, Layout, Line, Sort, numbered, yuan

AMOUNT, BALANCE = "收支金额(元)", "账户结余(元)"
IN, OUT = "收入", "支出"
FLOW = Sort((AMOUNT,))
FLOW_FEE = Sort(fee=AMOUNT)
SYSTEM = "system"
FEE_TAKEN, FEE_BACK = "扣除交易手续费", "返还交易手续费"


class Movement(NamedTuple):
    """Money that came, or, below zero, went."""

    at: datetime
    name: str  # 业务名称
    type: str  # 业务类型
    amount: int
    reference: str
    number: str
    by: str = SYSTEM
    note: str = ""


def summary(lines: Sequence[Line]) -> dict[str, Cell]:
    """Sum a fund-flow bill."""
    income = [_amount(line) for line in lines if line.cells["收支类型"] == IN]
    outlay = [_amount(line) for line in lines if line.cells["收支类型"] == OUT]
    return {
        "资金流水总笔数": str(len(lines)),
        "收入笔数": str(len(income)),
        "收入金额": sum(income),
        "支出笔数": str(len(outlay)),
        "支出金额": sum(outlay),
    }


LAYOUT = Layout(
    (
        *("记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型"),
        *(AMOUNT, BALANCE, "资金变更提交申请人", "备注", "业务凭证号"),
    ),
    summary,
    note="备注",
    merchant=None,
)


def flow_lines(book: Book, day: Day, mch_id: str, now: datetime) -> tuple[int, list[Line]]:
    """Return what was on the account before a day, and the day's lines in order of time."""
    moved = sorted(_movements(book, mch_id, now), key=lambda movement: movement.at)
    before = sum(each.amount for each in moved if each.at < day.start)
    opening = book.preferences.opening_balance + before
    return opening, [flow_line(each) for each in moved if day.holds(each.at)]


def balanced(opening: int, lines: Sequence[Line]) -> list[Line]:
    """Write beside each line what it left."""
    found = []
    for line in lines:
        opening += _amount(line) if line.cells["收支类型"] == IN else -_amount(line)
        found.append(line.saying(**{BALANCE: opening}))
    return found


def flow_line(moved: Movement) -> Line:
    """Write a movement, all but the balance."""
    seed = f"{moved.reference} {moved.type} {moved.number} {moved.amount > 0}"
    cells: dict[str, Cell] = {
        "记账时间": moved.at,
        "微信支付业务单号": moved.reference,
        "资金流水单号": numbered("1000", moved.at, seed),
        "业务名称": moved.name,
        "业务类型": moved.type,
        "收支类型": IN if moved.amount > 0 else OUT,
        AMOUNT: abs(moved.amount),
        BALANCE: 0,
        "资金变更提交申请人": moved.by,
        "备注": moved.note,
        "业务凭证号": moved.number,
    }
    sort = FLOW_FEE if moved.type in {FEE_TAKEN, FEE_BACK} else FLOW
    return Line(moved.at, moved.number, sort, cells)


def _amount(line: Line) -> int:
    amount = line.cells[AMOUNT]
    assert isinstance(amount, int)
    return amount


def _movements(book: Book, mch_id: str, now: datetime) -> Iterator[Movement]:
    """Tell every movement there ever was; a payment stands before its own fee."""
    for order in book.orders():
        if order.paid_at and not order.prepay.sub_mchid:
            yield from _payment(order, order.paid_at)
    for refund in book.refunds.all():
        if not refund.asked.sub_mchid:
            yield from _refund(refund, mch_id)
    yield from _transfers(book, mch_id, now)
    for split in book.splits.all():
        if split.asked:
            yield from _shares(split, mch_id)
    for back in book.returns.all():
        if back.result == "SUCCESS" and back.finished_at:
            yield from _share_back(back, back.finished_at, mch_id)


def _payment(order: Order, at: datetime) -> Iterator[Movement]:
    total, number = order.prepay.amount.total, order.out_trade_no
    reference = order.transaction_id or ""
    said = f"结算总金额 {yuan(total)} 元;含手续费 {yuan(order.fee)} 元"
    yield Movement(at, "交易", "交易", total, reference, number, note=said)
    if order.fee:
        yield Movement(at, "交易", FEE_TAKEN, -order.fee, reference, number)


def _refund(refund: Refund, mch_id: str) -> Iterator[Movement]:
    """Tell of a refund when it is accepted, and of its money when it is closed."""
    amount, fee = refund.asked.amount.refund, refund.fee_back
    keys = {"reference": refund.refund_id, "number": refund.out_refund_no}
    said = refund.asked.reason or ""
    at = refund.created_at
    yield Movement(at, "退款", "退款", -amount, **keys, by=f"{mch_id}API", note=said)
    if fee:
        yield Movement(at, "退款", FEE_BACK, fee, **keys)
    if refund.counts or not refund.ended_at:
        return
    yield Movement(refund.ended_at, "退款", "退款失败退回", amount, **keys)
    if fee:
        yield Movement(refund.ended_at, "退款", FEE_TAKEN, -fee, **keys)


def _transfers(book: Book, mch_id: str, now: datetime) -> Iterator[Movement]:
    for kept in book.bills.all():
        bill = kept.at(now)  # nobody need have looked at what time has ended
        amount, said = bill.asked.transfer_amount, bill.asked.transfer_remark
        keys = {"reference": bill.transfer_bill_no, "number": bill.out_bill_no}
        name, by = "商家转账", f"{mch_id}API"
        yield Movement(bill.created_at, name, name, -amount, **keys, by=by, note=said)
        if bill.state in {BillState.FAIL, BillState.CANCELLED}:
            said = bill.fail_reason or ""
            yield Movement(bill.updated_at, name, "商家转账退回", amount, **keys, note=said)


def _shares(split: Split, mch_id: str) -> Iterator[Movement]:
    """Tell of shares that came to the account, and, of its own payments, that left it."""
    for share in split.shares:
        if share.result is not Result.SUCCESS or not share.finished_at:
            continue
        keys = {"reference": share.detail_id, "number": split.out_order_no}
        at, said = share.finished_at, share.description
        if not split.sub_mchid:
            yield Movement(at, "分账", "分账", -share.amount, **keys, by=f"{mch_id}API", note=said)
        if share.account == mch_id:
            yield Movement(at, "分账", "分账", share.amount, **keys, note=said)


def _share_back(back: ShareReturn, at: datetime, mch_id: str) -> Iterator[Movement]:
    asked = back.asked
    keys = {"reference": back.return_id, "number": asked.out_return_no}
    said, name = asked.description, "分账回退"
    if asked.return_mchid == mch_id:
        yield Movement(at, "分账", name, -asked.amount, **keys, by=f"{mch_id}API", note=said)
    if not asked.sub_mchid:
        yield Movement(at, "分账", name, asked.amount, **keys, note=said)
