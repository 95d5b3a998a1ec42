"""One payment or refund of a large day, as the bills spell it and as our books have it."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.kernel.ids import MerchantId, OrderId, PaymentId, RefundId
from chalicelib.kernel.money import fen
from chalicelib.ledger import postings
from chalicelib.ledger.days import CHINA
from chalicelib.ledger.journal import entry_of
from chalicelib.ledger.movement import Movement
from chalicelib.providers.bills import BillKind
from chalicelib.providers.wechatpay.billrows import LAYOUTS
from chalicelib.storage import keys
from chalicelib.storage.outbox import OutboxRow
from chalicelib.storage.values import Key
from tests.providers.far_side import APP_ID, MCH_ID

SELLER = "1911111111"
_NUMBER, _AMOUNT, _REFERENCE, _AT = "0" * 26, 123_456_789_012, "<reference>", "<at>"
_SCATTER = 7_919_000_003  # coprime to ten: references are in no order


@dataclass(frozen=True)
class Ours:
    """What we booked."""

    number: int
    amount: int
    at: datetime

    @property
    def own(self) -> bool:
        """Tell whether it is our own shop's; the others are sellers'."""
        return self.number % 10 == 0

    @property
    def payment(self) -> str:
        """Return its payment's number."""
        return f"pay_{self.number:026}"

    @property
    def refund(self) -> str:
        """Return its refund's number."""
        return f"rfd_{self.number:026}"

    @property
    def reference(self) -> str:
        """Return the provider's number of it."""
        return f"42000{self.number * _SCATTER % 10**23:023}"

    def captured(self) -> OutboxRow:
        """Return the row of its capture."""
        return self._row("payment.captured", _CAPTURED, f"{self.number:026}", {})

    def captured_again(self) -> OutboxRow:
        """Return the row of the same money under another number."""
        return self._row("payment.captured", _CAPTURED, f"7{self.number:025}", {})

    def refunded(self) -> OutboxRow:
        """Return the row of its refund, paid."""
        facts = {"number": self.refund, "amount": str(self.amount)}
        return self._row("refund.paid", _REFUNDED, f"{self.number:026}", facts)

    def shipped(self) -> OutboxRow:
        """Return a row that moves no money."""
        return self._row("order.shipped", None, f"{self.number:026}", {})

    def _row(self, kind: str, entry: str | None, number: str, facts: dict[str, str]) -> OutboxRow:
        """Fill in an entry's text: a million models would take longer than what is measured."""
        text = entry and (
            entry.replace(_NUMBER, number)
            .replace(str(_AMOUNT), str(self.amount))
            .replace(_REFERENCE, self.reference)
            .replace(_AT, f"{self.at:%Y-%m-%dT%H:%M:%SZ}")
        )
        key = Key(keys.LOG, "outbox#0", number)
        return OutboxRow(key=key, kind=kind, about=number, at=self.at, facts=facts, entry=text)


def _text_of(made: Movement) -> str:
    at = datetime(2026, 11, 24, tzinfo=CHINA)
    text = entry_of(made, at=at).model_dump_json()
    spelled = entry_of(made, at=at).model_dump(mode="json")["posted_at"]
    return text.replace(spelled, _AT)


_CAPTURED = _text_of(
    postings.captured(
        PaymentId(f"pay_{_NUMBER}"),
        order_id=OrderId(f"ord_{_NUMBER}"),
        merchant_id=MerchantId.derive("bench"),
        provider="wechatpay",
        amount=fen(_AMOUNT),
        reference=_REFERENCE,
    )
)
_REFUNDED = _text_of(
    postings.refund_paid(
        RefundId(f"rfd_{_NUMBER}"),
        order_id=OrderId(f"ord_{_NUMBER}"),
        provider="wechatpay",
        amount=fen(_AMOUNT),
        late=False,
    )
)


def payment_text(ours: Ours, amount: int, fee: int) -> str:
    """Spell a payment as the trade bill does."""
    cells = _trade(ours, fee) | {
        "交易时间": f"{ours.at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}",
        "微信订单号": ours.reference,
        "交易状态": "SUCCESS",
        "应结订单金额": yuan(amount),
        "订单金额": yuan(amount),
    }
    return _spelled(BillKind.PAYMENTS, cells)


def refund_text(ours: Ours, amount: int, fee: int, state: str) -> str:
    """Spell a refund as the trade bill does."""
    at = f"{ours.at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
    cells = _trade(ours, -fee) | {
        "交易时间": "2026-11-20 10:00:00",
        "退款申请时间": at,
        "退款成功时间": at,
        "微信退款单号": f"503{ours.reference[3:]}",
        "商户退款单号": ours.refund,
        "退款金额": yuan(amount),
        "申请退款金额": yuan(amount),
        "充值券退款金额": "0.00",
        "退款类型": "ORIGINAL",
        "退款状态": state,
        "交易状态": "REFUND",
        "应结订单金额": "0.00",
        "订单金额": "0.00",
    }
    return _spelled(BillKind.REFUNDS, cells)


def flow_text(row: int, note: str, side: str, amount: int, left: int, number: str) -> str:
    """Spell a movement as the fund-flow bill does."""
    cells = {
        "记账时间": "2026-11-24 12:00:00",
        "资金流水单号": f"1000{row:024}",
        "业务名称": note,
        "业务类型": note,
        "收支类型": side,
        "收支金额(元)": yuan(amount),
        "账户结余(元)": yuan(left),
        "资金变更提交申请人": "system",
        "业务凭证号": number,
    }
    return _spelled(BillKind.FLOWS, cells)


def yuan(amount: int) -> str:
    """Spell fen as yuan."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{amount // 100}.{amount % 100:02}"


def _trade(ours: Ours, fee: int) -> dict[str, str]:
    return {
        "公众账号ID": APP_ID,
        "商户号": MCH_ID,
        "特约商户号": "0" if ours.own else SELLER,
        "商户订单号": ours.payment,
        "用户标识": f"oUpF8uMuAJO_{ours.number:016}",
        "交易类型": "JSAPI",
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "代金券金额": "0.00",
        "商品名称": "高山乌龙茶",
        "商户数据包": f"ord_{ours.number:026}",
        "手续费": f"{yuan(fee)}000",
        "费率": "0.38%" if ours.own else "0.60%",
    }


_ORDER = {kind: sorted(layout.columns) for kind, layout in LAYOUTS.items()}


def _spelled(kind: BillKind, cells: dict[str, str]) -> str:
    return f"`{',`'.join([cells.get(column, '') for column in _ORDER[kind]])}\n"
