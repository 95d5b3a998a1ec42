"""What the calls of profit sharing (分账) may say, and what WeChat Pay remembers of them."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from local.sandbox.orders import Kept, china_time
from local.sandbox.prepay import Form

Number = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-|*@]{1,64}\z")]
Party = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Said = Annotated[str, StringConstraints(min_length=1, max_length=80)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=10240)]
ReceiverType = Literal["MERCHANT_ID", "PERSONAL_OPENID", "PERSONAL_SUB_OPENID"]
Relation = Literal[
    "STORE",
    "STAFF",
    "STORE_OWNER",
    "PARTNER",
    "HEADQUARTER",
    "BRAND",
    "DISTRIBUTOR",
    "USER",
    "SUPPLIER",
    "CUSTOM",
]
FailReason = Literal[
    "ACCOUNT_ABNORMAL",
    "NO_RELATION",
    "RECEIVER_HIGH_RISK",
    "RECEIVER_REAL_NAME_NOT_VERIFIED",
    "NO_AUTH",
    "RECEIVER_RECEIPT_LIMIT",
    "PAYER_ACCOUNT_ABNORMAL",
    "INVALID_REQUEST",
    "BALANCE_NOT_ENOUGH",
    "TIME_OUT_CLOSED",
]


class ReceiverGone(Form):
    """The body of `POST /v3/profitsharing/receivers/delete`."""

    sub_mchid: Party | None = None
    appid: Party
    sub_appid: Party | None = None
    type: ReceiverType
    account: Party

    @property
    def key(self) -> str:
        """Return what makes it this receiver and no other."""
        return f"{self.sub_mchid or ''} {self.type} {self.account}"


class ReceiverForm(ReceiverGone):
    """The body of `POST /v3/profitsharing/receivers/add`; `name` is a ciphertext."""

    name: Name | None = None
    relation_type: Relation
    custom_relation: Annotated[str, StringConstraints(min_length=1, max_length=10)] | None = None

    @model_validator(mode="after")
    def _a_merchant_has_a_name(self) -> Self:
        if self.type == "MERCHANT_ID" and self.name is None:
            raise ValueError("商户类型的接收方须填 name")
        return self


class ShareForm(Form):
    """One receiver of a share order."""

    type: ReceiverType
    account: Party
    name: Name | None = None
    amount: int = Field(ge=1)
    description: Said


class SplitForm(Form):
    """The body of `POST /v3/profitsharing/orders`."""

    sub_mchid: Party | None = None
    appid: Party
    sub_appid: Party | None = None
    transaction_id: Party
    out_order_no: Number
    receivers: tuple[ShareForm, ...] = Field(min_length=1, max_length=50, strict=False)
    unfreeze_unsplit: bool

    @property
    def content(self) -> dict[str, Any]:
        """Return what a repeat must repeat: all but names, whose ciphertexts are never twice."""
        return self.model_dump(exclude={"receivers": {"__all__": {"name"}}})

    @property
    def amount(self) -> int:
        """Return what it shares in all."""
        return sum(each.amount for each in self.receivers)


class UnfreezeForm(Form):
    """The body of `POST /v3/profitsharing/orders/unfreeze`."""

    sub_mchid: Party | None = None
    transaction_id: Party
    out_order_no: Number
    description: Said


class ReturnForm(Form):
    """The body of `POST /v3/profitsharing/return-orders`."""

    sub_mchid: Party | None = None
    order_id: Party | None = None
    out_order_no: Number | None = None
    out_return_no: Number
    return_mchid: Party
    amount: int = Field(ge=1)
    description: Said

    @model_validator(mode="after")
    def _one_order(self) -> Self:
        if (self.order_id is None) == (self.out_order_no is None):
            raise ValueError("order_id 与 out_order_no 二选一")
        return self


class Result(StrEnum):
    """`result` of one receiver's share."""

    PENDING = "PENDING"
    SUCCESS = "SUCCESS"
    CLOSED = "CLOSED"


