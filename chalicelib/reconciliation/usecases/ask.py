"""Asking the provider about what its bill has and we don't, and booking it as ever.

Nothing is booked here: the verb that would have booked a notification of it does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.ids import InvalidIdError, OrderId, PaymentId, PayoutId
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.postings import captured_key
from chalicelib.payments.usecases.capture import Capture
from chalicelib.providers.bills import LineKind
from chalicelib.providers.port import (
    Provider,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.refunds import Refunded, RefundsPayments, RefundStatus
from chalicelib.reconciliation import rules
from chalicelib.reconciliation.model import DiscrepancyState, Found
from chalicelib.refunds.model import Refund
from chalicelib.refunds.store import RefundStore

_PREFIXES = {
    LineKind.TRANSFER: "paid_out",
    LineKind.UNFREEZE: "paid_out",
    LineKind.SHARE: "shared",
}


class Booked(NamedTuple):
    """What asking came to; `entry` is the business key of ours, if there is one now."""

    state: DiscrepancyState
    entry: str = ""
    closed: bool = False  # a seller's refund that will never be paid: no bill will say so


_NOBODY_KNOWS = Booked(DiscrepancyState.OPEN)
_UNDER_WAY = Booked(DiscrepancyState.WAITING)


@dataclass(frozen=True, slots=True)
class AskProvider:
    """Asks about one line at a time."""

    provider: Provider
    journal: Journal
    capture: Capture
    refunds: RefundStore
    refunding: RefundsPayments
    hear_refund: Callable[[Refunded], object]
    advance_payout: Callable[[PayoutId], None]
    payout_exists: Callable[[PayoutId], bool]

    def book(self, found: Found) -> Booked:
        """Ask, book what is true, and return how it stands; who can't be asked now is waited for.

        What was booked already, on another day, waits until that day is compared.
        """
        try:
            match found.kind:
                case LineKind.PAYMENT:
                    return self._payment(found)
                case LineKind.REFUND:
                    return self._refund(found)
                case LineKind.TRANSFER | LineKind.UNFREEZE | LineKind.SHARE:
                    return self._payout(found, _PREFIXES[LineKind(found.kind)])
                case LineKind.SHARE_BACK:
                    return self._booked_before(f"shares_returned/{found.key.partition('/')[2]}")
                case _:
                    return _NOBODY_KNOWS
        except (ProviderUnavailableError, ProviderOutcomeUnknownError, TryAgainError):
            return _UNDER_WAY
        except ProviderRejectedError:
            return _NOBODY_KNOWS

    def out_of_hold(self, found: Found) -> bool:
        """Tell whether a seller's refund comes out of frozen money, and not out of its own."""
        refund = self._ours(found)
        return refund is None or bool(refund.in_our_books.amount)

    def _payment(self, found: Found) -> Booked:
        try:
            payment_id = PaymentId.parse(found.payment)
        except InvalidIdError:
            return _NOBODY_KNOWS
        key = captured_key(payment_id)
        if self._has(key, found.reference):
            return Booked(DiscrepancyState.WAITING, key)
        said = self.provider.query(payment_id, seller=found.seller or None)
        if said.collected is None:
            return _NOBODY_KNOWS
        self.capture.capture(said.collected)
        if self._has(key, found.reference):
            return Booked(DiscrepancyState.RESOLVED, key)
        return _NOBODY_KNOWS

    def _refund(self, found: Found) -> Booked:
        refund_id = rules.refund_in(found)
        if refund_id is None:
            return _NOBODY_KNOWS
        # One that was closed may be paid by now, under a fresh number: so the provider says first.
        said = self.refunding.refunded(found.number, seller=found.seller or None)
        if said is not None and said.status is RefundStatus.CLOSED:
            self.hear_refund(said)
            return Booked(DiscrepancyState.WAITING, closed=bool(found.seller))
        key = f"refund_paid/{refund_id}"
        if self.journal.find(key) is not None:
            return Booked(DiscrepancyState.WAITING, key)
        if said is None or self._ours(found) is None:
            return _NOBODY_KNOWS
        self.hear_refund(said)
        if said.status is not RefundStatus.SUCCESS or self.journal.find(key) is None:
            return _UNDER_WAY
        return Booked(DiscrepancyState.RESOLVED, key)

    def _payout(self, found: Found, prefix: str) -> Booked:
        payout_id = rules.payout_in(found)
        if payout_id is None or not self.payout_exists(payout_id):
            return _NOBODY_KNOWS
        key = f"{prefix}/{payout_id}"
        if self.journal.find(key) is not None:
            return Booked(DiscrepancyState.WAITING, key)
        self.advance_payout(payout_id)
        if self.journal.find(key) is not None:
            return Booked(DiscrepancyState.RESOLVED, key)
        return _UNDER_WAY

    def _booked_before(self, key: str) -> Booked:
        if self.journal.find(key) is not None:
            return Booked(DiscrepancyState.WAITING, key)
        return _NOBODY_KNOWS

    def _has(self, key: str, reference: str) -> bool:
        entry = self.journal.find(key)
        return entry is not None and entry.reference == reference

    def _ours(self, found: Found) -> Refund | None:
        """Find our refund of a line: it lies beside its order, which its payment's entry names."""
        refund_id = rules.refund_in(found)
        order_id = self._order(found.payment)
        if refund_id is None or order_id is None:
            return None
        return self.refunds.of_order(order_id).refund(refund_id)

    def _order(self, payment: str) -> OrderId | None:
        try:
            entry = self.journal.find(captured_key(PaymentId.parse(payment)))
        except InvalidIdError:
            return None
        return entry.order_id if entry is not None else None
