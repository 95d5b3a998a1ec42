"""Starting a payment, booking what was paid, and closing what nobody paid."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import assert_never

from chalicelib.catalog.store import CatalogStore
from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import IdempotencyKeyReusedError, TryAgainError
from chalicelib.kernel.fingerprint import fingerprint
from chalicelib.kernel.ids import MemberId, OrderId, PaymentId
from chalicelib.ledger import postings
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.postings import Movement
from chalicelib.orders.model import Order, OrderNotFoundError
from chalicelib.orders.rules import is_overdue, is_payable
from chalicelib.orders.store import OrderStore, head_key, read_order
from chalicelib.payments import rules
from chalicelib.payments.model import (
    Booking,
    OrderNotPayableError,
    Payment,
    PaymentNotPayableError,
    PaymentState,
    ProviderNotOfferedError,
)
from chalicelib.payments.rules import PAYMENT, Claim
from chalicelib.payments.store import PaymentStore, read_payment
from chalicelib.people.model import Member
from chalicelib.people.store import read_member
from chalicelib.providers.port import (
    CertifiedProvider,
    CloseOutcome,
    Collected,
    Invoke,
    Outcome,
    PrepayOrder,
    Provider,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
)
from chalicelib.storage import keys
from chalicelib.storage.commit import (
    ACTIONS_MAX,
    BUDGET_SECONDS,
    CommitRefusedError,
    Commits,
    Work,
)
from chalicelib.storage.table import Table

Providers = Mapping[str, Provider]
Tell = Callable[[Booking, Collected], None]
"""Count and log what became of reported money; `edge` does it, use cases know no framework."""

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
        """Set late money aside and queue its refund; False when the books moved meanwhile."""
        movement = postings.captured_late(
            claim.payment_id,
            order_id=claim.order_id,
            provider=collected.provider,
            amount=collected.amount,
            reference=collected.transaction_id,
        )
        try:
            with self._capturing(claim, collected, movement, deadline, late=True) as work:
                self.payments.refund_due(work, claim.payment_id, claim.order_id, collected.amount)
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
            self.journal.post(work, movement, event=event, about=claim.payment_id)
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
class Started:
    """A payment, and what the mini-program needs to pay it; None when that is not known (yet)."""

    payment: Payment
    invoke: Invoke | None


@dataclass(frozen=True, slots=True)
class StartPayment:
    """Creates a payment here, then at the provider, under the same number."""

    table: Table
    payments: PaymentStore
    commits: Commits
    providers: Providers
    capture: Capture
    clock: Clock

    def start(
        self, member_id: MemberId, order_id: OrderId, provider_name: str, *, key: str
    ) -> Started:
        """Start a payment of all that is due; the same shopper, order and key give the same one.

        Raises `OrderNotFoundError`, `OrderNotPayableError`, `PaymentNotPayableError`,
        `ProviderNotOfferedError`, `IdempotencyKeyReusedError`, or a provider's error.
        """
        provider = self.providers.get(provider_name)
        if provider is None:
            raise ProviderNotOfferedError(
                "this provider is not offered here", offered=sorted(self.providers)
            )
        payment_id = PaymentId.derive("start_payment", member_id, order_id, key)
        request = fingerprint(provider_name)
        order, member, payment = self._read(member_id, order_id, payment_id, request)
        if payment is None:
            if not is_payable(order, now=self.clock.now()):
                raise OrderNotPayableError("this order can't be paid any more", state=order.state)
            payment = self._committed(order, payment_id, provider_name, request)
        if payment.state is PaymentState.CAPTURED:
            return Started(payment, None)
        if payment.state is not PaymentState.PENDING:
            raise PaymentNotPayableError("start another payment", state=payment.state)
        return self._prepaid(provider, order, member, payment)

    def _read(
        self, member_id: MemberId, order_id: OrderId, payment_id: PaymentId, request: str
    ) -> tuple[Order, Member, Payment | None]:
        """Read the order, the shopper and the answer already given, in one round trip."""
        at, payment_at = head_key(order_id), keys.payment(order_id, payment_id)
        member_at = keys.member(member_id)
        found = self.table.get_many([at, payment_at, member_at])
        order = read_order(order_id, found[at]) if at in found else None
        if order is None or order.member_id != member_id or member_at not in found:
            raise OrderNotFoundError("there is no such order")
        member = read_member(member_id, found[member_at])
        if payment_at not in found:
            return order, member, None
        if found[payment_at]["request"] != request:
            raise IdempotencyKeyReusedError("this Idempotency-Key started another payment")
        return order, member, read_payment(payment_at, found[payment_at])

    def _committed(
        self, order: Order, payment_id: PaymentId, provider_name: str, request: str
    ) -> Payment:
        try:
            with self.commits() as work:
                payment = Payment(
                    id=payment_id,
                    order_id=order.id,
                    merchant_id=order.merchant_id,
                    provider=provider_name,
                    state=PaymentState.PENDING,
                    amount=order.due,
                    created_at=work.at,
                )
                self.payments.started(work, payment, request=request)
                work.emit("payment.started", payment_id, facts={"order_id": order.id})
        except CommitRefusedError as refused:
            # The same request, twice at once: the other one made this payment.
            item = refused.refusals[PAYMENT]
            assert item is not None
            return read_payment(keys.payment(order.id, payment_id), item)
        return payment

    def _prepaid(
        self, provider: Provider, order: Order, member: Member, payment: Payment
    ) -> Started:
        """Ask the provider; the number is the payment's, so that asking again is harmless."""
        asked = PrepayOrder(
            payment_id=payment.id,
            attach=rules.attach_text(order.id, order.merchant_id),
            amount=payment.amount,
            description=order.subject,
            payer_openid=member.openid,
            expires_at=order.expires_at,
        )
        try:
            try:
                return Started(payment, provider.prepay(asked))
            except ProviderRejectedError as rejected:
                return self._given_up(provider, payment, rejected)
        except ProviderOutcomeUnknownError:
            return Started(payment, None)

    def _given_up(
        self, provider: Provider, payment: Payment, rejected: ProviderRejectedError
    ) -> Started:
        """Before giving up ask what the provider knows: a refusal may mean *paid already*."""
        queried = provider.query(payment.id)
        if queried.outcome is Outcome.PAID and queried.collected is not None:
            self.capture.capture(queried.collected)
            return Started(payment.evolve(state=PaymentState.CAPTURED), None)
        try:
            with self.commits() as work:
                reason = str(rejected.facts.get("provider_code", rejected.code))
                self.payments.failed(work, payment, reason=reason)
                work.emit("payment.failed", payment.id, facts={"reason": reason})
        except CommitRefusedError:
            # Its state moved meanwhile; the caller asks again and is told.
            raise PaymentNotPayableError("the payment is not pending any more") from rejected
        raise rejected