class Share(Kept):
    """One receiver's share, and what became of it."""

    type: ReceiverType
    account: str
    amount: int
    description: str
    detail_id: str
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    result: Result = Result.PENDING
    fail_reason: str | None = None

    def told(self) -> dict[str, Any]:
        """Spell the share as an order's answer lists it."""
        told: dict[str, Any] = {
            "amount": self.amount,
            "description": self.description,
            "type": self.type,
            "account": self.account,
            "result": self.result,
            "detail_id": self.detail_id,
            "create_time": china_time(self.created_at),
        }
        if self.finished_at:
            told["finish_time"] = china_time(self.finished_at)
        return told | ({"fail_reason": self.fail_reason} if self.fail_reason else {})


class Split(Kept):
    """A share order (分账单), or, with nothing asked to share, an unfreezing (解冻).

    `released` went to the merchant itself; an unfreezing lists it as its receiver.
    """

    out_order_no: str
    order_id: str
    transaction_id: str
    sub_mchid: str | None
    created_at: AwareDatetime
    asked: SplitForm | None
    shares: tuple[Share, ...]
    released: int = 0
    releases: bool = False

    @property
    def finished(self) -> bool:
        """Tell whether nothing is under way any more."""
        return all(share.result is not Result.PENDING for share in self.shares)

    def settled(self, now: datetime, failing: dict[str, str]) -> Self:
        """Return the order with every pending share at its end."""
        return self.evolve(shares=tuple(_settled(share, now, failing) for share in self.shares))

    def shared(self, result: Result) -> dict[str, int]:
        """Return what went to whom with this result; an unfreezing shares nothing."""
        found: dict[str, int] = {}
        for share in self.shares if self.asked else ():
            if share.result is result:
                found[share.account] = found.get(share.account, 0) + share.amount
        return found

    def told(self) -> dict[str, Any]:
        """Spell the order as its calls are answered."""
        told = {"sub_mchid": self.sub_mchid} if self.sub_mchid else {}
        return told | {
            "transaction_id": self.transaction_id,
            "out_order_no": self.out_order_no,
            "order_id": self.order_id,
            "state": "FINISHED" if self.finished else "PROCESSING",
            "receivers": [share.told() for share in self.shares],
        }


class ShareReturn(Kept):
    """A share that is taken back (分账回退)."""

    asked: ReturnForm
    out_order_no: str
    order_id: str
    return_id: str
    created_at: AwareDatetime
    finished_at: AwareDatetime | None = None
    result: Literal["PROCESSING", "SUCCESS", "FAILED"] = "PROCESSING"
    fail_reason: str | None = None

    def settled(self, now: datetime, failing: dict[str, str]) -> Self:
        """Return it at its end."""
        if self.result != "PROCESSING":
            return self
        reason = failing.get(self.asked.return_mchid)
        return self.evolve(
            result="FAILED" if reason else "SUCCESS", fail_reason=reason, finished_at=now
        )

    def told(self) -> dict[str, Any]:
        """Spell it as its calls are answered."""
        told: dict[str, Any] = {"sub_mchid": self.asked.sub_mchid} if self.asked.sub_mchid else {}
        told |= {
            "order_id": self.order_id,
            "out_order_no": self.out_order_no,
            "out_return_no": self.asked.out_return_no,
            "return_id": self.return_id,
            "return_mchid": self.asked.return_mchid,
            "amount": self.asked.amount,
            "description": self.asked.description,
            "result": self.result,
            "create_time": china_time(self.created_at),
        }
        if self.finished_at:
            told["finish_time"] = china_time(self.finished_at)
        return told | ({"fail_reason": self.fail_reason} if self.fail_reason else {})


def _settled(share: Share, now: datetime, failing: dict[str, str]) -> Share:
    if share.result is not Result.PENDING:
        return share
    reason = failing.get(share.account)
    return share.evolve(
        result=Result.CLOSED if reason else Result.SUCCESS, fail_reason=reason, finished_at=now
    )
