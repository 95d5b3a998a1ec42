"""Bills as WeChat Pay writes them, by hand: one of each kind, all of one day."""

import gzip
from collections.abc import Sequence
from datetime import date
from io import BytesIO

import pytest

from chalicelib.providers.bills import BillBrokenError, BillKind, BillLine, BillTotals
from chalicelib.providers.wechatpay.billrows import WeChatBill
from tests.providers.far_side import MCH_ID

DAY = date(2026, 11, 24)
PAYMENTS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注\n"
    "`2026-11-24 10:00:00,`wxd678efh567hg6787,`1900009191,`0,`,`4200002101202611240000000001,"
    "`pay_01KAMBPZR0000000000000000A,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,`JSAPI,`SUCCESS,`OTHERS,"
    "`CNY,`14.99,`5.00,`一杯拿铁,`ord_01KAMBPZR0000000000000000A,`0.08000,`0.38%,`19.99,`\n"
    "`2026-11-24 23:59:59,`wxd678efh567hg6787,`1900009191,`1911111111,`,"
    "`4200002101202611240000000002,`pay_01KAMBPZR0000000000000000B,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,"
    "`JSAPI,`SUCCESS,`CMB_DEBIT,`CNY,`100.00,`0.00,`茶,`ord_01KAMBPZR0000000000000000B,"
    "`0.60000,`0.60%,`100.00,`\n"
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n"
    "`2,`114.99,`0.00,`0.00,`0.68000,`119.99,`0.00\n"
)
REFUNDS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,"
    "充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\n"
    "`2026-11-20 10:00:00,`wxd678efh567hg6787,`1900009191,`1911111111,`,"
    "`4200002101202611200000000003,`pay_01KAMBPZR0000000000000000C,`oUpF8uMuAJO_M2pxb1Q9zNjWeS6o,"
    "`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`2026-11-24 09:00:00,`2026-11-24 09:00:05,"
    "`50300000000000000000000000001,`rfd_01KAMBPZR0000000000000000A,`5.00,`0.00,`ORIGINAL,"
    "`PROCESSING,`茶,`ord,`-0.03000,`0.60%,`0.00,`5.00,`\n"
    "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n"
    "`1,`0.00,`5.00,`0.00,`-0.03000,`0.00,`5.00\n"
)
FLOWS = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号\n"
    "`2026-11-24 10:00:00,`4200002101202611240000000001,`flow1,`交易,`交易,`收入,`19.99,`-80.01,"
    "`system,`,`pay_01KAMBPZR0000000000000000A\n"
    "`2026-11-24 10:00:00,`4200002101202611240000000001,`flow2,`扣除交易手续费,`扣除交易手续费,"
    "`支出,`0.08,`-80.09,`system,`,`pay_01KAMBPZR0000000000000000A\n"
    "`2026-11-24 11:00:00,`x,`flow3,`提现,`提现,`支出,`10.00,`-90.09,`somebody,`,`\n"
    "`2026-11-24 12:00:00,`x,`flow4,`商家转账,`商家转账,`支出,`1.00,`-91.09,`system,`,"
    "`pyt01KAMBPZR0000000000000000A\n"
    "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额\n"
    "`4,`1,`19.99,`3,`11.08\n"
)
SHARES = (
    "分账时间,分账发起方,分账方,微信订单号,微信分账/回退单号,分账明细单号,商户分账/回退单号,订单金额,分账接收方,"
    "金额,业务类型,处理状态,备注\n"
    "`2026-11-24 10:00:00,`1900009191,`1911111111,`4200002101202611240000000002,`3001,`d1,"
    "`share_pyt_01KAMBPZR0000000000000000A,`100.00,`1900009191,`30.00,`分账,`成功,`\n"
    "`2026-11-24 10:00:01,`1900009191,`1911111111,`4200002101202611240000000002,`3002,`d2,"
    "`rest,`100.00,`1911111111,`70.00,`解冻,`处理中,`\n"
    "分账总笔数,分账总金额\n"
    "`2,`100.00\n"
)
TEXTS = {
    BillKind.PAYMENTS: PAYMENTS,
    BillKind.REFUNDS: REFUNDS,
    BillKind.FLOWS: FLOWS,
    BillKind.SHARES: SHARES,
}


def opened(kind: BillKind, text: bytes, *, day: date = DAY, mch_id: str = MCH_ID) -> WeChatBill:
    return WeChatBill(kind, day, mch_id, BytesIO(text))


def read(kind: BillKind, text: str | bytes) -> tuple[Sequence[BillLine], BillTotals]:
    """Read a bill to its end."""
    bill = opened(kind, text if isinstance(text, bytes) else text.encode())
    return list(bill.lines()), bill.totals()


def refused(kind: BillKind, text: str | bytes) -> dict[str, object]:
    """Read a bill that must be refused, and return where."""
    with pytest.raises(BillBrokenError) as caught:
        read(kind, text)
    return dict(caught.value.facts)


def changed(kind: BillKind, old: str, new: str, *, times: int = 1) -> str:
    """Return that kind's bill with something else in one place."""
    assert old in TEXTS[kind]
    return TEXTS[kind].replace(old, new, times)


def turned(text: str) -> str:
    """Return the bill with its columns in the other order."""
    *rows, names, totals = text.splitlines()
    header, *rows = rows
    back = [f"`{',`'.join(reversed(row[1:].split(',`')))}" for row in rows]
    return "\n".join([",".join(reversed(header.split(","))), *back, names, totals, ""])


def without(text: str, column: str) -> str:
    """Return the bill without a column."""
    header, *rows, names, totals = text.splitlines()
    at = header.split(",").index(column)
    lines = [",".join(cell for n, cell in enumerate(header.split(",")) if n != at)]
    lines += [
        "`" + ",`".join(cell for n, cell in enumerate(row[1:].split(",`")) if n != at)
        for row in rows
    ]
    return "\n".join([*lines, names, totals, ""])


def zipped(text: str | bytes) -> bytes:
    return gzip.compress(text if isinstance(text, bytes) else text.encode(), mtime=0)
