"""Following a refund: the provider is told, and asked, until it has said the last word."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.ids import InvalidIdError, OrderId, PaymentId, RefundId
from chalicelib.ledger import postings
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.postings import captured_key
from chalicelib.payments.model import Payment
from chalicelib.providers.port import ProviderRejectedError, ProviderUnavailableError
from chalicelib.providers.refunds import Refunded, RefundOrder, RefundsPayments, RefundStatus
from chalicelib.refunds import rules
from chalicelib.refunds.model import (
    ACCEPTED,
    FINAL,
    LATE,
    REFUND_LIFECYCLE,
    Delay,
    Refund,
    RefundState,
    RefundUnsettledError,
    RefundVerb,
    Word,
)
from chalicelib.refunds.store import Ordered, RefundName, RefundStore
from chalicelib.refunds.usecases.accept import AcceptRefund, facts_of
from chalicelib.refunds.usecases.collect import CollectRefund
from chalicelib.storage.commit import CommitRefusedError, Commits, Work
from chalicelib.storage.due import DueList, Note

LOOK_AGAIN = timedelta(minutes=10)
"""How long after it was looked at a refund that is under way is looked at again."""

_TRIES_MAX = 4
_VERBS = {
    RefundStatus.PROCESSING: RefundVerb.SEND,
    RefundStatus.SUCCESS: RefundVerb.PAY,
    RefundStatus.ABNORMAL: RefundVerb.STALL,
    RefundStatus.CLOSED: RefundVerb.CLOSE,
}
_SAYS = {
    RefundVerb.SEND: "refund.sent",
    RefundVerb.PAY: "refund.paid",
    RefundVerb.STALL: "refund.abnormal",
    RefundVerb.CLOSE: "refund.closed",
}
_TAKEN = {RefundVerb.SEND, RefundVerb.PAY}
_REACHED = {
    RefundStatus.PROCESSING: frozenset(RefundState) - {RefundState.WAITING, RefundState.QUEUED},
    RefundStatus.SUCCESS: frozenset({RefundState.SUCCEEDED}),
    RefundStatus.ABNORMAL: frozenset({RefundState.ABNORMAL, RefundState.SUCCEEDED}),
    RefundStatus.CLOSED: frozenset({RefundState.CLOSED, RefundState.SETTLED}),
}
"""Where a refund stands when the provider's word is old news."""

Send = Callable[[Sequence[Mapping[str, str]]], None]
SendLater = Callable[[Mapping[str, str], int], None]
"""Sends a command, which comes after so many seconds."""

TellWord = Callable[[Word, Refunded], None]
"""Count and log what a provider's word about a refund turned out to be."""

TellDelay = Callable[[Delay], None]
"""Count why a refund did not go on."""

TellTaken = Callable[[int], None]
"""Report after how many seconds the provider took a refund whose money was held."""


