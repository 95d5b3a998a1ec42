"""Settling one merchant for one business day."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.kernel.errors import IdempotencyKeyReusedError, TryAgainError
from chalicelib.kernel.fingerprint import fingerprint
from chalicelib.kernel.ids import MerchantId
from chalicelib.kernel.money import CNY, Money, fen
from chalicelib.ledger import chart, postings
from chalicelib.ledger.balances import Balances, DebitGuards, drawn_in, drawn_key
from chalicelib.ledger.journal import JOURNAL, Journal, read_entry
from chalicelib.people.model import Capability, Merchant, MerchantNotFoundError
from chalicelib.people.store import read_merchant
from chalicelib.settlement import rules
from chalicelib.settlement.model import CREATED, PASSED_OVER, Payout, PayoutState, Settled
from chalicelib.settlement.store import SettlementStore
from chalicelib.settlement.usecases.open import ALWAYS
from chalicelib.storage import keys
from chalicelib.storage.commit import CommitRefusedError, Commits
from chalicelib.storage.due import DueList, Note
from chalicelib.storage.values import Item, Key, whole

_TRIES_MAX = 4

Capable = Callable[[Merchant, Capability], bool]
"""Tell whether a merchant may do something; certification decides, once there is one."""


class SettlingUnsettledError(TryAgainError):
    """The merchant's balance moved under every attempt to settle it."""

    code = "settling_unsettled"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a merchant has, as far as a day's settlement counts it."""

    grown: int  # all that ever became available up to the day's close
    drawn: int
    owed: int  # all that it ever came to owe
    netted: int

    @property
    def amount(self) -> Money:
        """Return what is settled: available at the close, and not drawn since."""
        return rules.settleable(self.grown, self.drawn)

    @property
    def debt(self) -> Money:
        """Return what of it goes into the merchant's debt."""
        return min(rules.settleable(self.owed, self.netted), self.amount)


