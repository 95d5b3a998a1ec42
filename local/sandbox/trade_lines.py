"""The trade bill (交易账单): payments on the day of payment, refunds on that of acceptance."""

from collections.abc import Iterator, Sequence
from itertools import chain

from local.sandbox.book import Book
from local.sandbox.orders import Order
from local.sandbox.refund import Refund, RefundState
from local.sandbox.statement import Cell, Day, Layout, Line, Sort, StatementKind, counted

PAYMENT = Sort(("应结订单金额", "订单金额"), "交易状态", "手续费")
REFUND = Sort(("退款金额", "申请退款金额"), "退款状态", "手续费")
STATES = {
    RefundState.SUCCESS: "SUCCESS",
    RefundState.PROCESSING: "PROCESSING",
    RefundState.CLOSED: "FAIL",
    RefundState.ABNORMAL: "CHANGE",
}
HEAD = (
    *("交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号"),
    *("用户标识", "交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额"),
)
TIMES = ("退款申请时间", "退款成功时间")
BACK = (*("微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态"),)
TAIL = ("商品名称", "商户数据包", "手续费", "费率", "订单金额")
ALL = (*HEAD, *BACK, *TAIL, "申请退款金额", "费率备注")


def summary(lines: Sequence[Line]) -> dict[str, Cell]:
    """Sum a trade bill."""
    return {
        "总交易单数": str(len(lines)),
        "应结订单总金额": counted(lines, "应结订单金额"),
        "退款总金额": counted(lines, "退款金额"),
        "充值券退款总金额": counted(lines, "充值券退款金额"),
        "手续费总金额": counted(lines, "手续费"),
        "订单总金额": counted(lines, "订单金额"),
        "申请退款总金额": counted(lines, "申请退款金额"),
    }


LAYOUTS = {
    StatementKind.TRADE_ALL: Layout(ALL, summary, note="商品名称", merchant="商户号"),
    StatementKind.TRADE_SUCCESS: Layout(
        (*HEAD, *TAIL, "费率备注"), summary, note="商品名称", merchant="商户号"
    ),
    StatementKind.TRADE_REFUND: Layout(
        (*HEAD, *TIMES, *BACK, *TAIL, "申请退款金额", "费率备注"),
        summary,
        note="商品名称",
        merchant="商户号",
    ),
}


def trade_lines(
    book: Book, kind: StatementKind, day: Day, mch_id: str, sub_mchid: str | None = None
) -> list[Line]:
    """Return the lines of a trade bill in order of time, of one sub-merchant if one is named."""
    payments = () if kind is StatementKind.TRADE_REFUND else _payments(book, day, mch_id)
    refunds = () if kind is StatementKind.TRADE_SUCCESS else _refunds(book, kind, day, mch_id)
    every = sorted(chain(payments, refunds), key=lambda line: line.at)
    return [line for line in every if sub_mchid in {None, line.cells["特约商户号"]}]


def refunds_of(book: Book, day: Day) -> list[Refund]:
    """Return the refunds that were accepted on a day."""
    return [refund for refund in book.refunds.all() if day.holds(refund.created_at)]


def _payments(book: Book, day: Day, mch_id: str) -> Iterator[Line]:
    for order in book.orders():
        if order.paid_at and day.holds(order.paid_at):
            total = order.prepay.amount.total
            cells = _cells(order, mch_id) | {
                "交易时间": order.paid_at,
                "应结订单金额": total,
                "订单金额": total,
                "手续费": order.fee,
            }
            yield Line(order.paid_at, order.out_trade_no, PAYMENT, cells)


def _refunds(book: Book, kind: StatementKind, day: Day, mch_id: str) -> Iterator[Line]:
    for refund in refunds_of(book, day):
        order = book.order(refund.out_trade_no)
        assert order
        assert order.paid_at
        state = refund.billed or refund.state
        succeeded = refund.ended_at if state is RefundState.SUCCESS else None
        by_refund = kind is StatementKind.TRADE_REFUND
        cells = _cells(order, mch_id) | {
            "交易时间": order.paid_at if by_refund else refund.created_at,
            "交易状态": "REFUND",
            "退款申请时间": refund.created_at,
            "退款成功时间": succeeded or "",
            "微信退款单号": refund.refund_id,
            "商户退款单号": refund.out_refund_no,
            "退款金额": refund.asked.amount.refund,
            "申请退款金额": refund.asked.amount.refund,
            "退款类型": "ORIGINAL",
            "退款状态": STATES[state],
            "手续费": 0 if state is RefundState.CLOSED else -refund.fee_back,
        }
        yield Line(refund.created_at, refund.out_refund_no, REFUND, cells)


def _cells(order: Order, mch_id: str) -> dict[str, Cell]:
    """Return what a payment's line and its refunds' lines say alike, and nothing of money."""
    prepay = order.prepay
    whole, part = divmod(order.fee_basis_points, 100)
    return blank(mch_id) | {
        "公众账号ID": prepay.parties.get("sp_appid") or prepay.parties.get("appid", ""),
        "特约商户号": prepay.sub_mchid or "0",
        "微信订单号": order.transaction_id or "",
        "商户订单号": order.out_trade_no,
        "用户标识": prepay.payers.get("sp_openid") or prepay.payers.get("openid", ""),
        "商品名称": prepay.description,
        "商户数据包": prepay.attach or "",
        "费率": f"{whole}.{part:02}%",
    }


def blank(mch_id: str) -> dict[str, Cell]:
    """Return the cells of a line about no order, all but its time."""
    money = ("应结订单金额", "退款金额", "订单金额", "申请退款金额", "手续费")
    return {
        "公众账号ID": "",
        "商户号": mch_id,
        "特约商户号": "0",
        "设备号": "",
        "微信订单号": "",
        "商户订单号": "",
        "用户标识": "",
        "交易类型": "JSAPI",
        "交易状态": "SUCCESS",
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        **dict.fromkeys(money, 0),
        "代金券金额": 0,
        "充值券退款金额": 0,
        "微信退款单号": "0",
        "商户退款单号": "0",
        "退款类型": "",
        "退款状态": "",
        "商品名称": "",
        "商户数据包": "",
        "费率": "0.00%",
        "费率备注": "",
    }
