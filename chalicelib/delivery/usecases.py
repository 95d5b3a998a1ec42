"""Telling WeChat of shipments, and hearing of receipts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.delivery.model import REFUNDED, SETTLEMENT_PUSH, Received, Report, ReportState
from chalicelib.delivery.store import ReportStore
from chalicelib.escrow.model import OrderNotReceivableError
from chalicelib.escrow.usecases import Release
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import InvalidIdError, OrderId, PaymentId
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.postings import captured_key
from chalicelib.orders.model import Order, OrderDisputedError, OrderState
from chalicelib.payments.model import Payment
from chalicelib.payments.rules import holding
from chalicelib.payments.store import PaymentStore
from chalicelib.people.model import Member
from chalicelib.providers.port import ProviderRejectedError, ProviderUnavailableError
from chalicelib.providers.shipping import Pushed, Shipping, ShippingReport
from chalicelib.storage.commit import CommitRefusedError, Commits
from chalicelib.storage.due import DueList, Note

LOOK_AGAIN = timedelta(minutes=10)
"""How long after it was looked at a shipment of which WeChat may not know is looked at again."""

LOOK_AT_REFUSED = timedelta(days=1)
"""How long after it was shipped, or looked at, a refused shipment is looked at again."""

GIVE_UP = timedelta(days=3)
"""How long after its shipment a parcel is reported that WeChat does not take."""

Send = Callable[[Sequence[Mapping[str, str]]], None]
TellReport = Callable[[OrderId, Report], None]
TellReceived = Callable[[Received, str], None]


@dataclass(frozen=True, slots=True)
class ReportShipments:
    """Tells WeChat of every shipment, until it has taken it or refused it for good."""

    reports: ReportStore
    payments: PaymentStore
    commits: Commits
    clock: Clock
    unreported: DueList
    refused: DueList
    shipping: Shipping
    send: Send
    tell: TellReport
    enabled: bool = True

    def hear(self, event: Mapping[str, Any]) -> None:
        """Hear of a shipment: note it, and ask for it to be reported; heard again, asked again."""
        if not self.enabled:
            return
        order_id = OrderId.parse(event["about"])
        with self.commits() as work:
            self.unreported.put(work, order_id, self.clock.now() + LOOK_AGAIN)
        self.send([report_command(order_id)])

    def report(self, order_id: OrderId) -> None:
        """Report a shipment, once it can be; done before, it is done.

        A provider's error passes through while there is hope: the command comes again, and so does
        the sweep.
        """
        order, payments = self.payments.of_order(order_id)
        payment = holding(payments)
        if order is None or order.shipment is None or payment is None:
            return
        report, member = self.reports.with_member(order_id, order.member_id)
        if report is not None:
            return
        assert member is not None, "who buys has signed in"
        gone = order.state is OrderState.REFUNDED  # WeChat takes no shipment of it any more
        refused = REFUNDED if gone else self._asked(order, payment, member)
        try:
            with self.commits() as work:
                state = ReportState.REFUSED if refused else ReportState.REPORTED
                report = Report(state=state, reported_at=work.at, reason=refused)
                self.reports.recorded(work, order_id, report)
                if refused and not gone:
                    first = order.shipment.shipped_at + LOOK_AT_REFUSED
                    self.refused.put(work, order_id, first)
                work.emit(f"shipment.{state}", order_id, facts={"merchant_id": order.merchant_id})
        except CommitRefusedError:
            return  # reported twice at once: WeChat took both for one
        self.tell(order_id, report)

    def sweep(self) -> int:
        """Ask again for every shipment that is noted and not reported; return for how many."""
        now = self.clock.now()
        self.refused.sweep(now, self._keep_noted)
        return self.unreported.sweep(now, self._settle)

    def _asked(self, order: Order, payment: Payment, member: Member) -> str:
        """Tell WeChat; return why it refused for good, or nothing."""
        assert order.shipment is not None
        assert payment.transaction_id is not None
        parcel = ShippingReport(
            transaction_id=payment.transaction_id,
            carrier=order.shipment.carrier,
            tracking_number=order.shipment.tracking_number,
            contact=order.shipment.contact,
            description=order.subject,
            payer=member.openid,
            shipped_at=order.shipment.shipped_at,
        )
        try:
            self.shipping.report(parcel)
        except ProviderRejectedError as rejected:
            return str(rejected.facts.get("provider_code", rejected.code))
        except ProviderUnavailableError as away:
            code = away.facts.get("provider_code")
            if code is None or self.clock.now() < order.shipment.shipped_at + GIVE_UP:
                raise
            return str(code)
        return ""

    def _keep_noted(self, found: Sequence[Note]) -> int:
        """Keep a refused shipment noted while it is on its way; later nobody need correct it."""
        left = self.reports.on_their_way([OrderId(note.about) for note in found])
        with self.commits() as work:
            for note in found:
                self.refused.drop(work, note)
                if note.about in left:
                    self.refused.put(work, note.about, note.at + LOOK_AT_REFUSED)
        return len(left)

    def _settle(self, found: Sequence[Note]) -> int:
        noted = dict.fromkeys(OrderId(note.about) for note in found)  # one may be noted twice
        settled = self.reports.settled(list(noted))
        left = [order_id for order_id in noted if order_id not in settled]
        self.send([report_command(order_id) for order_id in left])
        with self.commits() as work:
            for note in found:
                self.unreported.drop(work, note)
            for order_id in left:
                self.unreported.put(work, order_id, self.clock.now() + LOOK_AGAIN)
        return len(left)


@dataclass(frozen=True, slots=True)
class HearOfReceipts:
    """Releases what the shopper received in WeChat itself: a push is a hint, WeChat is asked."""

    journal: Journal
    release: Release
    shipping: Shipping
    send: Send
    tell: TellReceived

    def hear(self, pushed: Pushed) -> bool:
        """Take a verified push to the queue; tell whether it is of any concern."""
        if pushed.event != SETTLEMENT_PUSH:
            return False
        try:
            payment_id = PaymentId.parse(pushed.number)
        except InvalidIdError:
            self.tell(Received.NOT_OURS, pushed.transaction_id)
            return True
        self.send([{"command": "check_receipt", "payment_id": payment_id}])
        return True

    def check(self, payment_id: PaymentId) -> Received:
        """Ask how far a payment's parcel has come, and release what was received.

        A provider's error passes through, and the command comes again.
        """
        return self._told(self._checked(payment_id), payment_id)

    def _checked(self, payment_id: PaymentId) -> Received:
        entry = self.journal.find(captured_key(payment_id))
        if entry is None or entry.order_id is None or entry.kind != "payment_captured":
            return Received.NOT_OURS
        delivery = self.shipping.delivery(entry.reference)
        if delivery is None or not delivery.received or delivery.disputed:
            return Received.NOT_YET
        try:
            self.release.received(entry.order_id)
        except (OrderNotReceivableError, OrderDisputedError):
            return Received.ELSEWHERE
        return Received.RELEASED

    def _told(self, received: Received, about: str) -> Received:
        self.tell(received, about)
        return received


def report_command(order_id: OrderId) -> dict[str, str]:
    """Spell the command to report a shipment."""
    return {"command": "report_shipment", "order_id": order_id}
