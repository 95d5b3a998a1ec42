"""What WeChat Pay remembers: orders, and the notifications it owes for them."""

from datetime import datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, model_validator

from local.sandbox.prepay import PartnerPrepay, Prepay
from local.sandbox.signing import SignWith

CHINA = timezone(timedelta(hours=8))


class Kept(BaseModel):
    """A frozen record of the book; a change makes a new one, validated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def evolve(self, **changes: Any) -> Self:
        """Return a copy with these fields changed."""
        return type(self).model_validate({**dict(self), **changes})


class TradeState(StrEnum):
    """`trade_state`, as far as a mini-program's payment goes."""

    NOTPAY = "NOTPAY"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"


DESCRIBED = {
    TradeState.NOTPAY: "订单未支付",
    TradeState.SUCCESS: "支付成功",
    TradeState.CLOSED: "订单已关闭",
}


class Order(Kept):
    """One order: what was asked at prepay, and what became of it."""

    prepay: Prepay | PartnerPrepay
    expires_at: AwareDatetime
    prepay_id: str
    prepay_id_until: AwareDatetime
    state: TradeState = TradeState.NOTPAY
    transaction_id: str | None = None
    paid_at: AwareDatetime | None = None
    fee_basis_points: int = 0  # as it was when it was paid
    fee: int = 0

    @property
    def out_trade_no(self) -> str:
        """Return the merchant's number."""
        return self.prepay.out_trade_no

    @property
    def shares(self) -> bool:
        """Tell whether its money is frozen for sharing when it is paid."""
        return bool(self.prepay.settle_info and self.prepay.settle_info.profit_sharing)

    def at(self, now: datetime) -> Self:
        """Return the order as it is now: unpaid past its expiry means closed."""
        if self.state is TradeState.NOTPAY and self.expires_at <= now:
            return self.evolve(state=TradeState.CLOSED)
        return self

    def transaction(self) -> dict[str, Any]:
        """Spell the order as a query answers it and a notification carries it."""
        asked = self.prepay
        amount: dict[str, Any] = {"total": asked.amount.total, "currency": asked.amount.currency}
        told: dict[str, Any] = {
            **asked.parties,
            "out_trade_no": asked.out_trade_no,
            "attach": asked.attach or "",
            "trade_type": "JSAPI",
            "trade_state": self.state,
            "trade_state_desc": DESCRIBED[self.state],
            "promotion_detail": [],
        }
        if self.paid_at:
            told |= {
                "transaction_id": self.transaction_id,
                "bank_type": "OTHERS",
                "success_time": china_time(self.paid_at),
                "payer": asked.payers,
            }
            amount |= {"payer_total": asked.amount.total, "payer_currency": asked.amount.currency}
        if asked.scene_info and asked.scene_info.device_id:
            told["scene_info"] = {"device_id": asked.scene_info.device_id}
        return told | {"amount": amount}


class Delivery(Kept):
    """One attempt to tell the merchant; no status means no answer."""

    at: AwareDatetime
    status: int | None
    reason: str

    @property
    def acknowledged(self) -> bool:
        """Tell whether the merchant took it: 200 or 204, nothing else."""
        return self.status in {200, 204}


class Notice(Kept):
    """A notification owed, until it is acknowledged or given up; what it says is of any kind."""

    id: str
    number: str  # ours: of the payment or the transfer
    url: str
    created_at: AwareDatetime
    event_type: str = "TRANSACTION.SUCCESS"
    summary: str = "支付成功"
    original_type: str = "transaction"
    associated_data: str = "transaction"
    plaintext: dict[str, Any]
    sign_with: SignWith | None = None  # None: as the settings say
    deliveries: tuple[Delivery, ...] = ()
    retries_left: int

    @model_validator(mode="before")
    @classmethod
    def _as_it_was_kept_before(cls, kept: Any) -> Any:
        """Read a notice of the time when there was nothing to tell but payments."""
        if not isinstance(kept, dict) or "transaction" not in kept:
            return kept
        rest = {name: kept[name] for name in kept if name not in {"transaction", "out_trade_no"}}
        return rest | {"number": kept["out_trade_no"], "plaintext": kept["transaction"]}

    @property
    def due(self) -> bool:
        """Tell whether it is still to be delivered."""
        return self.retries_left > 0 and not self.acknowledged

    @property
    def acknowledged(self) -> bool:
        """Tell whether any delivery was taken."""
        return any(delivery.acknowledged for delivery in self.deliveries)


class Seen(Kept):
    """One request that came in; no status means that the answer was dropped."""

    position: int = 0
    at: AwareDatetime
    method: str
    path: str
    status: int | None
    number: str | None
    fault: str | None = None


class Preferences(Kept):
    """What control calls may change for all that follows."""

    sign_with: SignWith = SignWith.PUBLIC_KEY
    certificates_listed: bool = True  # a merchant with the public key alone gets 404
    transfer_balance: int | None = None  # fen that are left for transfers; None: no end
    sharing_instant: bool = False  # shares end at once, not at the first query
    sharing_waits: bool = False  # nothing is shared within a minute of the payment
    receivers_open: bool = True  # shares go to receivers that were never added, too
    max_ratio: int = 3000  # of an order, in basis points, that may be shared in all
    refund_balance: int | None = None  # fen that are left for refunds; None: no end
    fee_basis_points: int = 0  # of a payment, that WeChat Pay keeps
    opening_balance: int = 0  # of the merchant's account, before all that moved on it
    payments_known: bool = True  # shipping management has heard of the payments
    failing: dict[str, str] = {}  # accounts whose shares fail, and why


def china_time(instant: datetime) -> str:
    """Spell an instant as WeChat Pay does: RFC 3339, whole seconds, +08:00."""
    return instant.astimezone(CHINA).isoformat(timespec="seconds")
