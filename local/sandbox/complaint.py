"""A complaint as WeChat Pay remembers it, and what its calls may say."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints

from local.sandbox.orders import Kept, china_time
from local.sandbox.prepay import Form, NotifyUrl, OutTradeNo

Mchid = Annotated[str, StringConstraints(pattern=r"^[0-9]{6,64}\z")]
Said = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ComplaintState(StrEnum):
    """`complaint_state`."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    PROCESSED = "PROCESSED"


class ResponseForm(Form):
    """The body of `POST …/response` (回复用户)."""

    complainted_mchid: Mchid
    response_content: Said
    response_images: list[str] = Field(default_factory=list, max_length=4)


class CompleteForm(Form):
    """The body of `POST …/complete` (反馈处理完成)."""

    complainted_mchid: Mchid


class Complain(Form):
    """What the payer of some payments complains of, and how the notification goes out.

    `notify_url` is where complaints are told of; by default beside the payment's.
    """

    out_trade_no: OutTradeNo
    also: list[OutTradeNo] = Field(default_factory=list)
    text: Annotated[str, StringConstraints(min_length=1, max_length=300)] = "空包裹"
    notify_url: NotifyUrl | None = None
    deliver: bool = True
    times: int = Field(default=1, ge=1, le=100)


class PayerActs(Form):
    """What the payer does with a complaint: complains once more, or takes it back."""

    action: Literal["continue", "withdraw"]
    deliver: bool = True


class Step(Kept):
    """One step of a complaint's history (协商历史)."""

    at: AwareDatetime
    operator: str
    kind: str
    words: str

    def told(self, number: int) -> dict[str, Any]:
        """Spell it as the history lists it."""
        return {
            "log_id": f"{number:08}",
            "operator": self.operator,
            "operate_time": china_time(self.at),
            "operate_type": self.kind,
            "operate_details": self.words,
            "image_list": [],
        }


class ComplainedOf(Kept):
    """A payment that a payer complains of."""

    transaction_id: str
    out_trade_no: str
    amount: int


class Complaint(Kept):
    """One complaint, and all that was said in it."""

    complaint_id: str
    mchid: str
    detail: str
    openid: str
    payments: tuple[ComplainedOf, ...]
    made_at: AwareDatetime
    notify_url: str
    state: ComplaintState = ComplaintState.PENDING
    times: int = 1
    steps: tuple[Step, ...] = ()

    def stepped(self, now: datetime, operator: str, kind: str, words: str) -> Self:
        """Return it one step further in its history."""
        step = Step(at=now, operator=operator, kind=kind, words=words)
        return self.evolve(steps=(*self.steps, step))

    def told(self, *, refunded: bool) -> dict[str, Any]:
        """Spell it as its calls are answered; this payer gave no telephone number."""
        return {
            "complaint_id": self.complaint_id,
            "complaint_time": china_time(self.made_at),
            "complaint_detail": self.detail,
            "complainted_mchid": self.mchid,
            "complaint_state": self.state,
            "payer_openid": self.openid,
            "complaint_order_info": [one.model_dump() for one in self.payments],
            "complaint_full_refunded": refunded,
            "incoming_user_response": False,
            "problem_description": "商品问题",
            "problem_type": "OTHERS",
            "user_complaint_times": self.times,
            "user_tag_list": [],
        }
