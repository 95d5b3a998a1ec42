"""Booking money that a provider verifiably reported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from chalicelib.kernel.errors import TryAgainError
from chalicelib.ledger import postings
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.movement import Movement
from chalicelib.orders.store import OrderStore
from chalicelib.payments import rules
from chalicelib.payments.model import Booking
from chalicelib.payments.rules import Claim
from chalicelib.payments.store import PaymentStore
from chalicelib.providers.port import Collected
from chalicelib.storage.commit import BUDGET_SECONDS, CommitRefusedError, Commits, Work

Tell = Callable[[Booking, Collected], None]
"""Count and log what became of reported money; `edge` does it, use cases know no framework."""

NOTIFICATION_SECONDS = 2.5
"""How long a notification tries to commit; with the queue's 1.5 it is answered within four."""

_CAPTURE_ROUNDS_MAX = 4


class BookingUnsettledError(TryAgainError):
    """The books moved under every attempt to classify a refused capture; nothing was lost."""

    code = "booking_unsettled"


@dataclass(frozen=True, slots=True)
class Capture:
    """Books money that a provider verifiably reported: one round trip when all is as expected."""

    payments: PaymentStore
    orders: OrderStore
    journal: Journal
    commits: Commits
    tell: Tell

    def capture(self, collected: Collected, *, budget_seconds: float = BUDGET_SECONDS) -> Booking:
        """Book it, whatever it turns out to be; a repeat gets the same answer.

        Raises `CommitExhaustedError` when the database is too busy: nothing was booked, or it was
        and a repeat will find it so.
        """
        booking = self._booked(collected, self.commits.deadline(budget_seconds))
        self.tell(booking, collected)
        return booking

    def _booked(self, collected: Collected, deadline: float) -> Booking:
        claim = rules.claim_of(collected)
        if claim is None:
            return self._park(collected, Booking.UNKNOWN, deadline)
        for _ in range(_CAPTURE_ROUNDS_MAX):
            booking = self._in_time(claim, collected, deadline)
            if booking is Booking.LATE and not self._late(claim, collected, deadline):
                continue  # another delivery booked it first: the next look says what it was
            if booking in {Booking.CONTRADICTORY, Booking.UNKNOWN}:
                return self._park(collected, booking, deadline)
            return booking
        raise BookingUnsettledError("the books are moving; try again")

    def _in_time(self, claim: Claim, collected: Collected, deadline: float) -> Booking:
        """Hold the money for its order; no read, four items, one round trip."""
        movement = postings.captured(
            claim.payment_id,
            order_id=claim.order_id,
            merchant_id=claim.merchant_id,
            provider=collected.provider,
            amount=collected.amount,
            reference=collected.transaction_id,
        )
        try:
            with self._capturing(claim, collected, movement, deadline) as work:
                self.orders.paid(work, claim.order_id, collected.amount)
        except CommitRefusedError as refused:
            return rules.classify(refused.refusals, collected)
        return Booking.CAPTURED

    def _late(self, claim: Claim, collected: Collected, deadline: float) -> bool:
        """Set late money aside, and say so: its refund is due. False when the books moved."""
        movement = postings.captured_late(
            claim.payment_id,
            order_id=claim.order_id,
            provider=collected.provider,
            amount=collected.amount,
            reference=collected.transaction_id,
        )
        try:
            with self._capturing(claim, collected, movement, deadline, late=True):
                pass
        except CommitRefusedError:
            return False
        return True

    @contextmanager
    def _capturing(
        self,
        claim: Claim,
        collected: Collected,
        movement: Movement,
        deadline: float,
        *,
        late: bool = False,
    ) -> Iterator[Work]:
        """Open the commit that captures a payment, in time or late, and posts its money."""
        event = "payment.captured_late" if late else "payment.captured"
        with self.commits(deadline=deadline) as work:
            self.journal.post(
                work,
                movement,
                event=event,
                about=claim.payment_id,
                beside=claim.order_id,
                facts={"merchant_id": claim.merchant_id, "order_id": claim.order_id}
                if late
                else None,
            )
            self.payments.captured(
                work,
                claim.payment_id,
                claim.order_id,
                merchant_id=claim.merchant_id,
                collected=collected,
                late=late,
            )
            yield work

    def _park(self, collected: Collected, booking: Booking, deadline: float) -> Booking:
        """Set aside money that fits nowhere; the same word parks once."""
        movement = postings.parked(
            rules.parking_key(collected),
            provider=collected.provider,
            amount=collected.amount,
            reference=collected.transaction_id,
        )
        try:
            with self.commits(deadline=deadline) as work:
                self.journal.post(work, movement, event="payment.parked", about=movement.key)
        except CommitRefusedError:
            return Booking.REPEATED
        return booking


@dataclass(frozen=True, slots=True)
class Hear:
    """Hears a provider's verified word, and answers only when it is safe."""

    capture: Capture
    queue: Callable[[Collected], None]

    def hear(self, collected: Collected) -> Booking | None:
        """Book it, or hand it to the queue when the database is too busy: then return None.

        Whichever of the two took it, it is durable when this returns. If neither did, this raises,
        and the provider will say it again.
        """
        try:
            return self.capture.capture(collected, budget_seconds=NOTIFICATION_SECONDS)
        except TryAgainError:
            self.queue(collected)
            return None
