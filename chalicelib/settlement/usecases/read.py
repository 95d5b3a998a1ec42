"""Reading settlements and payouts."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.kernel.ids import MerchantId, PayoutId, SettlementId
from chalicelib.settlement.model import (
    Payout,
    PayoutNotFoundError,
    Settlement,
    SettlementNotFoundError,
)
from chalicelib.settlement.store import SettlementStore

Payouts = tuple[Sequence[Payout], str | None]
"""A page of payouts, and where it ended."""


@dataclass(frozen=True, slots=True)
class ReadSettlements:
    """Shows how settlements and payouts stand."""

    settlements: SettlementStore

    def settlement(self, settlement_id: SettlementId) -> Settlement:
        """Return a settlement, or raise `SettlementNotFoundError`."""
        settlement = self.settlements.find(settlement_id)
        if settlement is None:
            raise SettlementNotFoundError("there is no such settlement")
        return settlement

    def payout(self, payout_id: PayoutId, only: MerchantId | None) -> Payout:
        """Return a payout to its merchant, or with None to anybody, or raise.

        Raises `PayoutNotFoundError`.
        """
        payout = self.settlements.find_payout(payout_id)
        if payout is None or only not in {None, payout.merchant_id}:
            raise PayoutNotFoundError("there is no such payout")
        return payout

    def payouts_of(self, scope: str, *, after: str | None, limit: int) -> Payouts:
        """Return a page of the payouts of a merchant or a business day; two round trips."""
        payout_ids, ended = self.settlements.listed(scope, after=after, limit=limit)
        return self.settlements.payouts(payout_ids), ended
