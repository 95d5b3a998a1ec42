"""The rows of WeChat Pay's bills in our words: one table of columns and one reader a bill.

Words of the fund-flow bill that stand in no table here become `OTHER`, under the provider's own
word: nothing is guessed. Source: WeChat Pay's "下载交易账单", "下载资金账单" and "申请分账账单".
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import BinaryIO

from chalicelib.providers.bills import BillKind, BillLine, BillTotals, LineKind, LineState
from chalicelib.providers.wechatpay.billtext import BillText, Layout
from chalicelib.providers.wechatpay.transfers import payout_of


def _columns(text: str) -> Sequence[str]:
    return text.split(",")


_TRADE = _columns(
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,商品名称,商户数据包,手续费,费率,订单金额,费率备注"
)
_OF_REFUNDS = _columns(
    "退款申请时间,退款成功时间,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,申请退款金额"
)
_FLOWS = _columns(
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
_SHARES = _columns(
    "分账时间,分账发起方,分账方,微信订单号,微信分账/回退单号,分账明细单号,商户分账/回退单号,订单金额,分账接收方,"
    "金额,业务类型,处理状态,备注"
)

_EARLY = {"应结订单金额", "代金券金额", "费率备注"}  # bills of an early format lack them
_TRADE_TOTALS: Mapping[str, str | None] = {
    "总交易单数": None,
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "手续费总金额": "手续费",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}
_FLOWS_TOTALS: Mapping[str, str | None] = {
    "资金流水总笔数": None,
    "收入笔数": "收入笔数",  # these four are counted apart: by the side of each row
    "收入金额": "收入金额",
    "支出笔数": "支出笔数",
    "支出金额": "支出金额",
}
LAYOUTS = {
    BillKind.PAYMENTS: Layout(
        frozenset(_TRADE), frozenset(_TRADE) - _EARLY, _TRADE_TOTALS, "总交易单数"
    ),
    BillKind.REFUNDS: Layout(
        frozenset((*_TRADE, *_OF_REFUNDS)),
        frozenset((*_TRADE, *_OF_REFUNDS)) - _EARLY - {"充值券退款金额", "退款成功时间"},
        _TRADE_TOTALS,
        "总交易单数",
    ),
    BillKind.FLOWS: Layout(frozenset(_FLOWS), frozenset(_FLOWS), _FLOWS_TOTALS, "资金流水总笔数"),
    BillKind.SHARES: Layout(
        frozenset((*_SHARES, "分账描述")),
        frozenset(_SHARES) - {"备注"},
        {"分账总笔数": None, "总条数": None, "分账总金额": "金额"},
        None,  # the vendor's pages don't name this bill's totals
    ),
}

_REFUND_STATES = {
    "SUCCESS": LineState.DONE,
    "PROCESSING": LineState.PENDING,
    "CHANGE": LineState.PENDING,  # the payer's account can't take it: a person handles it there
    "FAIL": LineState.FAILED,
}
_SHARE_STATES = {
    "成功": LineState.DONE,
    "分账成功": LineState.DONE,
    "处理中": LineState.PENDING,
    "失败": LineState.FAILED,
    "分账失败": LineState.FAILED,
}
_SHARE_KINDS = {
    "分账": LineKind.SHARE,
    "分账回退": LineKind.SHARE_BACK,
    "解冻": LineKind.UNFREEZE,
}
_TRANSFERS = frozenset({LineKind.TRANSFER, LineKind.TRANSFER_BACK})
_FLOW_KINDS = {
    ("交易", "收入"): LineKind.LISTED,
    ("退款", "支出"): LineKind.LISTED,
    ("分账", "收入"): LineKind.LISTED,
    ("分账", "支出"): LineKind.LISTED,
    ("分账回退", "支出"): LineKind.LISTED,
    ("分账回退", "收入"): LineKind.LISTED,
    ("扣除交易手续费", "支出"): LineKind.FEE,
    ("手续费", "支出"): LineKind.FEE,
    ("返还交易手续费", "收入"): LineKind.FEE,
    ("退回交易手续费", "收入"): LineKind.FEE,
    ("商家转账", "支出"): LineKind.TRANSFER,
    ("商家转账退回", "收入"): LineKind.TRANSFER_BACK,
    ("退款失败退回", "收入"): LineKind.REFUND_BACK,
}

_READ = {
    BillKind.PAYMENTS: _columns(
        "商户号,货币种类,特约商户号,商户订单号,微信订单号,交易时间,交易状态,费率"
    ),
    BillKind.REFUNDS: _columns(
        "商户号,货币种类,特约商户号,商户订单号,微信退款单号,退款申请时间,退款状态,费率,商户退款单号"
    ),
    BillKind.FLOWS: _columns(
        "收支类型,收支金额(元),账户结余(元),业务类型,业务凭证号,资金流水单号,记账时间"
    ),
    BillKind.SHARES: _columns(
        "分账发起方,业务类型,处理状态,商户分账/回退单号,分账明细单号,分账时间,分账方,分账接收方"
    ),
}
"""The cells that a reader takes, in its order; all stand in columns that the bill must have."""


@dataclass
class WeChatBill:
    """One bill while it is read (the port's `ReadBill`)."""

    kind: BillKind
    day: date
    mch_id: str
    stream: BinaryIO

    def __post_init__(self) -> None:
        self._text = BillText(self.stream, LAYOUTS[self.kind], self.day)
        if self.kind is BillKind.FLOWS:
            self._text.sums = dict.fromkeys(list(_FLOWS_TOTALS)[1:], 0)
        self._opening = self._closing = 0

    def lines(self) -> Iterator[BillLine]:
        """Read the lines, or raise `BillBrokenError`, if need be at the very end."""
        read = {
            BillKind.PAYMENTS: self._payment,
            BillKind.REFUNDS: self._refund,
            BillKind.FLOWS: self._flow,
            BillKind.SHARES: self._share,
        }[self.kind]
        taken: Callable[[Sequence[str]], Sequence[str]] | None = None
        for cells in self._text.cells():
            if taken is None:
                taken = itemgetter(*map(self._text.columns.index, _READ[self.kind]))
            yield read(taken(cells))

    def totals(self) -> BillTotals:
        """Return the totals, once all lines were read."""
        return BillTotals(self._text.rows, self._opening, self._closing)

    def _payment(self, cells: Sequence[str]) -> BillLine:
        merchant, currency, seller, number, reference, at, state, rate = cells
        text = self._text
        self._check_trade(merchant, currency)
        if state != "SUCCESS":
            text.refuse("no state of a payment", column="交易状态")
        return BillLine(
            line=text.line,
            kind=LineKind.PAYMENT,
            number=number,
            reference=self._named(reference, "微信订单号"),
            at=text.instant(at, "交易时间"),
            amount=self._moved("订单金额"),
            fee=text.amounts["手续费"],
            state=LineState.DONE,
            payment=number,
            seller=_seller(seller),
            party="",
            rate=rate,
            note="",
        )

    def _refund(self, cells: Sequence[str]) -> BillLine:
        merchant, currency, seller, payment, reference, at, word, rate, number = cells
        text = self._text
        self._check_trade(merchant, currency)
        state = _REFUND_STATES.get(word)
        if state is None:
            text.refuse("no state of a refund", column="退款状态")
        return BillLine(
            line=text.line,
            kind=LineKind.REFUND,
            number=self._named(number, "商户退款单号"),
            reference=reference,
            at=text.instant(at, "退款申请时间"),
            amount=self._moved("申请退款金额"),
            fee=text.amounts["手续费"],
            state=state,
            payment=payment,
            seller=_seller(seller),
            party="",
            rate=rate,
            note=word,
        )

    def _share(self, cells: Sequence[str]) -> BillLine:
        merchant, what, word, number, reference, at, seller, party = cells
        text = self._text
        kind, state = _SHARE_KINDS.get(what), _SHARE_STATES.get(word)
        if kind is None:
            text.refuse("no kind of sharing", column="业务类型")
        if state is None:
            text.refuse("no state of a share", column="处理状态")
        if merchant != self.mch_id:
            text.refuse("another merchant's", column="分账发起方")
        return BillLine(
            line=text.line,
            kind=kind,
            number=number,
            reference=reference,
            at=text.instant(at, "分账时间"),
            amount=self._moved("金额"),
            fee=0,
            state=state,
            payment="",
            seller=_seller(seller),
            party=party,
            rate="",
            note=what,
        )

    def _flow(self, cells: Sequence[str]) -> BillLine:
        side, moved, left, note, number, reference, at = cells
        text = self._text
        amount = text.yuan(moved, "收支金额(元)")
        if amount < 0:
            text.refuse("an amount below zero", column="收支金额(元)")
        if side not in {"收入", "支出"}:
            text.refuse("neither income nor expense", column="收支类型")
        text.sums[f"{side}笔数"] += 1
        text.sums[f"{side}金额"] += amount
        signed = amount if side == "收入" else -amount
        remains = text.yuan(left, "账户结余(元)")
        if text.rows == 1:
            self._opening = self._closing = remains - signed
        self._closing += signed
        if remains != self._closing:
            text.refuse("what is left is not what was moved", column="账户结余(元)")
        kind = _FLOW_KINDS.get((note, side), LineKind.OTHER)
        return BillLine(
            line=text.line,
            kind=kind,
            number=_ours(number) if kind in _TRANSFERS else number,
            reference=self._named(reference, "资金流水单号"),
            at=text.instant(at, "记账时间"),
            amount=_as_kind_says(kind, amount, signed),
            fee=0,
            state=LineState.DONE,
            payment="",
            seller="",
            party="",
            rate="",
            note=note,
        )

    def _check_trade(self, merchant: str, currency: str) -> None:
        if merchant != self.mch_id:
            self._text.refuse("another merchant's", column="商户号")
        if currency != "CNY":
            self._text.refuse("another currency", column="货币种类")

    def _moved(self, column: str) -> int:
        """Return the amount that a row is about; its kind says which way it went."""
        amount = self._text.amounts[column]
        if amount < 0:
            self._text.refuse("an amount below zero", column=column)
        return amount

    def _named(self, number: str, column: str) -> str:
        """Return the number by which a row is compared."""
        if not number:
            self._text.refuse("a row without its number", column=column)
        return number


def _seller(cell: str) -> str:
    """Return a sub-merchant's number; a merchant without any says 0."""
    return "" if cell == "0" else cell


def _ours(number: str) -> str:
    """Return a transfer's number as it is here, if it is one of ours."""
    return payout_of(number) or number


def _as_kind_says(kind: LineKind, amount: int, signed: int) -> int:
    match kind:
        case LineKind.FEE:
            return -signed
        case LineKind.LISTED | LineKind.OTHER:
            return signed
        case _:
            return amount
