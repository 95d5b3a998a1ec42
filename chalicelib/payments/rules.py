"""What a refused capture was. Pure: one round trip classifies."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.kernel.ids import InvalidIdError, MerchantId, OrderId, PaymentId, PayoutId
from chalicelib.ledger.journal import JOURNAL, read_entry
from chalicelib.orders.model import OrderState
from chalicelib.orders.store import ORDER
from chalicelib.payments.model import Booking, Payment, PaymentState
from chalicelib.providers.complaints import Complained
from chalicelib.providers.port import Collected
from chalicelib.storage.values import Item

PAYMENT = "payment"
"""The refusal of a commit whose payment is not as it must be."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Whose money the provider's word is about, in our own ids."""

    payment_id: PaymentId
    order_id: OrderId
    merchant_id: MerchantId


def attach_text(order_id: OrderId, merchant_id: MerchantId) -> str:
    """Spell what travels with a payment, so that its notification needs no read."""
    return f"{order_id}/{merchant_id}"


def take_complaint_command(heard: Complained) -> dict[str, str]:
    """Spell the command to look a complaint up, at whichever door it was heard of."""
    return {"command": "take_complaint", "complaint_id": heard.complaint_id}


def holding(payments: Sequence[Payment]) -> Payment | None:
    """Return the payment by which an order's money came: there is one at most, others are late."""
    captured = [
        payment
        for payment in payments
        if payment.state is PaymentState.CAPTURED and not payment.late
    ]
    assert len(captured) <= 1, "an order is captured once"
    return captured[0] if captured else None


def unfreezing_id(order_id: OrderId) -> PayoutId:
    """Return the id of the payout by which the provider gives an order's money to its seller."""
    return PayoutId.derive("unfreeze", order_id)


def share_number(payout: PayoutId) -> str:
    """Return the number under which the provider shares before it unfreezes."""
    return f"share_{payout}"


def claim_of(collected: Collected) -> Claim | None:
    """Read our ids out of the provider's word, or None where they are not ours."""
    order_text, _, merchant_text = collected.attach.partition("/")
    try:
        return Claim(
            payment_id=PaymentId.parse(collected.number),
            order_id=OrderId.parse(order_text),
            merchant_id=MerchantId.parse(merchant_text),
        )
    except InvalidIdError:
        return None


def classify(refusals: Mapping[str, Item | None], collected: Collected) -> Booking:
    """Say what a refused capture was, in this order: journal, payment, order.

    A condition that did not fail says nothing; one that failed shows the item as it was.
    """
    if JOURNAL in refusals:
        return _against_journal(refusals[JOURNAL], collected)
    if PAYMENT in refusals:
        return _against_payment(refusals[PAYMENT])
    order = refusals[ORDER]
    if order is None or order["state"] == OrderState.UNPAID:
        # It fits its payment, but not what its order expects: our books contradict one another.
        return Booking.CONTRADICTORY
    return Booking.LATE


def _against_journal(item: Item | None, collected: Collected) -> Booking:
    assert item is not None, "an entry that exists was in the way"
    entry = read_entry(item)
    same = entry.reference == collected.transaction_id and entry.total() == collected.amount
    return Booking.REPEATED if same else Booking.CONTRADICTORY


def _against_payment(item: Item | None) -> Booking:
    # It refuses for its amount, currency or merchant. Captured without an entry can't be: both are
    # written in one commit, and the journal would have refused first.
    return Booking.UNKNOWN if item is None else Booking.CONTRADICTORY


def parking_key(collected: Collected) -> str:
    """Name the place of money that fits nowhere: by all that the provider said of it.

    The same word parks once; another word about the same number parks beside it.
    """
    said = "\x00".join(
        (
            collected.provider,
            collected.number,
            collected.transaction_id,
            collected.amount.currency,
            str(collected.amount.amount),
        )
    )
    digest = hashlib.sha256(said.encode()).hexdigest()[:24]
    return f"{collected.provider}/{digest}"