@dataclass(frozen=True, slots=True)
class CloseOrder:
    """Closes an order that nobody paid in time, after the provider confirmed that nobody can."""

    payments: PaymentStore
    orders: OrderStore
    catalog: CatalogStore
    commits: Commits
    providers: Providers
    capture: Capture
    clock: Clock

    def close(self, order_id: OrderId) -> None:
        """Close it if its time is over; may be repeated, and stock returns exactly once.

        A provider's error passes through: nothing was closed here, and the command comes again.
        """
        order, payments = self.payments.of_order(order_id)
        if order is None or not is_overdue(order, now=self.clock.now()):
            return
        closable = [
            payment
            for payment in payments
            if payment.state in {PaymentState.PENDING, PaymentState.FAILED}
        ]
        for payment in closable:
            if self._paid_after_all(payment):
                return
        lines = self.orders.lines(order)
        takes = [take for line in lines for take in line.takes]
        room = ACTIONS_MAX - len(takes) - 2  # the head and the outbox row
        for payment in closable[room:]:
            self._close_alone(payment)
        try:
            with self.commits() as work:
                self.orders.closed(work, order_id)
                for payment in closable[:room]:
                    self.payments.closed(work, payment)
                self.catalog.give_back(work, takes)
                work.emit("order.closed", order_id)
        except CommitRefusedError:
            # Paid, closed, or one of its payments captured meanwhile: look again from the start.
            raise TryAgainError("the order moved while it was being closed") from None

    def _paid_after_all(self, payment: Payment) -> bool:
        """Close a payment at its provider; if the shopper was faster, book what was paid."""
        provider = self.providers[payment.provider]
        outcome = provider.close(payment.id)
        match outcome:
            case CloseOutcome.CLOSED:
                return False
            case CloseOutcome.ALREADY_PAID:
                queried = provider.query(payment.id)
                if queried.collected is None:
                    raise ProviderOutcomeUnknownError("paid, says the close; not so, the query")
                self.capture.capture(queried.collected)
                return True
            case _:
                assert_never(outcome)

    def _close_alone(self, payment: Payment) -> None:
        try:
            with self.commits() as work:
                self.payments.closed(work, payment)
                work.emit("payment.closed", payment.id)
        except CommitRefusedError:
            raise TryAgainError("the payment moved while it was being closed") from None


@dataclass(frozen=True, slots=True)
class RefreshCertificates:
    """Keeps what a provider signs with: downloaded rarely, stored for every process to learn."""

    payments: PaymentStore
    commits: Commits
    provider: CertifiedProvider
    clock: Clock

    def refresh(self) -> int:
        """Download; new certificates join before expired ones leave. Return how many are held.

        A provider's error passes through and what is stored stays.
        """
        downloaded = self.provider.download_certificates()
        stored = self.payments.certificates(self.provider.name)
        now = self.clock.protocol_now()
        merged = {held.serial: held for held in [*stored, *downloaded] if held.expires_at > now}
        with self.commits() as work:
            self.payments.save_certificates(work, self.provider.name, list(merged.values()), at=now)
        return len(merged)

    def learn(self) -> None:
        """Learn what another process has downloaded."""
        self.provider.learn(self.payments.certificates(self.provider.name))


def offered(providers: Sequence[Provider]) -> Providers:
    """Index providers by name."""
    return {provider.name: provider for provider in providers}
