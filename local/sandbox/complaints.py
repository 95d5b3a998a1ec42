"""Complaints (消费者投诉2.0): made by control, asked about, answered, completed, and told of."""

import secrets
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from local.sandbox.book import Book
from local.sandbox.complaint import (
    Complain,
    ComplainedOf,
    Complaint,
    ComplaintState,
    CompleteForm,
    PayerActs,
    ResponseForm,
)
from local.sandbox.control import from_here
from local.sandbox.keys import SandboxKeys
from local.sandbox.merchant import queried
from local.sandbox.messenger import Messenger
from local.sandbox.orders import CHINA, Notice, Order, TradeState
from local.sandbox.prepay import parsed
from local.sandbox.refund import RefundState
from local.sandbox.wire import (
    Answer,
    Handler,
    RefusalError,
    Request,
    json_answer,
    param_error,
    strict_json,
)

COMPLAINTS = "/v3/merchant-service/complaints-v2"
SPAN = timedelta(days=30)
LIST_MAX, HISTORY_MAX = 50, 300


class ComplaintCalls:
    """Complaints over HTTP; every verb decides and writes under the book's lock."""

    def __init__(
        self,
        book: Book,
        messenger: Messenger,
        *,
        keys: Callable[[], SandboxKeys],
        now: Callable[[], datetime],
    ) -> None:
        self._book = book
        self._messenger = messenger
        self._keys = keys
        self._now = now

    def routes(self) -> dict[str, Handler]:
        """Return the calls."""
        return {
            f"GET {COMPLAINTS}": self._list,
            f"GET {COMPLAINTS}/{{complaint_id}}": self._look,
            f"GET {COMPLAINTS}/{{complaint_id}}/negotiation-historys": self._history,
            f"POST {COMPLAINTS}/{{complaint_id}}/response": self._respond,
            f"POST {COMPLAINTS}/{{complaint_id}}/complete": self._complete,
            "GET /control/complaints": from_here(self._all),
            "POST /control/complaints": from_here(self._complain),
            "POST /control/complaints/{complaint_id}": from_here(self._act),
        }

    def _list(self, request: Request) -> Answer:
        given = queried(request, ("begin_date", "end_date"), ("limit", "offset"))
        first, last = (_day(given, name) for name in ("begin_date", "end_date"))
        if last < first or last - first > SPAN:
            raise param_error("end_date", "查询日期跨度不超过30天", location="query")
        found = [
            self._told(one)
            for one in self._book.complaints.all()
            if first <= one.made_at.astimezone(CHINA).date() <= last
        ]
        return _page(found, given, default=10, limit_max=LIST_MAX)

    def _look(self, request: Request, complaint_id: str) -> Answer:
        queried(request)
        return json_answer(200, self._told(self._found(complaint_id)))

    def _history(self, request: Request, complaint_id: str) -> Answer:
        given = queried(request, optional=("limit", "offset"))
        steps = self._found(complaint_id).steps
        told = [step.told(number) for number, step in enumerate(steps)]
        return _page(told, given, default=100, limit_max=HISTORY_MAX)

    def _respond(self, request: Request, complaint_id: str) -> Answer:
        asked = parsed(ResponseForm, strict_json(request.body))
        with self._book.lock:
            known = self._answerable(complaint_id, asked.complainted_mchid)
            said = known.stepped(self._now(), "商户", "MERCHANT_RESPONSE", asked.response_content)
            self._keep(said.evolve(state=ComplaintState.PROCESSING), "MERCHANT_RESPONSE")
        return Answer(204)

    def _complete(self, request: Request, complaint_id: str) -> Answer:
        asked = parsed(CompleteForm, strict_json(request.body))
        with self._book.lock:
            known = self._answerable(complaint_id, asked.complainted_mchid)
            done = known.stepped(self._now(), "商户", "MERCHANT_CONFIRM_COMPLETE", "")
            self._keep(done.evolve(state=ComplaintState.PROCESSED), "MERCHANT_CONFIRM_COMPLETE")
        return Answer(204)

    def _answerable(self, complaint_id: str, mchid: str) -> Complaint:
        known = self._found(complaint_id)
        if known.mchid != mchid:
            raise RefusalError(403, "NO_AUTH", "被诉商户号与投诉单不符")
        if known.state is ComplaintState.PROCESSED:
            raise RefusalError(400, "INVALID_REQUEST", "投诉单已处理完成")
        return known

    def _all(self, request: Request) -> Answer:
        del request
        told = [
            self._told(one) | {"history": [step.told(n) for n, step in enumerate(one.steps)]}
            for one in self._book.complaints.all()
        ]
        return json_answer(200, {"items": told, "next": None})

    def _complain(self, request: Request) -> Answer:
        asked = parsed(Complain, strict_json(request.body))
        with self._book.lock:
            orders = [self._paid(number) for number in (asked.out_trade_no, *asked.also)]
            complaint = self._book.complaints.keep(self._made(asked, orders))
        return self._delivered(
            complaint, "CREATE_COMPLAINT", times=asked.times if asked.deliver else 0
        )

    def _act(self, request: Request, complaint_id: str) -> Answer:
        asked = parsed(PayerActs, strict_json(request.body))
        with self._book.lock:
            known = self._found(complaint_id)
            if asked.action == "continue":
                kind = "CONTINUE_COMPLAINT"
                changed = known.evolve(state=ComplaintState.PENDING, times=known.times + 1)
            else:
                kind = "USER_REVOKE_COMPLAINT"
                changed = known.evolve(state=ComplaintState.PROCESSED)
            complaint = self._book.complaints.keep(changed.stepped(self._now(), "用户", kind, ""))
        return self._delivered(complaint, kind, times=1 if asked.deliver else 0)

    def _delivered(self, complaint: Complaint, action: str, *, times: int) -> Answer:
        deliveries: list[Any] = []
        if times:
            deliveries = self._messenger.send(self._notice(complaint, action), times=times)
        told = [each.model_dump(mode="json") for each in deliveries]
        return json_answer(200, self._told(complaint) | {"deliveries": told})

    def _keep(self, complaint: Complaint, action: str) -> None:
        """Keep it, and tell of it in the background, for the merchant is asking."""
        self._book.complaints.keep(complaint)
        notice = self._notice(complaint, action)
        self._messenger.send_later(notice, times=1, delay=timedelta())

    def _notice(self, complaint: Complaint, action: str) -> Notice:
        return self._messenger.complaint_notice(
            complaint.complaint_id, action, url=complaint.notify_url
        )

    def _paid(self, number: str) -> Order:
        order = self._book.order(number)
        if not order or order.state is not TradeState.SUCCESS:
            raise RefusalError(404, "ORDER_NOT_EXIST", "订单不存在或未支付")
        return order

    def _made(self, asked: Complain, orders: Sequence[Order]) -> Complaint:
        now, first = self._now(), orders[0]
        day = now.astimezone(CHINA).strftime("%Y%m%d")
        return Complaint(
            complaint_id=f"2000000{day}{secrets.randbelow(10**12):012}",
            mchid=first.prepay.sub_mchid or self._keys().mch_id,
            detail=asked.text,
            openid=next(iter(first.prepay.payers.values())),
            payments=tuple(
                ComplainedOf(
                    transaction_id=order.transaction_id or "",
                    out_trade_no=order.out_trade_no,
                    amount=order.prepay.amount.total,
                )
                for order in orders
            ),
            made_at=now,
            notify_url=asked.notify_url or f"{first.prepay.notify_url}/complaints",
        ).stepped(now, "用户", "USER_CREATE_COMPLAINT", asked.text)

    def _found(self, complaint_id: str) -> Complaint:
        known = self._book.complaints.get(complaint_id)
        if not known:
            raise RefusalError(404, "RESOURCE_NOT_EXISTS", "投诉单不存在")
        return known

    def _told(self, complaint: Complaint) -> dict[str, Any]:
        paid = sum(one.amount for one in complaint.payments)
        numbers = {one.transaction_id for one in complaint.payments}
        back = sum(
            refund.asked.amount.refund
            for refund in self._book.refunds.all()
            if refund.transaction_id in numbers and refund.state is RefundState.SUCCESS
        )
        return complaint.told(refunded=back >= paid)


def _page(
    found: Sequence[dict[str, Any]], given: dict[str, str], *, default: int, limit_max: int
) -> Answer:
    limit, offset = _whole(given, "limit", default), _whole(given, "offset", 0)
    if not 1 <= limit <= limit_max:
        raise param_error("limit", f"范围为1到{limit_max}", location="query")
    told: dict[str, Any] = {
        "data": list(found[offset : offset + limit]),
        "limit": limit,
        "offset": offset,
    }
    return json_answer(200, told | ({"total_count": len(found)} if offset == 0 else {}))


def _whole(given: dict[str, str], name: str, otherwise: int) -> int:
    text = given.get(name, str(otherwise))
    if not text.isascii() or not text.isdigit():
        raise param_error(name, "须为整数", value=text, location="query")
    return int(text)


def _day(given: dict[str, str], name: str) -> date:
    try:
        return date.fromisoformat(given[name])
    except ValueError:
        raise param_error(name, "须为 yyyy-MM-DD", value=given[name], location="query") from None