@dataclass(frozen=True, slots=True)
class SettleMerchant:
    """Sends what was available to a merchant at a day's close on its way."""

    settlements: SettlementStore
    balances: Balances
    journal: Journal
    guards: DebitGuards
    commits: Commits
    unsettled: DueList
    may: Capable
    payee_of: Callable[[Merchant], str | None]
    minimum_fen: int
    tell: Callable[[Settled], None]

    def settle(self, merchant_id: MerchantId, day: str, position: int) -> Settled:
        """Settle once, whoever asks and however often; who can't be paid yet is noted for later.

        Raises `SettlingUnsettledError` when the balance kept moving.
        """
        settled = self._settled(merchant_id, day, position)
        self.tell(settled)
        return settled

    def _settled(self, merchant_id: MerchantId, day: str, position: int) -> Settled:
        for _ in range(_TRIES_MAX):
            found = self._read(merchant_id, day)
            merchant_at = keys.merchant(merchant_id)
            if keys.payout(rules.payout_id(merchant_id, day)) in found:
                return Settled.NOTHING
            merchant = read_merchant(merchant_id, found[merchant_at])
            standing = self._standing(merchant_id, position, found)
            outcome = self._decided(merchant, standing)
            if outcome in PASSED_OVER:
                return self._pass_over(merchant_id, day, outcome)
            if outcome is Settled.NOTHING or self._commit(merchant, day, standing):
                return self._noted_no_more(merchant_id, outcome, found)
        raise SettlingUnsettledError("the balance is moving; try again")

    def _read(self, merchant_id: MerchantId, day: str) -> Mapping[Key, Item]:
        available = chart.merchant_available(merchant_id).name
        debt = chart.merchant_debt(merchant_id).name
        return self.settlements.table.get_many(
            [
                keys.merchant(merchant_id),
                keys.payout(rules.payout_id(merchant_id, day)),
                keys.balance(available, CNY),
                keys.balance(debt, CNY),
                drawn_key(available, CNY),
                drawn_key(debt, CNY),
                self._note(merchant_id).key,
            ]
        )

    def _standing(
        self, merchant_id: MerchantId, position: int, found: Mapping[Key, Item]
    ) -> Standing:
        """Read the counters: up to the day's close, not up to now."""
        available = chart.merchant_available(merchant_id).name
        debt = chart.merchant_debt(merchant_id).name
        now = found.get(keys.balance(available, CNY), {})
        grown = whole(now.get("credits", 0))
        if whole(now.get("through", 0)) > position:
            grown = self.balances.at(available, CNY, position).credits
        return Standing(
            grown=grown,
            drawn=drawn_in(found.get(drawn_key(available, CNY))),
            owed=whole(found.get(keys.balance(debt, CNY), {}).get("debits", 0)),
            netted=drawn_in(found.get(drawn_key(debt, CNY))),
        )

    def _decided(self, merchant: Merchant, standing: Standing) -> Settled:
        if not standing.amount.amount:
            return Settled.NOTHING
        allowed = self.may(merchant, Capability.PAYOUT)
        hindered = rules.obstacle(merchant, payee=self.payee_of(merchant), allowed=allowed)
        if hindered is not None:
            return hindered
        net = standing.amount - standing.debt
        if not net.amount:
            return Settled.NETTED
        return Settled.PAYOUT if net.amount >= self.minimum_fen else Settled.TOO_LITTLE

    def _commit(self, merchant: Merchant, day: str, standing: Standing) -> bool:
        """Post and pay out in one commit; False when something moved meanwhile."""
        net = standing.amount - standing.debt
        movement = postings.settled(merchant.id, day, amount=standing.amount, debt=standing.debt)
        payout_id = rules.payout_id(merchant.id, day)
        grown = {
            chart.merchant_available(merchant.id).name: standing.grown,
            chart.merchant_debt(merchant.id).name: standing.owed,
        }
        try:
            with self.commits() as work:
                for guard in movement.guards:
                    self.guards.cover_from(work, guard, grown=grown[guard.account])
                self.journal.post(
                    work,
                    movement,
                    event=CREATED if net.amount else "merchant.settled",
                    about=payout_id if net.amount else merchant.id,
                    beside=merchant.id,
                    facts={"merchant_id": merchant.id, "day": day},
                    guarded=movement.guards,
                )
                if net.amount:
                    payout = Payout(
                        id=payout_id,
                        merchant_id=merchant.id,
                        amount=net,
                        state=PayoutState.CREATED,
                        business_date=day,
                        created_at=work.at,
                        payee=self.payee_of(merchant),
                    )
                    self.settlements.created(work, payout)
        except CommitRefusedError:
            return False
        return True

    def _pass_over(self, merchant_id: MerchantId, day: str, why: Settled) -> Settled:
        """Leave the money where it is, and note the merchant for the next settlement."""
        try:
            with self.commits() as work:
                self.settlements.skipped(work, rules.settlement_id(day), merchant_id, why)
                self.unsettled.put(work, merchant_id, ALWAYS)
                facts = {"merchant_id": merchant_id, "day": day, "reason": why}
                work.emit("settlement.skipped", merchant_id, facts=facts)
        except CommitRefusedError:
            pass  # it was passed over just so today
        return why

    def _note(self, merchant_id: MerchantId) -> Note:
        return self.unsettled.note(merchant_id, ALWAYS)

    def _noted_no_more(
        self, merchant_id: MerchantId, outcome: Settled, found: Mapping[Key, Item]
    ) -> Settled:
        """Drop the note of a merchant that was passed over before, when nothing is left."""
        available = chart.merchant_available(merchant_id).name
        grown = whole(found.get(keys.balance(available, CNY), {}).get("credits", 0))
        left = grown > drawn_in(found.get(drawn_key(available, CNY)))
        note = self._note(merchant_id)
        if note.key in found and not (left and outcome is Settled.NOTHING):
            with self.commits() as work:
                self.unsettled.drop(work, note)
        return outcome


@dataclass(frozen=True, slots=True)
class Advance:
    """Books what the platform paid for a merchant out of its own pocket (垫付)."""

    settlements: SettlementStore
    journal: Journal
    commits: Commits

    def advance(self, merchant_id: MerchantId, amount: Money, *, caller: str, key: str) -> None:
        """Let a merchant owe so much; the same caller and key book it once.

        What it owes is netted from its next payouts. Raises `MerchantNotFoundError` or
        `IdempotencyKeyReusedError`.
        """
        assert amount > fen(0), "nothing is owed"
        movement = postings.advanced(merchant_id, fingerprint(caller, key), amount=amount)
        try:
            with self.commits() as work:
                self.settlements.registered(work, merchant_id)
                self.journal.post(
                    work,
                    movement,
                    event="merchant.advanced",
                    about=merchant_id,
                    facts={"merchant_id": merchant_id},
                )
        except CommitRefusedError as refused:
            if JOURNAL not in refused.refusals:
                raise MerchantNotFoundError("there is no such merchant") from None
            old = refused.refusals[JOURNAL]
            assert old is not None
            if read_entry(old).total() != amount:
                raise IdempotencyKeyReusedError("this key advanced another amount") from None
