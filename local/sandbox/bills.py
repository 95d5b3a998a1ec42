"""What a transfer (商家转账) may say, and what WeChat Pay remembers of it."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AwareDatetime, Field, StringConstraints

from local.sandbox.orders import Kept, china_time
from local.sandbox.prepay import Form, NotifyUrl

UNCONFIRMED_FOR = timedelta(hours=24)
OVERDUE = "OVERDUE_CLOSE"  # what a bill says that nobody confirmed

OutBillNo = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z]{1,32}\z")]


def _text(length_max: int) -> Any:
    return StringConstraints(min_length=1, max_length=length_max)


class ReportInfo(Form):
    """One line of what the transfer is for (报备信息)."""

    info_type: Annotated[str, _text(32)]
    info_content: Annotated[str, _text(32)]


class TransferForm(Form):
    """The body of `POST /v3/fund-app/mch-transfer/transfer-bills`."""

    appid: Annotated[str, _text(32)]
    out_bill_no: OutBillNo
    transfer_scene_id: Annotated[str, _text(36)]
    openid: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_\-]{1,64}\z")]
    user_name: Annotated[str, _text(1024)] | None = None
    transfer_amount: int = Field(ge=10, le=20_000_000)
    transfer_remark: Annotated[str, _text(32)]
    notify_url: NotifyUrl
    user_recv_perception: Annotated[str, _text(32)] | None = None
    transfer_scene_report_infos: tuple[ReportInfo, ...] = Field(
        default=(), max_length=10, strict=False
    )

    @property
    def content(self) -> dict[str, Any]:
        """Return what a repeat must repeat: all but the name, whose ciphertext is never twice."""
        return self.model_dump(exclude={"user_name"})


class BillState(StrEnum):
    """`state` of a transfer."""

    ACCEPTED = "ACCEPTED"
    PROCESSING = "PROCESSING"
    WAIT_USER_CONFIRM = "WAIT_USER_CONFIRM"
    TRANSFERING = "TRANSFERING"  # WeChat Pay's spelling
    SUCCESS = "SUCCESS"
    FAIL = "FAIL"
    CANCELING = "CANCELING"
    CANCELLED = "CANCELLED"


FINAL = {BillState.SUCCESS, BillState.FAIL, BillState.CANCELLED}


class Bill(Kept):
    """One transfer: what was asked, and what became of it."""

    asked: TransferForm
    mch_id: str
    transfer_bill_no: str
    package_info: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    state: BillState = BillState.WAIT_USER_CONFIRM
    fail_reason: str | None = None

    @property
    def out_bill_no(self) -> str:
        """Return the merchant's number."""
        return self.asked.out_bill_no

    @property
    def final(self) -> bool:
        """Tell whether nothing can happen to it any more."""
        return self.state in FINAL

    def at(self, now: datetime) -> Self:
        """Return the bill as it is now: a cancelling is over, and nobody confirms after a day."""
        if self.state is BillState.CANCELING:
            return self.evolve(state=BillState.CANCELLED, updated_at=now)
        overdue = self.created_at + UNCONFIRMED_FOR
        if self.state is BillState.WAIT_USER_CONFIRM and overdue <= now:
            return self.evolve(state=BillState.FAIL, fail_reason=OVERDUE, updated_at=overdue)
        return self

    def accepted(self) -> dict[str, Any]:
        """Spell the bill as the call that asked for it is answered."""
        told = {
            "out_bill_no": self.out_bill_no,
            "transfer_bill_no": self.transfer_bill_no,
            "create_time": china_time(self.created_at),
            "state": self.state,
            "fail_reason": self.fail_reason,
        }
        if self.state is BillState.WAIT_USER_CONFIRM:
            told["package_info"] = self.package_info
        return _without_nothing(told)

    def queried(self) -> dict[str, Any]:
        """Spell the bill as a query answers it."""
        return self.finished() | {
            "appid": self.asked.appid,
            "transfer_remark": self.asked.transfer_remark,
        }

    def finished(self) -> dict[str, Any]:
        """Spell the bill as its notification carries it."""
        return _without_nothing(
            {
                "mch_id": self.mch_id,
                "out_bill_no": self.out_bill_no,
                "transfer_bill_no": self.transfer_bill_no,
                "transfer_amount": self.asked.transfer_amount,
                "state": self.state,
                "fail_reason": self.fail_reason,
                "openid": self.asked.openid,
                "create_time": china_time(self.created_at),
                "update_time": china_time(self.updated_at),
            }
        )

    def cancelled(self) -> dict[str, Any]:
        """Spell the bill as a cancel is answered."""
        return {
            "out_bill_no": self.out_bill_no,
            "transfer_bill_no": self.transfer_bill_no,
            "state": self.state,
            "update_time": china_time(self.updated_at),
        }


def _without_nothing(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if value is not None}
