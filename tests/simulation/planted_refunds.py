"""Planted bugs of refunds."""

import itertools
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Any

from chalicelib.kernel.money import Money, fen
from chalicelib.orders.model import Order
from chalicelib.orders.rules import Taken
from chalicelib.providers.funds import FrozenPayment, Unfreeze
from chalicelib.providers.refunds import RefundStatus
from chalicelib.refunds import rules
from chalicelib.refunds.model import Refund, RefundTooLargeError, RefundVerb
from chalicelib.refunds.usecases import advance
from chalicelib.settlement.model import Payout
from chalicelib.settlement.rules import unfreeze_number
from chalicelib.settlement.usecases import UnfreezeOrder, unfreeze
from tests.simulation.roots import Bug, patch


def _over_the_remainder(roots: ExitStack) -> None:
    """Compare a refund with the order's total, and not with what is left of it."""

    def refuse(order: Order, payment: Any, amount: Money, **now: Any) -> None:
        with suppress(RefundTooLargeError):
            right(order, payment, amount, **now)
        if amount > order.total:
            raise RefundTooLargeError("less can be refunded")

    right = patch(roots, rules, "refuse", refuse)


def _under_a_new_number(roots: ExitStack) -> None:
    """Send every try under a number of its own, so that a lost answer pays twice."""
    tries = itertools.count(2)

    def number(refund: Refund) -> str:
        return f"{refund.id}_{next(tries)}"

    patch(roots, rules, "number_at_provider", number)


def _fee_kept(roots: ExitStack) -> None:
    """Refund released money, and keep the platform's fee: the merchant pays it."""

    def given_back(order: Order, returned: Money) -> Taken:
        _, shares = right(order, returned)
        return fen(0), shares

    right = patch(roots, rules, "given_back", given_back)


def _stock_with_every_part(roots: ExitStack) -> None:
    patch(roots, rules, "returns_stock", lambda _order, _held: True)


def _accepted_taken_for_paid(roots: ExitStack) -> None:
    verbs = {**advance._VERBS, RefundStatus.PROCESSING: RefundVerb.PAY}
    patch(roots, advance, "_VERBS", verbs)


def _unfrozen_before_it_is_refunded(roots: ExitStack) -> None:
    """Neither wait for a refund, nor look how much is frozen."""

    def first(_refunds: Sequence[Refund]) -> bool:
        return False

    def blindly(
        self: UnfreezeOrder, payout: Payout, frozen: FrozenPayment, *, borne: tuple[Money, Money]
    ) -> None:
        del borne
        number = unfreeze_number(payout.id)
        if self.provider.frozen(frozen).amount:
            self.provider.unfreeze(Unfreeze(number=number, payment=frozen, description="解冻"))
        self._paid(payout, fee=fen(0))

    patch(roots, unfreeze, "goes_first", first)
    patch(roots, UnfreezeOrder, "_unfreeze", blindly)


REFUND_BUGS = [
    Bug("refund over the remainder", _over_the_remainder),
    Bug("refund twice", _under_a_new_number),
    Bug("fee not reversed", _fee_kept),
    Bug("stock returned with every part", _stock_with_every_part),
    Bug("accepted taken for paid", _accepted_taken_for_paid),
    Bug("unfrozen before it is refunded", _unfrozen_before_it_is_refunded),
]
