"""Complaints (消费者投诉2.0): WeChat Pay's words and ours.

Source: WeChat Pay's "查询投诉单列表", "查询投诉单详情", "查询投诉单协商历史", "回复用户" and
"反馈处理完成". A notification names the complaint alone; whose it is, its seal tells.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from chalicelib.providers.complaints import (
    WORDS_LENGTH_MAX,
    Complained,
    Complaint,
    ComplaintPage,
    ComplaintStatus,
    DisputedPayment,
)
from chalicelib.providers.port import ProviderUnavailableError
from chalicelib.providers.transport import ANSWER_BYTES_MAX, Answer
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.exchange import Exchange, Question, Refusal
from chalicelib.providers.wechatpay.mapping import compact, object_in, text_in

COMPLAINTS = "/v3/merchant-service/complaints-v2"
PAGE_LENGTH = 50
_HISTORY_PAGES_MAX = 20
_WORDS_KEPT_MAX = 400  # 300 as documented; theirs to change
_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_NOT_THERE = frozenset({"RESOURCE_NOT_EXISTS", "NOT_FOUND"})
_LATER = frozenset({"FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "SYSTEM_ERROR"})
_OURS = frozenset({"MERCHANT_RESPONSE", "MERCHANT_CONFIRM_COMPLETE"})
_STATUSES = {
    "PENDING": ComplaintStatus.PENDING,
    "PROCESSING": ComplaintStatus.PROCESSING,
    "PROCESSED": ComplaintStatus.PROCESSED,
}

Reading = TypeVar("Reading")


@dataclass(frozen=True, slots=True)
class WeChatComplaints:
    """One merchant's complaints at WeChat Pay (the port's `Complaints`)."""

    account: WeChatPayAccount
    exchange: Exchange

    def complaint(self, complaint_id: str) -> Complaint | None:
        """Ask for a complaint (查询投诉单详情)."""
        question = Question("GET", _at(complaint_id))
        found = self.exchange.ask(question, lambda answer: self._read(answer, complaint_id))
        if not isinstance(found, Refusal):
            return found
        if found.status == HTTPStatus.NOT_FOUND or found.code in _NOT_THERE:
            return None
        raise _error(found)

    def open_between(self, first: date, last: date, *, page: int) -> ComplaintPage:
        """List what is not completed (查询投诉单列表), by China's days."""
        days = {"begin_date": first.isoformat(), "end_date": last.isoformat()}
        return self._page(f"{COMPLAINTS}?{urlencode(days)}", page, _open_page)

    def said(self, complaint_id: str) -> Sequence[str]:
        """Ask for the history (查询投诉单协商历史), and keep what our side said."""
        words: list[str] = []
        for page in range(_HISTORY_PAGES_MAX):
            some, more = self._page(f"{_at(complaint_id)}/negotiation-historys?", page, _said)
            words += some
            if not more:
                break
        return words

    def respond(self, complaint: Complaint, words: str) -> None:
        """Say something to the payer (回复用户)."""
        said = {"response_content": words[:WORDS_LENGTH_MAX]}
        self._tell(f"{_at(complaint.id)}/response", complaint, said, once=True)

    def complete(self, complaint: Complaint) -> None:
        """Say that it was dealt with (反馈处理完成)."""
        self._tell(f"{_at(complaint.id)}/complete", complaint, {})

    def _tell(
        self, path: str, complaint: Complaint, said: dict[str, str], *, once: bool = False
    ) -> None:
        body = compact({"complainted_mchid": complaint.complained_of} | said)
        found = self.exchange.ask(Question("POST", path, body, once=once), lambda _: None)
        if found is not None:
            raise _error(found)

    def _page(self, path: str, page: int, read: Callable[[Answer], Reading]) -> Reading:
        place = urlencode({"limit": PAGE_LENGTH, "offset": page * PAGE_LENGTH})
        joint = "" if path.endswith("?") else "&"
        found = self.exchange.ask(Question("GET", f"{path}{joint}{place}"), read)
        if isinstance(found, Refusal):
            raise _error(found)
        return found

    def _read(self, answer: Answer, asked: str) -> Complaint:
        fields = object_in(answer.body, bytes_max=ANSWER_BYTES_MAX)
        if fields.get("complaint_id") != asked:
            raise DoubtError("the answer is about another complaint", reason="number")
        whose = fields.get("complainted_mchid")
        return Complaint(
            id=asked,
            complained_of=whose if isinstance(whose, str) and whose else self.account.mch_id,
            status=_status(fields),
            words=_words(fields),
            times=_times(fields),
            payments=tuple(_payment(row) for row in _rows(fields, "complaint_order_info")),
        )


def notified(fields: Mapping[str, Any]) -> Complained:
    """Map what a notification says of a complaint: that there is one, and that it moved."""
    complaint_id = text_in(fields, "complaint_id", length_max=64)
    if not _ID.fullmatch(complaint_id):
        raise DoubtError("complaint_id is no id", reason="body")
    action = fields.get("action_type")
    return Complained(
        complaint_id=complaint_id, action=action[:64] if isinstance(action, str) else ""
    )


def _open_page(answer: Answer) -> ComplaintPage:
    rows = _rows(object_in(answer.body, bytes_max=ANSWER_BYTES_MAX), "data")
    named = [(text_in(row, "complaint_id", length_max=64), _status(row)) for row in rows]
    ids = tuple(
        complaint_id
        for complaint_id, status in named
        if status is not ComplaintStatus.PROCESSED and _ID.fullmatch(complaint_id)
    )
    return ComplaintPage(ids, more=len(rows) >= PAGE_LENGTH)


def _said(answer: Answer) -> tuple[Sequence[str], bool]:
    rows = _rows(object_in(answer.body, bytes_max=ANSWER_BYTES_MAX), "data")
    ours = [row.get("operate_details") for row in rows if row.get("operate_type") in _OURS]
    return [words for words in ours if isinstance(words, str)], len(rows) >= PAGE_LENGTH


def _at(complaint_id: str) -> str:
    return f"{COMPLAINTS}/{quote(complaint_id, safe='')}"


def _error(refusal: Refusal) -> Exception:
    if refusal.code in _LATER:
        return ProviderUnavailableError("not now", provider_code=refusal.code)
    return refusal.error()


def _status(fields: Mapping[str, Any]) -> ComplaintStatus:
    status = _STATUSES.get(text_in(fields, "complaint_state", length_max=30))
    if status is None:
        raise DoubtError("a complaint's state we don't know", reason="state")
    return status


def _times(fields: Mapping[str, Any]) -> int:
    times = fields.get("user_complaint_times", 1)
    if type(times) is not int:
        raise DoubtError("user_complaint_times is no number of times", reason="body")
    return max(times, 1)


def _payment(row: Mapping[str, Any]) -> DisputedPayment:
    return DisputedPayment(
        number=text_in(row, "out_trade_no", length_max=64),
        transaction_id=text_in(row, "transaction_id", length_max=64),
    )


def _rows(fields: Mapping[str, Any], name: str) -> Sequence[Mapping[str, Any]]:
    rows = fields.get(name) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DoubtError(f"{name} is no list", reason="body")
    return rows


def _words(fields: Mapping[str, Any]) -> str:
    """Return the payer's own words, else the heading they chose, without what nobody can see."""
    given = [fields.get(name) for name in ("complaint_detail", "problem_description")]
    words = next((text for text in given if isinstance(text, str) and text.strip()), "")
    visible = "".join(one if one.isprintable() else " " for one in words)
    return visible.strip()[:_WORDS_KEPT_MAX]
