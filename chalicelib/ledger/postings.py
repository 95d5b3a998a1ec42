"""Every movement of money, one function an economic event. There is no other page.

Each returns a balanced movement and the guards its debits need: what must be conditioned in the
same commit, so that no debit of a guarded account can be forgotten.
"""

from chalicelib.kernel.ids import (
    DiscrepancyId,
    MerchantId,
    OrderId,
    PaymentId,
    PayoutId,
    RefundId,
)
from chalicelib.kernel.money import Money, fen
from chalicelib.ledger import chart
from chalicelib.ledger.chart import Account, Side
from chalicelib.ledger.movement import Guard, Movement, Posting, Shares, movement

NOTHING = fen(0)


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
    return movement(
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
    return movement(
        "payment_captured_late",
        captured_key(payment_id),
        _transfer(amount, chart.provider_clearing(provider), chart.PLATFORM_SUSPENSE),
        order_id=order_id,
        reference=reference,
    )


def parked(key: str, *, provider: str, amount: Money, reference: str) -> Movement:
    """Set aside money that contradicts our books or that nobody here asked for (挂账)."""
    return movement(
        "payment_parked",
        f"parked/{key}",
        _transfer(amount, chart.provider_clearing(provider), chart.PLATFORM_SUSPENSE),
        order_id=None,
        reference=reference,
    )


def released(
    order_id: OrderId,
    number: int,
    *,
    merchant_id: MerchantId,
    amount: Money,
    fee: Money,
    shares: Shares = (),
    unfreezes: bool = False,
) -> Movement:
    """Release held money to the merchant, less fee and partners' shares (确认收货放款).

    `number` counts an order's releases from 1. What the order holds is the guard. Where the seller
    is the payee the provider `unfreezes` the money to it, so it is on its way out at once. A small
    part's fee may be below zero by a fen: then roundings went to the partners before.
    """
    net = amount - sum((share for _, share in shares), start=fee)
    assert net >= fen(0), "fee and shares are parts of what is released"
    own = chart.merchant_payout if unfreezes else chart.merchant_available
    lines = [_line(chart.merchant_held(merchant_id), Side.DEBIT, amount)]
    if net.amount:
        lines.append(_line(own(merchant_id), Side.CREDIT, net))
    lines += _fee(Side.CREDIT, fee)
    for partner_id, share in shares:
        if share.amount:
            lines.append(_line(chart.partner_available(partner_id), Side.CREDIT, share))
    made = movement(
        "order_released",
        released_key(order_id, number),
        tuple(lines),
        order_id=order_id,
        reference="",
    )
    return _with_hold(made, order_id, amount)


def refunded(
    refund_id: RefundId, *, order_id: OrderId, merchant_id: MerchantId, amount: Money
) -> Movement:
    """Send held money on its way back to the shopper (放款前退款); the order's hold guards it."""
    made = movement(
        "order_refunded",
        f"refunded/{refund_id}",
        _transfer(amount, chart.merchant_held(merchant_id), chart.REFUNDS_IN_TRANSIT),
        order_id=order_id,
        reference=refund_id,
    )
    return _with_hold(made, order_id, amount)


def taken_back(
    refund_id: RefundId,
    *,
    order_id: OrderId,
    merchant_id: MerchantId,
    net: Money,
    fee: Money,
    shares: Shares,
    owed: Shares,
    funded: bool,
) -> Movement:
    """Send released money on its way back (放款后退款), each part from who had got it.

    The reverse of a release's credits. What a partner does not have any more it owes; where the
    platform has `funded` the merchant's part, the merchant owes that.
    """
    lines: list[tuple[Account, Posting]] = []
    if net.amount:
        own = chart.merchant_debt if funded else chart.merchant_available
        lines.append(_line(own(merchant_id), Side.DEBIT, net))
    lines += _fee(Side.DEBIT, fee)
    for account, parts in ((chart.partner_available, shares), (chart.partner_debt, owed)):
        lines += [_line(account(who), Side.DEBIT, part) for who, part in parts if part.amount]
    total = sum((part for _, part in (*shares, *owed)), start=net + fee)
    lines.append(_line(chart.REFUNDS_IN_TRANSIT, Side.CREDIT, total))
    return movement(
        "release_taken_back",
        f"taken_back/{refund_id}",
        tuple(lines),
        order_id=order_id,
        reference=refund_id,
    )


def shares_returned(
    refund_id: RefundId,
    *,
    order_id: OrderId,
    merchant_id: MerchantId,
    provider: str,
    fee: Money,
    owed: Shares,
) -> Movement:
    """Record that a seller got shares back before its own money is refunded (分账回退).

    Our fee has left the provider for the seller. What a partner could not give back the platform
    owes to the seller, and the partner owes to the platform.
    """
    lines: list[tuple[Account, Posting]] = []
    if fee.amount:
        lines += _transfer(fee, chart.PLATFORM_FEES, chart.provider_clearing(provider))
    for partner_id, share in owed:
        own = chart.merchant_available(merchant_id)
        lines += _transfer(share, chart.partner_debt(partner_id), own)
    return movement(
        "shares_returned",
        f"shares_returned/{refund_id}",
        tuple(lines),
        order_id=order_id,
        reference=refund_id,
    )


def refund_paid(
    refund_id: RefundId, *, order_id: OrderId, provider: str, amount: Money, late: bool
) -> Movement:
    """Record that a refund has reached the shopper (退款成功); of late money, from suspense."""
    return movement(
        "refund_paid",
        f"refund_paid/{refund_id}",
        _transfer(amount, _on_its_way_back(late=late), chart.provider_clearing(provider)),
        order_id=order_id,
        reference=refund_id,
    )


def refund_settled(
    refund_id: RefundId, *, order_id: OrderId, amount: Money, late: bool
) -> Movement:
    """Record that the platform paid a refund from its bank, since the provider can't (线下退款)."""
    return movement(
        "refund_settled",
        f"refund_settled/{refund_id}",
        _transfer(amount, _on_its_way_back(late=late), chart.BANK),
        order_id=order_id,
        reference=refund_id,
    )


def settled(merchant_id: MerchantId, day: str, *, amount: Money, debt: Money) -> Movement:
    """Send a merchant's available money on its way, less what it owes (结算).

    The day's key settles once, for ever. Both the debit of what is available and the netting of
    the debt are guarded: neither can be taken twice.
    """
    assert fen(0) <= debt <= amount, "a debt is netted from what is there"
    lines = [_line(chart.merchant_available(merchant_id), Side.DEBIT, amount)]
    if debt.amount:
        lines.append(_line(chart.merchant_debt(merchant_id), Side.CREDIT, debt))
    if debt < amount:
        lines.append(_line(chart.merchant_payout(merchant_id), Side.CREDIT, amount - debt))
    return movement(
        "merchant_settled",
        f"settled/{merchant_id}/{day}",
        tuple(lines),
        order_id=None,
        reference="",
    )


def paid_out(
    payout_id: PayoutId,
    *,
    merchant_id: MerchantId,
    provider: str,
    amount: Money,
    fee: Money = NOTHING,
    order_id: OrderId | None = None,
) -> Movement:
    """Record that a payout has reached its receiver (打款成功).

    Where a seller got its money less the provider's own `fee`, it bears that: the provider's bill
    books it as ours, and this takes it off again.
    """
    assert fen(0) <= fee <= amount, "a fee is a part of what is paid"
    lines = [_line(chart.merchant_payout(merchant_id), Side.DEBIT, amount)]
    if fee < amount:
        lines.append(_line(chart.provider_clearing(provider), Side.CREDIT, amount - fee))
    if fee.amount:
        lines.append(_line(chart.provider_fees(provider), Side.CREDIT, fee))
    return movement(
        "payout_paid",
        f"paid_out/{payout_id}",
        tuple(lines),
        order_id=order_id,
        reference=payout_id,
    )


def shared(
    payout_id: PayoutId,
    *,
    order_id: OrderId,
    merchant_id: MerchantId,
    provider: str,
    paid: Shares,
    missed: Shares,
    fee_missed: Money,
) -> Movement:
    """Record who took a part of a frozen payment, and who could not (分账结果).

    What a partner was `paid` has left the provider. What was `missed` stays with the seller: the
    reverse of its credit. The platform's own part stays with the provider, in our name.
    """
    lines = [
        _line(chart.partner_available(partner_id), Side.DEBIT, share)
        for partner_id, share in (*paid, *missed)
    ]
    if fee_missed.amount:
        lines.append(_line(chart.PLATFORM_FEES, Side.DEBIT, fee_missed))
    gone = sum((share for _, share in paid), start=fen(0))
    if gone.amount:
        lines.append(_line(chart.provider_clearing(provider), Side.CREDIT, gone))
    stays = sum((share for _, share in missed), start=fee_missed)
    if stays.amount:
        lines.append(_line(chart.merchant_payout(merchant_id), Side.CREDIT, stays))
    return movement(
        "payment_shared", f"shared/{payout_id}", tuple(lines), order_id=order_id, reference=""
    )


def payout_failed(payout_id: PayoutId, *, merchant_id: MerchantId, amount: Money) -> Movement:
    """Give the money of a payout that failed for good back to the merchant (打款退回).

    It is a new credit; the debit that sent it on its way stays.
    """
    return movement(
        "payout_failed",
        f"payout_failed/{payout_id}",
        _transfer(
            amount, chart.merchant_payout(merchant_id), chart.merchant_available(merchant_id)
        ),
        order_id=None,
        reference=payout_id,
    )


def provider_fees(provider: str, day: str, number: int, *, amount: Money) -> Movement:
    """Record what the provider's bill says that it kept of a day, or gave back (手续费入账).

    `number` counts a day's entries from 1: a corrected bill books what it says more or less.
    """
    taken = amount.amount > 0
    fees, clearing = chart.provider_fees(provider), chart.provider_clearing(provider)
    return movement(
        "provider_fees",
        provider_fees_key(provider, day, number),
        _transfer(amount, fees, clearing) if taken else _transfer(-amount, clearing, fees),
        order_id=None,
        reference=day,
    )


def discrepancy_settled(
    discrepancy_id: DiscrepancyId, *, provider: str, against: Account, effect: Money
) -> Movement:
    """Bring our books to the provider's where nothing else can (差错调账).

    `effect` is what the clearing grows by; `against` says whose it is: the bank's for money that
    was drawn or paid in, the suspense's for money of which nobody knows yet.
    """
    grows = effect.amount > 0
    clearing = chart.provider_clearing(provider)
    return movement(
        "discrepancy_settled",
        f"discrepancy_settled/{discrepancy_id}",
        _transfer(effect, clearing, against) if grows else _transfer(-effect, against, clearing),
        order_id=None,
        reference=discrepancy_id,
    )


def provider_fees_key(provider: str, day: str, number: int) -> str:
    """Return the business key of one of a day's entries of fees."""
    return f"provider_fees/{provider}/{day}/{number}"


def advanced(merchant_id: MerchantId, key: str, *, amount: Money) -> Movement:
    """Record what the platform paid from its bank for a merchant, who owes it now (垫付)."""
    return movement(
        "merchant_advanced",
        f"advanced/{merchant_id}/{key}",
        _transfer(amount, chart.merchant_debt(merchant_id), chart.BANK),
        order_id=None,
        reference="",
    )


def released_key(order_id: OrderId, number: int) -> str:
    """Return the business key of one of an order's releases."""
    return f"released/{order_id}/{number}"


def captured_key(payment_id: PaymentId) -> str:
    """Return the business key of a payment's capture."""
    return f"captured/{payment_id}"


def _on_its_way_back(*, late: bool) -> Account:
    return chart.PLATFORM_SUSPENSE if late else chart.REFUNDS_IN_TRANSIT


def _fee(side: Side, fee: Money) -> list[tuple[Account, Posting]]:
    """Return the platform's line on this side, on the other for what is below zero, or none."""
    if not fee.amount:
        return []
    other = Side.DEBIT if side is Side.CREDIT else Side.CREDIT
    line = (side, fee) if fee.amount > 0 else (other, -fee)
    return [_line(chart.PLATFORM_FEES, *line)]


def _with_hold(made: Movement, order_id: OrderId, amount: Money) -> Movement:
    """Add what the order holds as a guard."""
    hold = Guard(account=chart.escrow(order_id).name, amount=amount)
    return made.evolve(guards=(*made.guards, hold))


def _transfer(
    amount: Money, debit: Account, credit: Account
) -> tuple[tuple[Account, Posting], ...]:
    return _line(debit, Side.DEBIT, amount), _line(credit, Side.CREDIT, amount)


def _line(account: Account, side: Side, amount: Money) -> tuple[Account, Posting]:
    assert amount.amount > 0, "nothing moves"
    return account, Posting(account=account.name, side=side, amount=amount)
