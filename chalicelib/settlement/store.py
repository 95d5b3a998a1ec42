"""Settlements' and payouts' items."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.kernel.ids import MerchantId, OrderId, PayoutId, SettlementId
from chalicelib.kernel.money import Money
from chalicelib.settlement.model import (
    PAYOUT_LIFECYCLE,
    Payout,
    PayoutState,
    PayoutVerb,
    Settled,
    Settlement,
)
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import ITEM_PRESENT, Change, Equals, Missing, OneOf, Set, all_of
from chalicelib.storage.table import Put, Table
from chalicelib.storage.values import Item, Value, whole

PAYOUT = "payout"
SETTLEMENT = "settlement"
SKIPPED = "skipped"
MERCHANT = "merchant"


def read_payout(payout_id: PayoutId, item: Item) -> Payout:
    """Read a payout's item."""
    return Payout(
        id=payout_id,
        merchant_id=MerchantId(str(item["merchant"])),
        amount=Money(amount=whole(item["amount"]), currency=str(item["currency"])),
        state=PayoutState(str(item["state"])),
        business_date=str(item["day"]),
        created_at=instant_from(str(item["created_at"])),
        payee=str(item["payee"]) if "payee" in item else None,
        confirmation=str(item.get("confirmation", "")),
        failure=str(item.get("failure", "")),
        order_id=OrderId(str(item["order"])) if "order" in item else None,
        shared=bool(item.get("shared", False)),
    )


@dataclass(frozen=True, slots=True)
class SettlementStore:
    """Where settlements and payouts are kept."""

    table: Table

    def find(self, settlement_id: SettlementId) -> Settlement | None:
        """Return a settlement, if there is one."""
        item = self.table.get(keys.settlement(settlement_id))
        if item is None:
            return None
        return Settlement(
            id=settlement_id,
            business_date=str(item["day"]),
            position=whole(item["position"]),
            opened_at=instant_from(str(item["opened_at"])),
        )

    def opened(self, work: Work, settlement: Settlement) -> None:
        """Open a day's settlement; a day has one."""
        item: Item = {
            "day": settlement.business_date,
            "position": settlement.position,
            "opened_at": instant_text(settlement.opened_at),
        }
        work.put(keys.settlement(settlement.id), item, refusal=SETTLEMENT)

    def registered(self, work: Work, merchant_id: MerchantId) -> None:
        """Refuse the commit unless there is such a merchant."""
        work.check(keys.merchant(merchant_id), when=ITEM_PRESENT, refusal=MERCHANT)

    def skipped(
        self, work: Work, settlement_id: SettlementId, merchant_id: MerchantId, why: Settled
    ) -> None:
        """Remember that a merchant was passed over, and why, once a day and reason."""
        at = keys.skipped(settlement_id, f"{merchant_id}/{why}")
        work.put(at, {"reason": why}, refusal=SKIPPED)

    def passed_over(self, settlement_id: SettlementId) -> set[tuple[MerchantId, Settled]]:
        """Return the first hundred merchants that a settlement passed over, and why."""
        page = self.table.query(keys.MAIN, settlement_id, between=("skipped/", "skipped/~"))
        named = [key.sk.split("/") for key, _ in page.rows]
        return {(MerchantId(merchant), Settled(why)) for _, merchant, why in named}

    def find_payout(self, payout_id: PayoutId) -> Payout | None:
        """Return a payout, if there is one."""
        item = self.table.get(keys.payout(payout_id))
        return read_payout(payout_id, item) if item else None

    def payouts(self, payout_ids: Sequence[PayoutId]) -> Sequence[Payout]:
        """Return up to 100 payouts in this order, in one round trip."""
        found = self.table.get_many([keys.payout(payout_id) for payout_id in payout_ids])
        return [
            read_payout(payout_id, found[keys.payout(payout_id)])
            for payout_id in payout_ids
            if keys.payout(payout_id) in found
        ]

    def listed(
        self, scope: str, *, after: str | None, limit: int
    ) -> tuple[Sequence[PayoutId], str | None]:
        """Return a page of the payouts of a merchant or of a day, the newest days first."""
        page = self.table.query(
            keys.LOG, keys.payouts_of(scope), after=after, limit=limit, newest_first=True
        )
        return [PayoutId(key.sk.rpartition("/")[2]) for key, _ in page.rows], page.next_sk

    def created(self, work: Work, payout: Payout) -> None:
        """Add a new payout."""
        item: dict[str, Value] = {
            "merchant": payout.merchant_id,
            "amount": payout.amount.amount,
            "currency": payout.amount.currency,
            "state": payout.state,
            "day": payout.business_date,
            "created_at": instant_text(payout.created_at),
        }
        if payout.payee is not None:
            item["payee"] = payout.payee
        if payout.order_id is not None:
            item["order"] = payout.order_id
        work.put(keys.payout(payout.id), item, refusal=PAYOUT)

    def sent(self, work: Work, payout: Payout, *, confirmation: str) -> None:
        """Take a payout as the provider's: created → processing."""
        self._moved(work, payout, PayoutVerb.SEND, Set("confirmation", confirmation))

    def shared(self, work: Work, payout: Payout, amount: Money) -> None:
        """Note that fee and shares were taken, and what is left for the seller; once."""
        work.update(
            keys.payout(payout.id),
            Set("shared", value=True),
            Set("amount", amount.amount),
            when=all_of(
                OneOf("state", tuple(sorted(PAYOUT_LIFECYCLE.before(PayoutVerb.PAY)))),
                Equals("amount", payout.amount.amount),
                Missing("shared"),
            ),
            refusal=PAYOUT,
        )

    def paid(self, work: Work, payout: Payout) -> None:
        """Take a payout as arrived."""
        self._moved(work, payout, PayoutVerb.PAY, Set("paid_at", instant_text(work.at)))

    def failed(self, work: Work, payout: Payout, *, reason: str) -> None:
        """Give a payout up for good."""
        self._moved(work, payout, PayoutVerb.FAIL, Set("failure", reason[:64]))

    def _moved(self, work: Work, payout: Payout, verb: PayoutVerb, *changes: Change) -> None:
        work.update(
            keys.payout(payout.id),
            Set("state", PAYOUT_LIFECYCLE.after(payout.state, verb)),
            *changes,
            when=all_of(
                OneOf("state", tuple(sorted(PAYOUT_LIFECYCLE.before(verb)))),
                Equals("amount", payout.amount.amount),
            ),
            refusal=PAYOUT,
        )


def filed(payout_id: PayoutId, merchant_id: str, day: str) -> Sequence[Put]:
    """Return a payout's places in its merchant's list and in its day's."""
    return [
        Put(keys.payout_of(merchant_id, f"{day}/{payout_id}"), {}),
        Put(keys.payout_of(day, f"{merchant_id}/{payout_id}"), {}),
    ]
