"""The calls of transfers: APIv3's own, and the control calls that play the payee."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from local.sandbox.bills import Bill, BillState, TransferForm
from local.sandbox.control import from_here
from local.sandbox.keys import SandboxKeys
from local.sandbox.merchant import check_app, queried
from local.sandbox.messenger import Messenger
from local.sandbox.orders import Delivery, Notice
from local.sandbox.prepay import Form, parsed
from local.sandbox.transfers import Transfers
from local.sandbox.wire import Answer, Handler, Request, json_answer, strict_json

BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
ENDS = {
    "confirmed": BillState.SUCCESS,
    "failed": BillState.FAIL,
    "cancelled": BillState.CANCELLED,
}


class TransferEnd(Form):
    """How a transfer ends, and how the notification of it goes out."""

    outcome: Literal["confirmed", "failed", "cancelled"] = "confirmed"
    fail_reason: str | None = None
    deliver: bool = True
    times: int = Field(default=1, ge=1, le=100)
    delay_ms: int = Field(default=0, ge=0, le=600_000)

    @model_validator(mode="after")
    def _a_reason_for_a_failure(self) -> Self:
        if self.fail_reason and self.outcome != "failed":
            raise ValueError("only what failed has a fail_reason")
        return self

    @property
    def reason(self) -> str | None:
        """Return why it failed, if it did."""
        return self.fail_reason or ("ACCOUNT_FROZEN" if self.outcome == "failed" else None)


class TransferCalls:
    """Transfers over HTTP."""

    def __init__(
        self, transfers: Transfers, messenger: Messenger, *, keys: Callable[[], SandboxKeys]
    ) -> None:
        self._transfers = transfers
        self._messenger = messenger
        self._keys = keys

    def routes(self) -> dict[str, Handler]:
        """Return the calls."""
        return {
            f"POST {BILLS}": self._ask,
            f"GET {BILLS}/out-bill-no/{{number}}": self._look,
            f"GET {BILLS}/transfer-bill-no/{{number}}": self._look_by_bill_no,
            f"POST {BILLS}/out-bill-no/{{number}}/cancel": self._cancel,
            "GET /control/transfers": from_here(self._list),
            "POST /control/transfers/{number}": from_here(self._end),
        }

    def _ask(self, request: Request) -> Answer:
        asked = parsed(TransferForm, strict_json(request.body))
        keys = self._keys()
        check_app(keys, asked.appid)
        return json_answer(200, self._transfers.ask(asked, mch_id=keys.mch_id).accepted())

    def _look(self, request: Request, number: str) -> Answer:
        queried(request)
        return json_answer(200, self._transfers.look(number).queried())

    def _look_by_bill_no(self, request: Request, number: str) -> Answer:
        queried(request)
        return json_answer(200, self._transfers.look_by_bill_no(number).queried())

    def _cancel(self, request: Request, number: str) -> Answer:
        del request
        return json_answer(200, self._transfers.cancel(number).cancelled())

    def _list(self, request: Request) -> Answer:
        del request
        bills = [bill.queried() for bill in self._transfers.bills()]
        return json_answer(200, {"items": bills, "next": None})

    def _end(self, request: Request, number: str) -> Answer:
        asked = parsed(TransferEnd, strict_json(request.body))
        bill = self._transfers.end(number, ENDS[asked.outcome], asked.reason)
        if not asked.deliver:
            return json_answer(200, _outcome(bill))
        notice = self._messenger.transfer_notice(bill)
        if asked.delay_ms:
            delay = timedelta(milliseconds=asked.delay_ms)
            self._messenger.send_later(notice, times=asked.times, delay=delay)
            return json_answer(200, _outcome(bill, notice))
        deliveries = self._messenger.send(notice, times=asked.times)
        return json_answer(200, _outcome(bill, notice, deliveries))


def _outcome(
    bill: Bill, notice: Notice | None = None, deliveries: list[Delivery] | None = None
) -> dict[str, Any]:
    return {
        "out_bill_no": bill.out_bill_no,
        "transfer_bill_no": bill.transfer_bill_no,
        "state": bill.state,
        "fail_reason": bill.fail_reason,
        "notification_id": notice.id if notice else None,
        "deliveries": [each.model_dump(mode="json") for each in deliveries or []],
    }
