"""What it costs to settle, to pay out and to unfreeze; counted at the client."""

import os
from collections.abc import Callable, Iterator

from benchmarks.meter import Reading
from chalicelib.kernel.ids import MerchantId
from chalicelib.kernel.money import fen
from chalicelib.ledger.days import business_day
from chalicelib.orders.model import Order
from chalicelib.people.model import Terms
from chalicelib.providers.funds import Transferred, TransferState
from chalicelib.settlement import rules
from chalicelib.settlement.model import Payout
from tests.fakes.house import House

Read = tuple[str, Reading]
Reader = Callable[[str, Callable[[], object]], Read]


def money_out(house: House, read: Reader) -> Iterator[Read]:
    """Measure all that happens to released money."""
    yield from _parts(house, read)
    yield from _settlements(house, read)
    yield from _unfreezing(house, read)


def _held(house: House, merchant_id: MerchantId) -> Order:
    order = house.order_of(merchant_id)
    house.capture.capture(house.provider.pay(house.payment(order).id))
    return house.head(order.id)


def _released(house: House, merchant_id: MerchantId) -> Order:
    order = _held(house, merchant_id)
    house.ship.ship(merchant_id, order.id, "SF", "SF1234567890")
    return house.release.confirm(order.member_id, order.id)


def _parts(house: House, read: Reader) -> Iterator[Read]:
    order = _held(house, house.merchant())
    part = house.release.release_part
    yield read("release a part", lambda: part(order.member_id, order.id, fen(700), key="a"))
    yield read("release a part, again", lambda: part(order.member_id, order.id, fen(700), key="a"))
    agree = house.merchants.agree
    yield read("agree on terms", lambda: agree(order.merchant_id, Terms()))


def _settlements(house: House, read: Reader) -> Iterator[Read]:
    first, second, held = house.merchant(), house.merchant(), house.merchant()
    house.merchants.agree(held, Terms(payouts_held=True))
    for merchant_id in (first, second, held):
        _released(house, merchant_id)
    house.catch_up()
    today = business_day(house.clock.now())
    day = today.isoformat()
    house.clock.move(seconds=86_400)
    house.catch_up()
    _released(house, second)
    house.catch_up()
    yield read("open a settlement", lambda: house.open_settlement.open(today))
    position = house.read_books.closed_at(today)
    settle = house.settle_merchant.settle
    yield read("settle merchant", lambda: settle(first, day, position))
    yield read("settle merchant, again", lambda: settle(first, day, position))
    yield read("settle merchant, more came since", lambda: settle(second, day, position))
    yield read("settle merchant, passed over", lambda: settle(held, day, position))
    advance = house.advance.advance
    yield read("advance", lambda: advance(first, fen(100), caller="operator", key="a"))
    yield from _payouts(house, read, first, second, day)
    statement = house.read_books.statement
    house.catch_up()
    yield read("merchant's statement", lambda: statement(first, today, after=None, limit=100))


def _payouts(
    house: House, read: Reader, first: MerchantId, second: MerchantId, day: str
) -> Iterator[Read]:
    paid, failed = (_payout(house, merchant_id, day) for merchant_id in (first, second))
    yield read("hear of a payout", lambda: house.sweep_payouts.remember(paid.id))
    yield read("send payout", lambda: house.pay_out.advance(paid.id))
    house.pay_out.advance(failed.id)
    yield read("payout confirmed", lambda: house.pay_out.hear(_said(paid, TransferState.PAID)))
    again = _said(paid, TransferState.PAID)
    yield read("payout confirmed, again", lambda: house.pay_out.hear(again))
    yield read("payout failed", lambda: house.pay_out.hear(_said(failed, TransferState.FAILED)))


def _unfreezing(house: House, read: Reader) -> Iterator[Read]:
    """Measure it where the seller is the payee; the provider's own calls are not counted."""
    partner = House(house.table, randomness=os.urandom, partner=True, lake=house.lake)
    order = _released(partner, partner.merchant())
    partner.catch_up()
    begin, advance = partner.unfreeze_order.begin, partner.pay_out.advance
    yield read("begin unfreezing", lambda: begin(order.id))
    payout = partner.settlements.find_payout(rules.unfreezing_id(order.id))
    assert payout is not None
    partner.payees.books.instant = True
    yield read("share and unfreeze", lambda: advance(payout.id))


def _payout(house: House, merchant_id: MerchantId, day: str) -> Payout:
    payout = house.settlements.find_payout(rules.payout_id(merchant_id, day))
    assert payout is not None
    return payout


def _said(payout: Payout, state: TransferState) -> Transferred:
    return Transferred(payout_id=payout.id, state=state, amount=payout.amount)