def tell_nobody(_seconds: int) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class AdvanceRefund:
    """Brings refunds to their end, each under its own numbers."""

    refunds: RefundStore
    journal: Journal
    commits: Commits
    clock: Clock
    provider_name: str
    provider: RefundsPayments
    collecting: CollectRefund
    send_later: SendLater
    tell: TellWord
    tell_delay: TellDelay
    tell_taken: TellTaken = tell_nobody

    def advance(self, order_id: OrderId, refund_id: RefundId) -> None:
        """Bring a refund as far as it goes now; may be repeated, and at once with others.

        A provider's error passes through while nothing is known: the command comes again, and so
        does the sweep.
        """
        found = self.refunds.of_order(order_id)
        refund = found.refund(refund_id)
        if refund is None or found.order is None:
            return
        payment = next(one for one in found.payments if one.id == refund.payment_id)
        if refund.state is RefundState.WAITING:
            if not self.collecting.collect(found.order, payment, refund):
                self.tell_delay(Delay.NOT_COLLECTED)
                return
            refund = refund.evolve(state=RefundState.QUEUED)
        if refund.state is RefundState.QUEUED:
            self._send(found, payment, refund)
        elif refund.state in {RefundState.PROCESSING, RefundState.ABNORMAL}:
            said = self._asked(refund)
            if said is not None:
                self.hear(said)

    def hear(self, said: Refunded) -> Word:
        """Book what the provider verifiably says of a refund; a repeat changes nothing."""
        try:
            refund_id, attempt = rules.refund_of(said.number)
            payment_id = PaymentId.parse(said.payment_number)
        except InvalidIdError:
            return self._told(Word.UNKNOWN, said)
        entry = self.journal.find(captured_key(payment_id))
        if entry is None or entry.order_id is None:
            return self._told(Word.UNKNOWN, said)
        for _ in range(_TRIES_MAX):
            refund = self.refunds.of_order(entry.order_id).refund(refund_id)
            if refund is None or refund.payment_id != payment_id:
                return self._told(Word.UNKNOWN, said)
            known = self._known(refund, attempt, said)
            if known is not None:
                return self._told(known, said)
            if self._booked(refund, _VERBS[said.status]):
                return self._told(Word.BOOKED, said)
        raise RefundUnsettledError("the refund is moving; try again")

    def _known(self, refund: Refund, attempt: int, said: Refunded) -> Word | None:
        """Tell whether the word is old news, or fits nothing; None when it is to be booked."""
        if refund.amount != said.amount:
            return Word.CONTRADICTORY
        if attempt != refund.attempt:
            old = attempt < refund.attempt and said.status is not RefundStatus.SUCCESS
            return Word.REPEATED if old else Word.CONTRADICTORY
        if refund.state in _REACHED[said.status]:
            return Word.REPEATED
        verb = _VERBS[said.status]
        return None if (refund.state, verb) in REFUND_LIFECYCLE.rows() else Word.CONTRADICTORY

    def _asked(self, refund: Refund) -> Refunded | None:
        return self.provider.refunded(rules.number_at_provider(refund), seller=refund.seller)

    def _send(self, found: Ordered, payment: Payment, refund: Refund) -> None:
        """Tell the provider, always under the same number; keep why it would not take it."""
        of_payment = [one for one in found.refunds if one.payment_id == payment.id]
        goes_at, now = rules.may_go_at(refund, of_payment), self.clock.now()
        if goes_at is not None and now < goes_at:
            seconds = int((goes_at - now).total_seconds()) + 1
            self.send_later(advance_command((refund.order_id, refund.id)), seconds)
            self.tell_delay(Delay.SPACED)
            return
        order = RefundOrder(
            number=rules.number_at_provider(refund),
            payment_id=payment.id,
            amount=refund.amount,
            total=payment.amount,
            reason=refund.reason,
            seller=refund.seller,
        )
        try:
            self.hear(self.provider.refund(order))
        except ProviderUnavailableError as away:
            if "provider_code" not in away.facts:
                raise
            self._note(refund, str(away.facts["provider_code"]))
        except ProviderRejectedError as rejected:
            # A refusal may hide that an earlier try was taken.
            said = self._asked(refund)
            if said is not None:
                self.hear(said)
            else:
                self._note(refund, str(rejected.facts.get("provider_code", rejected.code)))

    def _note(self, refund: Refund, failure: str) -> None:
        """Keep why the provider would not take a refund; the sweep asks again."""
        self.tell_delay(Delay.NOT_TAKEN)
        if refund.failure == failure[:64]:
            return
        try:
            with self.commits() as work:
                self.refunds.noted(work, refund, failure[:64])
                facts = facts_of(refund) | {"reason": failure[:64]}
                work.emit("refund.delayed", refund.id, beside=refund.order_id, facts=facts)
        except CommitRefusedError:
            return  # it went on meanwhile

    def _booked(self, refund: Refund, verb: RefundVerb) -> bool:
        """Write what was said in one commit; False when the refund moved meanwhile."""
        try:
            with self.commits() as work:
                self.refunds.moved(work, refund, verb)
                self._say(work, refund, verb)
        except CommitRefusedError:
            return False
        waited = refund.returned.amount or refund.attempt > 1  # for a merchant's money, or a person
        if refund.state is RefundState.QUEUED and verb in _TAKEN and not waited:
            self.tell_taken((self.clock.now() - refund.created_at) // timedelta(seconds=1))
        return True

    def _say(self, work: Work, refund: Refund, verb: RefundVerb) -> None:
        event, facts = _SAYS[verb], facts_of(refund)
        if verb is RefundVerb.PAY:  # as the provider's bill will have it
            number, whole = rules.number_at_provider(refund), str(refund.amount.amount)
            facts |= {"number": number, "amount": whole}
        if verb is not RefundVerb.PAY or not refund.in_our_books.amount:
            work.emit(event, refund.id, beside=refund.order_id, facts=facts)
            return
        movement = postings.refund_paid(
            refund.id,
            order_id=refund.order_id,
            provider=self.provider_name,
            amount=refund.in_our_books,
            late=refund.late,
        )
        self.journal.post(
            work, movement, event=event, about=refund.id, beside=refund.order_id, facts=facts
        )

    def _told(self, word: Word, said: Refunded) -> Word:
        self.tell(word, said)
        return word


@dataclass(frozen=True, slots=True)
class SweepRefunds:
    """Asks for every refund to be looked at until it has come to a good end.

    So a command that got lost, or a notification that never came, delays a refund and no more.
    """

    refunds: RefundStore
    accepting: AcceptRefund
    due: DueList
    commits: Commits
    clock: Clock
    send: Send

    def hear(self, event: Mapping[str, Any]) -> None:
        """Hear an event of `HEARD`; it may come twice, and in any order."""
        match event:
            case {"event": kind, "about": str(about), "facts": {"order_id": str(order)}} if (
                kind == ACCEPTED
            ):
                self._remember((OrderId.parse(order), RefundId.parse(about)))
            case {"event": kind, "about": str(about), "facts": {"order_id": str(order)}} if (
                kind == LATE
            ):
                self.accepting.late(OrderId.parse(order), PaymentId.parse(about))
            case _:
                raise ValueError("no such event")

    def sweep(self) -> int:
        """Sweep the list; return how many were asked for."""
        return self.due.sweep(self.clock.now(), self._settle)

    def _remember(self, name: RefundName) -> None:
        with self.commits() as work:
            self.due.put(work, ".".join(name), self.clock.now() + LOOK_AGAIN)
        self.send([advance_command(name)])

    def _settle(self, found: Sequence[Note]) -> int:
        noted = dict.fromkeys(note.about for note in found)  # one may be noted twice
        refunds = self.refunds.many([_name(about) for about in noted])
        left = [(one.order_id, one.id) for one in refunds if one.state not in FINAL]
        self.send([advance_command(name) for name in left])
        with self.commits() as work:
            for note in found:
                self.due.drop(work, note)
            for name in left:
                self.due.put(work, ".".join(name), self.clock.now() + LOOK_AGAIN)
        return len(left)


def advance_command(name: RefundName) -> dict[str, str]:
    """Spell the command to bring a refund further."""
    order_id, refund_id = name
    return {"command": "advance_refund", "order_id": order_id, "refund_id": refund_id}


def _name(about: str) -> RefundName:
    order_id, _, refund_id = about.partition(".")
    return OrderId(order_id), RefundId(refund_id)
