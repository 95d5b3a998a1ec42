"""Planted bugs of shipments, their reports, and receipts in WeChat."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from chalicelib.delivery.model import Received
from chalicelib.delivery.usecases import HearOfReceipts, ReportShipments, report_command
from chalicelib.kernel.ids import OrderId, PaymentId
from chalicelib.ledger.postings import captured_key
from chalicelib.providers.port import ProviderUnavailableError
from tests.simulation.roots import Bug, patch


def _push_taken_for_the_truth(roots: ExitStack) -> None:
    """Release at a push, which comes on shipping as well, without asking how far the parcel is."""

    def checked(self: HearOfReceipts, payment_id: PaymentId) -> Received:
        entry = self.journal.find(captured_key(payment_id))
        if entry is None or entry.order_id is None:
            return Received.NOT_OURS
        self.release.received(entry.order_id)
        return Received.RELEASED

    patch(roots, HearOfReceipts, "_checked", checked)


def _parcel_forgotten(roots: ExitStack) -> None:
    """Send the command, and note nowhere that WeChat is to be told."""

    def hear(self: ReportShipments, event: Mapping[str, Any]) -> None:
        self.send([report_command(OrderId.parse(event["about"]))])

    patch(roots, ReportShipments, "hear", hear)


def _not_yet_taken_for_done(roots: ExitStack) -> None:
    """Take it as reported when WeChat does not know the payment yet."""

    def asked(self: ReportShipments, *order: Any) -> str:
        try:
            return str(right(self, *order))
        except ProviderUnavailableError:
            return ""

    right = patch(roots, ReportShipments, "_asked", asked)


DELIVERY_BUGS = [
    Bug("push taken for the truth", _push_taken_for_the_truth),
    Bug("parcel forgotten", _parcel_forgotten, "sweep shipments"),
    Bug("not yet taken for done", _not_yet_taken_for_done),
]
