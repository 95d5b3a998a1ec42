"""Every movement of money, one function an economic event. There is no other page.

Each returns a balanced movement and the guards its debits need: what must be conditioned in the
same commit, so that no debit of a guarded account can be forgotten.
"""

from chalicelib.kernel.ids import MerchantId, OrderId, PaymentId
from chalicelib.kernel.money import Money, fen
from chalicelib.kernel.record import Record
from chalicelib.ledger import chart
from chalicelib.ledger.chart import Account, Kept, Side


class Posting(Record):
    """One line of an entry: an amount on one side of an account."""

    account: str
    side: Side
    amount: Money


class Guard(Record):
    """A debit that the commit must cover with a condition on a stored remainder."""

    account: str
    amount: Money


class Movement(Record):
    """What a journal entry will say. `reference` is the provider's number of the same money."""

    kind: str
    key: str  # the business key: posting it twice is impossible
    reference: str
    order_id: OrderId | None
    postings: tuple[Posting, ...]
    guards: tuple[Guard, ...]


def captured(
    payment_id: PaymentId,
    *,
    order_id: OrderId,
    merchant_id: MerchantId,
    provider: str,
    amount: Money,
    reference: str,
) -> Movement:
    """Hold a shopper's payment for the merchant (收款入担保)."""
    return _movement(
        "payment_captured",
        captured_key(payment_id),
        _transfer(amount, chart.provider_clearing(provider), chart.merchant_held(merchant_id)),
        order_id=order_id,
        reference=reference,
    )


def captured_late(
    payment_id: PaymentId, *, order_id: OrderId, provider: str, amount: Money, reference: str
) -> Movement:
    """Set aside a payment whose order was closed or paid already; its refund is due (迟到款).

    The key is the payment's own: a payment is captured once, in time or late.
    """
    return _movement(
        "payment_captured_late",
        captured_key(payment_id),
        _transfer(amount, chart.provider_clearing(provider), chart.PLATFORM_SUSPENSE),
        order_id=order_id,
        reference=reference,
    )


def parked(key: str, *, provider: str, amount: Money, reference: str) -> Movement:
    """Set aside money that contradicts our books or that nobody here asked for (挂账)."""
    return _movement(
        "payment_parked",
        f"parked/{key}",
        _transfer(amount, chart.provider_clearing(provider), chart.PLATFORM_SUSPENSE),
        order_id=None,
        reference=reference,
    )


def released(
    order_id: OrderId, number: int, *, merchant_id: MerchantId, amount: Money, fee: Money
) -> Movement:
    """Release held money to the merchant, less the platform's fee (确认收货放款).

    `number` counts an order's releases from 1. What the order holds is the guard.
    """
    assert fen(0) <= fee <= amount, "a fee is a part of what is released"
    debit, net = chart.merchant_held(merchant_id), chart.merchant_available(merchant_id)
    lines = [_line(debit, Side.DEBIT, amount)]
    if fee < amount:
        lines.append(_line(net, Side.CREDIT, amount - fee))
    if fee.amount:
        lines.append(_line(chart.PLATFORM_FEES, Side.CREDIT, fee))
    movement = _movement(
        "order_released",
        released_key(order_id, number),
        tuple(lines),
        order_id=order_id,
        reference="",
    )
    hold = Guard(account=chart.escrow(order_id).name, amount=amount)
    return movement.evolve(guards=(*movement.guards, hold))


def released_key(order_id: OrderId, number: int) -> str:
    """Return the business key of one of an order's releases."""
    return f"released/{order_id}/{number}"


def captured_key(payment_id: PaymentId) -> str:
    """Return the business key of a payment's capture."""
    return f"captured/{payment_id}"


def _transfer(
    amount: Money, debit: Account, credit: Account
) -> tuple[tuple[Account, Posting], ...]:
    return _line(debit, Side.DEBIT, amount), _line(credit, Side.CREDIT, amount)


def _line(account: Account, side: Side, amount: Money) -> tuple[Account, Posting]:
    assert amount.amount > 0, "nothing moves"
    return account, Posting(account=account.name, side=side, amount=amount)


def _movement(
    kind: str,
    key: str,
    lines: tuple[tuple[Account, Posting], ...],
    *,
    order_id: OrderId | None,
    reference: str,
) -> Movement:
    postings = tuple(posting for _, posting in lines)
    assert_balanced(postings)
    guards = tuple(
        Guard(account=posting.account, amount=posting.amount)
        for account, posting in lines
        if account.kept in {Kept.GUARDED, Kept.COUNTED} and posting.side is not account.normal
    )
    return Movement(
        kind=kind,
        key=key,
        reference=reference,
        order_id=order_id,
        postings=postings,
        guards=guards,
    )


def assert_balanced(postings: tuple[Posting, ...]) -> None:
    """Assert that debits equal credits in every currency."""
    sums: dict[str, int] = {}
    for posting in postings:
        signed = posting.amount.amount if posting.side is Side.DEBIT else -posting.amount.amount
        sums[posting.amount.currency] = sums.get(posting.amount.currency, 0) + signed
    assert not any(sums.values()), "an entry sums to zero"
