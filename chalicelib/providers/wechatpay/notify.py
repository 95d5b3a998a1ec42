"""A notification (异步通知): verified, opened, ours, or refused for one reason. No I/O at all.

raw bytes ── verify ── envelope ── open ── state ── merchant, app ── Collected
                          │        ├─ a transfer ended ── merchant, number, state ── Transferred
                          │        ├─ a refund ended ── merchant, state ── Refunded
                          │        └─ of a complaint ── id ── Complained
                          └─ an event we don't know ─ Ignored
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.providers.port import Collected, Heard, Ignored, NotificationRefusedError
from chalicelib.providers.wechatpay import mapping
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.keys import KeyRing
from chalicelib.providers.wechatpay.sealed import SealKeys
from chalicelib.providers.wechatpay.verify import verify

BODY_BYTES_MAX = 1 << 16
TRANSACTION_SUCCESS = "TRANSACTION.SUCCESS"
TRANSFER_FINISHED = "MCHTRANSFER.BILL.FINISHED"
REFUND_ENDS = frozenset({"REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED"})
COMPLAINT_EVENTS = frozenset({"COMPLAINT.CREATE", "COMPLAINT.STATE_CHANGE"})


@dataclass(frozen=True, slots=True)
class NotificationReader:
    """Reads what arrives at our notify_url."""

    account: WeChatPayAccount
    seal_keys: SealKeys

    def read(
        self, headers: Mapping[str, str], body: bytes, *, ring: KeyRing, now: datetime
    ) -> Heard:
        """Verify and open, or raise `NotificationRefusedError`; nothing else is ever raised."""
        try:
            return self._read(headers, body, ring=ring, now=now)
        except DoubtError as doubt:
            raise NotificationRefusedError(doubt.detail, reason=doubt.reason) from None

    def _read(
        self, headers: Mapping[str, str], body: bytes, *, ring: KeyRing, now: datetime
    ) -> Heard:
        if len(body) > BODY_BYTES_MAX:
            raise DoubtError("longer than any notification", reason="body")
        verify(headers, body, ring=ring, now=now)
        envelope = mapping.object_in(body, bytes_max=BODY_BYTES_MAX)
        event_type = mapping.text_in(envelope, "event_type", length_max=64)
        if event_type == TRANSACTION_SUCCESS:
            return self._paid(self._open(envelope))
        return self._at_another_desk(event_type, envelope) or Ignored(
            provider=mapping.NAME,
            event_type=event_type,
            notification_id=mapping.text_in(envelope, "id", length_max=64),
        )

    def _at_another_desk(self, event_type: str, envelope: Mapping[str, Any]) -> Heard | None:
        """Let the desk read it that it is about; a payment, which hurries, loads none of them."""
        if event_type == TRANSFER_FINISHED:
            from chalicelib.providers.wechatpay import transfers

            return transfers.notified(self._open(envelope), self.account)
        if event_type in REFUND_ENDS:
            from chalicelib.providers.wechatpay import refunds

            return refunds.notified(self._open(envelope), self.account)
        if event_type in COMPLAINT_EVENTS:
            from chalicelib.providers.wechatpay import complaints

            return complaints.notified(self._open(envelope))
        return None

    def _open(self, envelope: Mapping[str, Any]) -> dict[str, Any]:
        resource = envelope.get("resource")
        if not isinstance(resource, dict):
            raise DoubtError("there is no resource", reason="body")
        return mapping.object_in(self.seal_keys.open(resource), bytes_max=BODY_BYTES_MAX)

    def _paid(self, trade: Mapping[str, Any]) -> Collected:
        """Take a trade as paid; a combined payment bears the same event and is none of ours."""
        if any(name.startswith("combine_") for name in trade):
            raise DoubtError("a combined payment, which we never start", reason="state")
        if trade.get("trade_state") != mapping.TRADE_SUCCESS:
            raise DoubtError("the event says paid and the trade does not", reason="state")
        return mapping.collected(trade, self.account)
