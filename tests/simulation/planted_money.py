"""Planted bugs of fees, shares, settlements and payouts."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from chalicelib.escrow import rules as escrow_rules
from chalicelib.kernel.ids import MerchantId
from chalicelib.kernel.money import CNY, Money
from chalicelib.ledger import chart
from chalicelib.ledger.balances import drawn_key
from chalicelib.ledger.movement import Shares
from chalicelib.orders import rules as orders_rules
from chalicelib.orders.model import Order
from chalicelib.providers.funds import Transferred, TransferState
from chalicelib.providers.port import ProviderOutcomeUnknownError
from chalicelib.reconciliation.model import DiscrepancyState
from chalicelib.reconciliation.usecases import AskProvider
from chalicelib.reconciliation.usecases.ask import Booked
from chalicelib.settlement import rules
from chalicelib.settlement.model import Payout
from chalicelib.settlement.store import SettlementStore
from chalicelib.settlement.usecases import PayOut, SettleMerchant, SweepPayouts, UnfreezeOrder
from chalicelib.settlement.usecases.settle import Standing
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import ITEM_PRESENT, Add
from chalicelib.storage.values import Item, Key, whole
from tests.simulation.roots import Bug, patch


def _fee_twice(roots: ExitStack) -> None:
    """Take the fee of the fee's base once more, as two places that both subtract it do."""

    def parts_of(order: Order, amount: Money) -> tuple[Money, Shares]:
        fee, shares = right(order, amount)
        return fee + fee, shares

    right = patch(roots, escrow_rules, "parts_of", parts_of)


def _fee_of_the_whole_in_every_part(roots: ExitStack) -> None:
    def parts_of(order: Order, amount: Money) -> tuple[Money, Shares]:
        _, shares = right(order, amount)
        return min(order.fee, amount), shares

    right = patch(roots, escrow_rules, "parts_of", parts_of)


def _settled_by_time(roots: ExitStack) -> None:
    """Settle what is available now, not what was at the position where the day closed."""

    def standing(
        self: SettleMerchant, merchant_id: MerchantId, position: int, found: Mapping[Key, Item]
    ) -> Standing:
        available = chart.merchant_available(merchant_id).name
        now = found.get(keys.balance(available, CNY), {})
        stands: Standing = right(self, merchant_id, position, found)
        return replace(stands, grown=whole(now.get("credits", 0)))

    right = patch(roots, SettleMerchant, "_standing", standing)


def _failure_lowers_the_debit(roots: ExitStack) -> None:
    """Let a payout that failed take back its debit, instead of being a new credit."""

    def failed(self: SettlementStore, work: Work, payout: Payout, *, reason: str) -> None:
        right(self, work, payout, reason=reason)
        account = chart.merchant_available(payout.merchant_id).name
        lower = Add("debits", -payout.amount.amount)
        work.update(drawn_key(account, CNY), lower, when=ITEM_PRESENT, refusal="lowered")

    right = patch(roots, SettlementStore, "failed", failed)


def _unfrozen_under_a_used_number(roots: ExitStack) -> None:
    patch(roots, rules, "unfreeze_number", rules.share_number)


def _shares_over_the_cap(roots: ExitStack) -> None:
    """Agree on more than may leave the seller: half of an order goes to the platform."""

    def agreed(total: Money, lines: Any, **terms: Any) -> Any:
        _, shares = right(total, lines, **terms)
        return total.share(basis_points=5000), shares

    right = patch(roots, orders_rules, "agreed_shares", agreed)


def _finished_taken_for_success(roots: ExitStack) -> None:
    """Read a share order's state, and not what became of each receiver."""

    def book(self: Any, payout: Payout, order: Order, _took: set[str]) -> Payout:
        everybody = {"platform", *(share.partner_id for share in order.shares)}
        booked: Payout = right(self, payout, order, everybody)
        return booked

    right = patch(roots, UnfreezeOrder, "_book", book)


def _paid_again_under_a_new_number(roots: ExitStack) -> None:
    """Take silence for refusal: the money is the merchant's again, and is paid out again."""

    def asked(self: PayOut, payout: Payout) -> Any:
        try:
            return right(self, payout)
        except ProviderOutcomeUnknownError:
            return Transferred(
                payout_id=payout.id, state=TransferState.FAILED, amount=payout.amount
            )

    right = patch(roots, PayOut, "_asked", asked)


def _payout_forgotten(roots: ExitStack) -> None:
    """Send the command, note nowhere that the payout is under way, and ask nobody about it."""

    def remember(self: SweepPayouts, payout_id: Any) -> None:
        self.send([{"command": "advance_payout", "payout_id": payout_id}])

    def unasked(_self: AskProvider, _found: Any, _prefix: str) -> Booked:
        return Booked(DiscrepancyState.OPEN)

    patch(roots, SweepPayouts, "remember", remember)
    patch(roots, AskProvider, "_payout", unasked)


MONEY_BUGS = [
    Bug("fee twice", _fee_twice),
    Bug("fee of the whole in every part", _fee_of_the_whole_in_every_part),
    Bug("settlement by time instead of position", _settled_by_time),
    Bug("payout failure that lowers the debit", _failure_lowers_the_debit),
    Bug("unfreeze with a used number", _unfrozen_under_a_used_number),
    Bug("share over 30 %", _shares_over_the_cap),
    Bug("finished taken for success", _finished_taken_for_success),
    Bug("silence taken for refusal", _paid_again_under_a_new_number, "send payout"),
    Bug("payout forgotten", _payout_forgotten),
]
