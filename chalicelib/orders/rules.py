"""What an order is made of. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from chalicelib.catalog.model import Product, Take
from chalicelib.catalog.rules import first_shard
from chalicelib.kernel.ids import MerchantId, OrderId, PartnerId, ProductId
from chalicelib.kernel.money import Money, fen
from chalicelib.ledger.numbered import NumberedRow
from chalicelib.orders.model import (
    TOTAL_FEN_MAX,
    Order,
    OrderLine,
    OrderShare,
    OrderState,
    OrderTotalTooLargeError,
    ProductsNotFoundError,
    Wanted,
)
from chalicelib.people.model import SHARES_BASIS_POINTS_MAX, RateTable, Terms
from chalicelib.people.rules import rate_of

_SUBJECT_CHARACTERS_MAX = 40

Taken = tuple[Money, tuple[tuple[PartnerId, Money], ...]]
"""What the platform takes, and what each partner does."""

CLOSE_GRACE = timedelta(seconds=60)
"""How long after its expiry an order is left alone, so that no payment begun in time is cut off.

A payment is started only before the expiry, and its commit and prepay take seconds."""


LOOK_AGAIN = timedelta(minutes=10)
"""How long after its closing was asked for an order is looked at again."""


def assert_sold(
    wanted: Sequence[Wanted], products: Mapping[ProductId, Product], merchant_id: MerchantId
) -> None:
    """Raise `ProductsNotFoundError` unless this merchant sells every product asked for."""
    strange = [
        line.product_id
        for line in wanted
        if line.product_id not in products or products[line.product_id].merchant_id != merchant_id
    ]
    if strange:
        raise ProductsNotFoundError("this merchant does not sell these", products=strange)


def price(lines: Sequence[OrderLine]) -> Money:
    """Sum the lines, or raise `OrderTotalTooLargeError`."""
    total = sum((line.total() for line in lines), start=fen(0))
    if total.amount > TOTAL_FEN_MAX:
        raise OrderTotalTooLargeError(
            "the total is over what one order may cost", total=total.amount, most=TOTAL_FEN_MAX
        )
    return total


def line_of(product: Product, quantity: int, takes: Sequence[Take]) -> OrderLine:
    """Fix a line at the catalogue's title and price of this moment."""
    return OrderLine(
        product_id=product.id,
        title=product.title,
        quantity=quantity,
        price=product.price,
        takes=tuple(takes),
        category=product.category,
    )


def agreed_shares(
    total: Money, lines: Sequence[OrderLine], *, terms: Terms, rates: RateTable
) -> tuple[Money, tuple[OrderShare, ...]]:
    """Return the platform's fee and the partners' shares of an order.

    Each line's fee is rounded half up to the fen, each share down; where roundings would take more
    than may leave the seller, the fee gives way.
    """
    shares = tuple(
        OrderShare(
            partner_id=partner.partner_id,
            amount=fen(total.amount * partner.basis_points // 10_000),
            kind=partner.kind,
            account=partner.account,
        )
        for partner in terms.partners
    )
    fee = sum(
        (
            line.total().share(
                basis_points=rate_of(rates, level=terms.level, category=line.category)
            )
            for line in lines
        ),
        start=fen(0),
    )
    cap = fen(total.amount * SHARES_BASIS_POINTS_MAX // 10_000)
    shared = sum((share.amount for share in shares), start=fen(0))
    return max(min(fee, cap - shared), fen(0)), shares


def one_take(product: Product, quantity: int, order_id: OrderId) -> list[Take]:
    """Plan to take all from the shard that this order is led to."""
    shard = first_shard(product.id, seed=order_id, shards=product.stock_shards)
    return [Take(product_id=product.id, shard=shard, quantity=quantity)]


def subject(lines: Sequence[OrderLine]) -> str:
    """Say in one short line what is bought: `乌龙茶 等3种`."""
    first = lines[0].title[:_SUBJECT_CHARACTERS_MAX]
    return first if len(lines) == 1 else f"{first} 等{len(lines)}种"


def agreed_of(order: Order, released: Money) -> Taken:
    """Return the platform's fee and the partners' shares in so much of an order.

    All together are in proportion to what was agreed for the whole, half up; each share down, and
    the fee is the rest. So what is the seller's and each share never shrink while more is released,
    the parts of many releases sum to the agreed whole, and refunds take the same way back.
    """
    agreed = sum((share.amount for share in order.shares), start=order.fee)
    taken = fen(
        (2 * agreed.amount * released.amount + order.total.amount) // (2 * order.total.amount)
    )
    shares = tuple(
        (share.partner_id, fen(share.amount.amount * released.amount // order.total.amount))
        for share in order.shares
    )
    return taken - sum((part for _, part in shares), start=fen(0)), shares


def agreed_between(order: Order, before: Money, after: Money) -> Taken:
    """Return what fee and shares grow by while what is released of an order does."""
    (fee, shares), (fee_before, shares_before) = agreed_of(order, after), agreed_of(order, before)
    grown = tuple(
        (who, part - earlier)
        for (who, part), (_, earlier) in zip(shares, shares_before, strict=True)
    )
    return fee - fee_before, grown


def is_payable(order: Order, *, now: datetime) -> bool:
    """Tell whether a payment may still be started."""
    return order.state is OrderState.UNPAID and now < order.expires_at


def is_overdue(order: Order, *, now: datetime) -> bool:
    """Tell whether an unpaid order is to be closed."""
    return order.state is OrderState.UNPAID and now >= order.expires_at + CLOSE_GRACE


def look_again_at(order: Order, *, now: datetime) -> datetime:
    """Return when an unpaid order is to be looked at next."""
    return max(order.expires_at + CLOSE_GRACE, now + LOOK_AGAIN)


def ship_by(order: Order, *, ship_days: int) -> datetime:
    """Return until when an order that was paid is to be shipped."""
    return order.created_at + timedelta(days=ship_days)


def is_behind(listed: str | None, state: OrderState) -> bool:
    """Tell whether an order is listed in a state that it has left; no order ever moves back."""
    order = list(OrderState)
    return listed is None or order.index(OrderState(listed)) < order.index(state)


def state_before(state: OrderState) -> OrderState | None:
    """Guess where an order came from, None for a new one: the likeliest way, not the only one."""
    return {
        OrderState.PAID: OrderState.UNPAID,
        OrderState.CLOSED: OrderState.UNPAID,
        OrderState.SHIPPED: OrderState.PAID,
        OrderState.RELEASED: OrderState.SHIPPED,
        OrderState.REFUNDED: OrderState.RELEASED,
    }.get(state)


def order_moved_by(numbered: NumberedRow) -> OrderId | None:
    """Return the order that a row of the numbered list may have moved."""
    if numbered.row.kind.startswith("order."):
        return OrderId(numbered.row.about)
    if numbered.row.kind.startswith("refund."):
        return OrderId(numbered.row.facts["order_id"])
    return numbered.entry.order_id if numbered.entry else None
