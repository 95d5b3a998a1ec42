"""What we ask of a provider about money that it keeps for us: sharing, unfreezing, paying out.

Every call has the three fates of `port.py`, and its own number of ours: asked again under the same
number, it is the same call.
"""

from enum import StrEnum
from typing import Protocol

from chalicelib.kernel.ids import PayoutId
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record


class ReceiverKind(StrEnum):
    """Who takes a share of a payment."""

    MERCHANT = "merchant"  # `account` is a merchant number (商户号)
    PERSON = "person"  # `account` is an openid under our app


class Receiver(Record):
    """One receiver's share of a payment."""

    kind: ReceiverKind
    account: str
    amount: Money
    description: str  # what the payer of the share reads, at most 80 characters


class FrozenPayment(Record):
    """A payment whose money lies frozen at the provider, under the seller."""

    transaction_id: str  # the provider's number of the payment
    seller: str  # the seller's merchant number at the provider (二级商户号)


class ShareOrder(Record):
    """An order to share a frozen payment (分账单)."""

    number: str  # ours, 1–64 of letters, digits, `_`, `-`; never used for anything else
    payment: FrozenPayment
    receivers: tuple[Receiver, ...]


class Unfreeze(Record):
    """An order to give what is left frozen to the seller (解冻); then nothing can be shared."""

    number: str  # a fresh one: under a used number the provider says yes and does nothing
    payment: FrozenPayment
    description: str


class ShareResult(StrEnum):
    """What became of one receiver's share."""

    PENDING = "pending"
    SUCCESS = "success"
    CLOSED = "closed"  # failed; its money is frozen again


class ReceiverOutcome(Record):
    """A receiver's share, and what became of it; `reason` says why it failed."""

    kind: ReceiverKind
    account: str
    amount: Money
    result: ShareResult
    reason: str = ""


class Shared(Record):
    """How far a share order or an unfreezing has come.

    `finished` says only that nothing is under way any more: each receiver's result says the rest.
    An unfreezing's receiver is the seller, with what it was given.
    """

    number: str
    finished: bool
    receivers: tuple[ReceiverOutcome, ...]


class ShareReturn(Record):
    """An order to take a share back (分账回退), from a merchant only."""

    number: str
    share_number: str
    payment: FrozenPayment
    account: str
    amount: Money
    description: str


class ReturnResult(StrEnum):
    """What became of a share that was to come back."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILED = "failed"


class ShareReturned(Record):
    """How far a return has come."""

    number: str
    result: ReturnResult
    reason: str = ""


class FundsHolder(Protocol):
    """A provider that keeps payments frozen under their sellers until we share and unfreeze."""

    def share(self, order: ShareOrder) -> Shared:
        """Share a frozen payment; the answer is mostly *not finished*, ask again by `shared`."""

    def shared(self, number: str, payment: FrozenPayment) -> Shared | None:
        """Ask how far a share order or an unfreezing has come; None if there is none."""

    def unfreeze(self, order: Unfreeze) -> Shared:
        """Give all that is left frozen to the seller."""

    def frozen(self, payment: FrozenPayment) -> Money:
        """Return what of a payment is still frozen."""

    def take_back(self, order: ShareReturn) -> ShareReturned:
        """Take a share back into the seller's balance."""

    def taken_back(
        self, number: str, share_number: str, payment: FrozenPayment
    ) -> ShareReturned | None:
        """Ask how far a return has come; None if there is none."""


class TransferState(StrEnum):
    """Where a transfer stands at the provider."""

    WAITING = "waiting"  # accepted, under way, or waiting for the receiver's confirmation
    PAID = "paid"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Transfer(Record):
    """Money from our balance to a person (商家转账); the receiver confirms it."""

    payout_id: PayoutId
    openid: str
    amount: Money
    remark: str  # what the receiver reads, at most 32 characters


class Transferred(Record):
    """The provider says, verifiably, how far a transfer has come.

    `confirmation` is what the mini-program hands to `wx.requestMerchantTransfer`, while it waits.
    """

    payout_id: PayoutId
    state: TransferState
    amount: Money
    reason: str = ""  # why it failed, in the provider's word
    confirmation: str = ""


class Transfers(Protocol):
    """A provider that pays people out of our balance."""

    def transfer(self, order: Transfer) -> Transferred:
        """Ask for a transfer; the same number and content are the same transfer."""

    def transferred(self, payout_id: PayoutId) -> Transferred | None:
        """Ask how far a transfer has come; None if there is none."""

    def cancel_transfer(self, payout_id: PayoutId) -> None:
        """Ask for a transfer that waits to be cancelled; what became of it is asked for later."""
