"""Paying out: the provider is told, and asked, until it has said the last word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.ids import PayoutId
from chalicelib.ledger import postings
from chalicelib.ledger.journal import Journal
from chalicelib.ledger.movement import Movement
from chalicelib.providers.funds import Transfer, Transferred, Transfers, TransferState
from chalicelib.providers.port import ProviderOutcomeUnknownError, ProviderRejectedError
from chalicelib.settlement.model import UNDER_WAY, Payout, PayoutState, Word
from chalicelib.settlement.store import SettlementStore
from chalicelib.settlement.usecases.open import Send
from chalicelib.settlement.usecases.unfreeze import UnfreezeOrder
from chalicelib.storage.commit import CommitRefusedError, Commits, Work
from chalicelib.storage.due import DueList, Note

LOOK_AGAIN = timedelta(minutes=10)
"""How long after it was looked at a payout that is under way is looked at again."""

_TRIES_MAX = 4
_REMARK = "货款结算"

TellWord = Callable[[Word, Transferred], None]
"""Count and log what a provider's word about a payout turned out to be."""


class PayoutUnsettledError(TryAgainError):
    """The payout moved under every attempt to book the provider's word about it."""

    code = "payout_unsettled"


@dataclass(frozen=True, slots=True)
class PayOut:
    """Pays merchants out of the platform's balance, each under its payout's own number."""

    settlements: SettlementStore
    journal: Journal
    commits: Commits
    provider_name: str
    provider: Transfers
    unfreeze: UnfreezeOrder
    tell: TellWord

    def advance(self, payout_id: PayoutId) -> None:
        """Bring a payout as far as it goes now; may be repeated, and at once with others.

        A provider's error passes through: the command comes again, and so does the sweep.
        """
        payout = self.settlements.find_payout(payout_id)
        if payout is None or payout.state not in UNDER_WAY:
            return
        if payout.order_id is not None:
            self.unfreeze.advance(payout)
        else:
            self.hear(self._asked(payout))

    def hear(self, said: Transferred) -> Word:
        """Book what the provider verifiably says of a payout; a repeat changes nothing."""
        for _ in range(_TRIES_MAX):
            payout = self.settlements.find_payout(said.payout_id)
            if payout is None or payout.order_id is not None:
                return self._told(Word.UNKNOWN, said)
            if payout.amount != said.amount:
                return self._told(Word.CONTRADICTORY, said)
            if payout.state not in UNDER_WAY:
                final = {PayoutState.PAID: {TransferState.PAID}}.get(payout.state, _FAILURES)
                same = said.state in final or said.state is TransferState.WAITING
                return self._told(Word.REPEATED if same else Word.CONTRADICTORY, said)
            if said.state is TransferState.WAITING and payout.state is PayoutState.PROCESSING:
                return self._told(Word.REPEATED, said)
            if self._booked(payout, said):
                return self._told(Word.BOOKED, said)
        raise PayoutUnsettledError("the payout is moving; try again")

    def _asked(self, payout: Payout) -> Transferred:
        """Ask for the transfer, or how far it is; always under the payout's number."""
        if payout.state is PayoutState.PROCESSING:
            said = self.provider.transferred(payout.id)
            if said is None:
                raise ProviderOutcomeUnknownError("a transfer it had taken is gone")
            return said
        assert payout.payee is not None, "a payout that the platform pays has a payee"
        order = Transfer(
            payout_id=payout.id, openid=payout.payee, amount=payout.amount, remark=_REMARK
        )
        try:
            return self.provider.transfer(order)
        except ProviderRejectedError as rejected:
            # A refusal may hide that an earlier try was taken: only what it never took has failed.
            said = self.provider.transferred(payout.id)
            if said is not None:
                return said
            return Transferred(
                payout_id=payout.id,
                state=TransferState.FAILED,
                amount=payout.amount,
                reason=str(rejected.facts.get("provider_code", rejected.code)),
            )

    def _booked(self, payout: Payout, said: Transferred) -> bool:
        """Write what was said in one commit; False when the payout moved meanwhile."""
        try:
            with self.commits() as work:
                if said.state is TransferState.WAITING:
                    self.settlements.sent(work, payout, confirmation=said.confirmation)
                    facts = {"merchant_id": payout.merchant_id}
                    work.emit("payout.sent", payout.id, beside=payout.merchant_id, facts=facts)
                elif said.state is TransferState.PAID:
                    self.settlements.paid(work, payout)
                    self._post(work, payout, self._paid(payout), "payout.paid")
                else:
                    self.settlements.failed(work, payout, reason=said.reason or said.state)
                    self._post(work, payout, self._failed(payout), "payout.failed")
        except CommitRefusedError:
            return False
        return True

    def _paid(self, payout: Payout) -> Movement:
        return postings.paid_out(
            payout.id,
            merchant_id=payout.merchant_id,
            provider=self.provider_name,
            amount=payout.amount,
        )

    def _failed(self, payout: Payout) -> Movement:
        return postings.payout_failed(
            payout.id, merchant_id=payout.merchant_id, amount=payout.amount
        )

    def _post(self, work: Work, payout: Payout, movement: Movement, event: str) -> None:
        facts = {"merchant_id": payout.merchant_id}
        self.journal.post(
            work, movement, event=event, about=payout.id, beside=payout.merchant_id, facts=facts
        )

    def _told(self, word: Word, said: Transferred) -> Word:
        self.tell(word, said)
        return word


_FAILURES = {TransferState.FAILED, TransferState.CANCELLED}


@dataclass(frozen=True, slots=True)
class SweepPayouts:
    """Asks for every payout that is under way to be looked at, until it is final.

    So a command that got lost, or a notification that never came, delays a payout and no more.
    """

    settlements: SettlementStore
    payouts: DueList
    commits: Commits
    clock: Clock
    send: Send

    def remember(self, payout_id: PayoutId) -> None:
        """Note a new payout, and ask for it to be sent; heard again, it is asked for again."""
        with self.commits() as work:
            self.payouts.put(work, payout_id, self.clock.now() + LOOK_AGAIN)
        self.send([advance_command(payout_id)])

    def sweep(self) -> int:
        """Sweep the list; return how many were asked for."""
        now = self.clock.now()
        return self.payouts.sweep(now, lambda found: self._settle(found, now))

    def _settle(self, found: Sequence[Note], now: datetime) -> int:
        noted = dict.fromkeys(PayoutId(note.about) for note in found)  # one may be noted twice
        payouts = self.settlements.payouts(list(noted))
        left = [payout.id for payout in payouts if payout.state in UNDER_WAY]
        self.send([advance_command(payout_id) for payout_id in left])
        with self.commits() as work:
            for note in found:
                self.payouts.drop(work, note)
            for payout_id in left:
                self.payouts.put(work, payout_id, now + LOOK_AGAIN)
        return len(left)


def advance_command(payout_id: PayoutId) -> dict[str, str]:
    """Spell the command to bring a payout further."""
    return {"command": "advance_payout", "payout_id": payout_id}
