"""A refund as WeChat Pay remembers it, and what its calls may say."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from local.sandbox.orders import Kept, china_time
from local.sandbox.prepay import Form
from local.sandbox.shares import Number, Party, Said


class RefundState(StrEnum):
    """`status` of a refund."""

    PROCESSING = "PROCESSING"
    SUCCESS = "SUCCESS"
    ABNORMAL = "ABNORMAL"
    CLOSED = "CLOSED"


class RefundAmount(Form):
    """How much goes back, of how much."""

    refund: int = Field(ge=1)
    total: int = Field(ge=1)
    currency: Literal["CNY"]


class RefundForm(Form):
    """The body of `POST /v3/refund/domestic/refunds`."""

    sub_mchid: Party | None = None
    transaction_id: Party | None = None
    out_trade_no: Party | None = None
    out_refund_no: Number
    reason: Said | None = None
    notify_url: Annotated[str, StringConstraints(pattern=r"^https?://", max_length=256)]
    amount: RefundAmount

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if (self.transaction_id is None) == (self.out_trade_no is None):
            raise ValueError("transaction_id 与 out_trade_no 二选一")
        return self


class Refund(Kept):
    """One refund; `frozen` of it came out of money that was frozen for sharing.

    `fee_back` of it came out of the payment's fee; `billed` is how its day's bill tells it.
    """

    asked: RefundForm
    refund_id: str
    transaction_id: str
    out_trade_no: str
    created_at: AwareDatetime
    state: RefundState = RefundState.PROCESSING
    ended_at: AwareDatetime | None = None
    frozen: int = 0
    fee_back: int = 0
    billed: RefundState | None = None

    @property
    def out_refund_no(self) -> str:
        """Return the merchant's number."""
        return self.asked.out_refund_no

    @property
    def counts(self) -> bool:
        """Tell whether its money is gone, or going."""
        return self.state is not RefundState.CLOSED

    def ended(self, state: RefundState, now: datetime) -> Self:
        """Return it at an end; what was paid or closed stays."""
        if self.state in {RefundState.SUCCESS, RefundState.CLOSED}:
            return self
        return self.evolve(state=state, ended_at=now)

    def told(self) -> dict[str, Any]:
        """Spell it as its calls are answered."""
        told: dict[str, Any] = {
            "refund_id": self.refund_id,
            "out_refund_no": self.out_refund_no,
            "transaction_id": self.transaction_id,
            "out_trade_no": self.out_trade_no,
            "channel": "ORIGINAL",
            "user_received_account": "支付用户零钱",
            "create_time": china_time(self.created_at),
            "status": self.state,
            "amount": self._amounts() | {"currency": "CNY"},
        }
        if self.ended_at and self.state is RefundState.SUCCESS:
            told["success_time"] = china_time(self.ended_at)
        return told

    def notified(self, mch_id: str) -> dict[str, Any]:
        """Spell it as its notification carries it: no currency, no app."""
        who = {"mchid": mch_id}
        if self.asked.sub_mchid:
            who = {"sp_mchid": mch_id, "sub_mchid": self.asked.sub_mchid}
        told: dict[str, Any] = {
            **who,
            "transaction_id": self.transaction_id,
            "out_trade_no": self.out_trade_no,
            "refund_id": self.refund_id,
            "out_refund_no": self.out_refund_no,
            "refund_status": self.state,
            "user_received_account": "支付用户零钱",
            "amount": self._amounts(),
        }
        if self.ended_at and self.state is RefundState.SUCCESS:
            told["success_time"] = china_time(self.ended_at)
        return told

    def _amounts(self) -> dict[str, int]:
        total, refund = self.asked.amount.total, self.asked.amount.refund
        return {"total": total, "refund": refund, "payer_total": total, "payer_refund": refund}
