"""How much is paid out, and in which name. Pure."""

from chalicelib.kernel.ids import MerchantId, PayoutId, SettlementId
from chalicelib.kernel.money import Money, fen
from chalicelib.orders.model import Order
from chalicelib.orders.rules import agreed_of
from chalicelib.payments.rules import share_number, unfreezing_id
from chalicelib.people.model import Merchant
from chalicelib.providers.funds import Receiver, ReceiverKind
from chalicelib.settlement.model import Settled

__all__ = ["share_number", "unfreezing_id"]

FEE_BASIS_POINTS_MAX = 100
_DESCRIPTION = "订单分账"


def settlement_id(day: str) -> SettlementId:
    """Return the id of a day's settlement; a day has one."""
    return SettlementId.derive("settlement", day)


def payout_id(merchant_id: MerchantId, day: str) -> PayoutId:
    """Return the id of a merchant's payout for a day; there is one at most."""
    return PayoutId.derive("settled", merchant_id, day)


def unfreeze_number(payout: PayoutId) -> str:
    """Return the number of the unfreezing: a fresh one, since a used one does nothing."""
    return f"unfreeze_{payout}"


def settleable(grown: int, drawn: int) -> Money:
    """Return what was available at a day's close and has not been drawn since."""
    return fen(max(grown - drawn, 0))


def obstacle(merchant: Merchant, *, payee: str | None, allowed: bool) -> Settled | None:
    """Return what stands in the way of paying a merchant out, if anything does."""
    if merchant.terms.payouts_held:
        return Settled.HELD
    if not allowed:
        return Settled.NOT_ALLOWED
    return Settled.NO_PAYEE if payee is None else None


def borne_fee(total: Money, refunded: Money, *, basis_points: int | None) -> tuple[Money, Money]:
    """Return between what the provider's fee of a payment must lie, which its seller bears.

    Where the agreed rate is known it is that, half up to the fen, unless a refund gave some of it
    back: then it is that at most. Where it is not known it is at most a hundredth.
    """
    if basis_points is None:
        return fen(0), total.share(basis_points=FEE_BASIS_POINTS_MAX)
    fee = total.share(basis_points=basis_points)
    return fee if not refunded.amount else fen(0), fee


def sellers_part(order: Order) -> Money:
    """Return what of a released order is its seller's."""
    fee, shares = agreed_of(order, order.released)
    return order.released - sum((part for _, part in shares), start=fee)


def receivers(order: Order, *, platform: str) -> tuple[tuple[str, Receiver], ...]:
    """Return who shares in an order: the platform's own number first, then the partners.

    Each is named by the account that it was credited under: `platform` or the partner's id.
    """
    found: list[tuple[str, Receiver]] = []
    fee, parts = agreed_of(order, order.released)
    if fee.amount:
        found.append(("platform", _receiver(ReceiverKind.MERCHANT, platform, fee)))
    found += [
        (share.partner_id, _receiver(share.kind, share.account, part))
        for share, (_, part) in zip(order.shares, parts, strict=True)
        if part.amount
    ]
    return tuple(found)


def _receiver(kind: ReceiverKind, account: str, amount: Money) -> Receiver:
    return Receiver(kind=kind, account=account, amount=amount, description=_DESCRIPTION)
