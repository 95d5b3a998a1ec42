"""Scenes of settlement: terms, parts, settlements, payouts, unfreezings, statements."""

from collections.abc import Callable

from chalicelib.books import usecases as books
from chalicelib.escrow import usecases as escrow
from chalicelib.kernel.ids import MerchantId, OrderId, PartnerId, PayoutId
from chalicelib.kernel.money import fen
from chalicelib.ledger.days import business_day
from chalicelib.orders.model import Order
from chalicelib.people import usecases as people
from chalicelib.people.model import PartnerShare, Terms
from chalicelib.providers.funds import ReceiverKind, TransferState
from chalicelib.settlement import rules
from chalicelib.settlement import usecases as settlement
from tests.fakes.clock import START
from tests.simulation.money_out import PARTNERS_BASIS_POINTS
from tests.simulation.registered import Registered, Verb
from tests.simulation.scenes import held
from tests.simulation.stage import Stage

PARTNER = PartnerId.derive("partner")
TODAY = business_day(START)


def terms(**said: object) -> Terms:
    """Return terms with a partner who shares."""
    partner = PartnerShare(
        partner_id=PARTNER,
        basis_points=PARTNERS_BASIS_POINTS,
        kind=ReceiverKind.MERCHANT,
        account="partner1",
    )
    return Terms.model_validate({"partners": (partner,), **said})


def _agreed(stage: Stage) -> Verb:
    merchant_id = stage.merchant()
    return lambda: stage.rooms.merchants.agree(merchant_id, terms())


def _part_released(stage: Stage) -> Verb:
    order = held(stage, terms())
    return lambda: stage.rooms.release.release_part(order.member_id, order.id, fen(700), key="m1")


def _part_released_on_the_way(stage: Stage) -> Verb:
    order = held(stage, terms())
    stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")
    stage.catch_up()
    return lambda: stage.rooms.release.release_part(order.member_id, order.id, fen(700), key="m1")


def released(stage: Stage) -> Order:
    """Let an order's money become its merchant's, and everybody hear of it."""
    order = held(stage, terms())
    stage.rooms.release.release_part(order.member_id, order.id, fen(700), key="m1")
    stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")
    stage.rooms.release.confirm(order.member_id, order.id)
    stage.catch_up()
    return order


def closed_day(stage: Stage) -> tuple[MerchantId, int]:
    """Let money become available, and its day close; return where."""
    order = released(stage)
    stage.world.pause(86_400)
    stage.sequence()
    return order.merchant_id, stage.rooms.read_books.closed_at(TODAY)


def _opened(stage: Stage) -> Verb:
    closed_day(stage)
    return lambda: stage.rooms.open_settlement.open(TODAY)


def _opened_by_schedule(stage: Stage) -> Verb:
    closed_day(stage)
    return stage.rooms.open_settlement.open_missed


def _walked(stage: Stage) -> Verb:
    _, position = closed_day(stage)
    return lambda: stage.rooms.open_settlement.walk(TODAY.isoformat(), position, None)


def _settled(stage: Stage) -> Verb:
    merchant_id, position = closed_day(stage)
    settle = stage.rooms.settle_merchant.settle
    return lambda: settle(merchant_id, TODAY.isoformat(), position)


def _settled_though_more_came(stage: Stage) -> Verb:
    """Release another order after the day has closed, and before it is settled."""
    merchant_id, position = closed_day(stage)
    order = held(stage, None, key="second")
    stage.rooms.ship.ship(merchant_id, order.id, "SF", "SF123457")
    stage.rooms.release.confirm(order.member_id, order.id)
    stage.catch_up()
    settle = stage.rooms.settle_merchant.settle
    return lambda: settle(merchant_id, TODAY.isoformat(), position)


def _settled_with_debt(stage: Stage) -> Verb:
    merchant_id, position = closed_day(stage)
    stage.rooms.advance.advance(merchant_id, fen(500), caller="operator", key="a")
    stage.catch_up()
    settle = stage.rooms.settle_merchant.settle
    return lambda: settle(merchant_id, TODAY.isoformat(), position)


def _passed_over(stage: Stage) -> Verb:
    merchant_id, position = closed_day(stage)
    stage.rooms.merchants.agree(merchant_id, terms(payouts_held=True))
    settle = stage.rooms.settle_merchant.settle

    stage.afterwards = lambda: stage.rooms.merchants.agree(merchant_id, terms())
    return lambda: settle(merchant_id, TODAY.isoformat(), position)


def _advanced(stage: Stage) -> Verb:
    merchant_id = stage.merchant()
    advance = stage.rooms.advance.advance
    return lambda: advance(merchant_id, fen(500), caller="operator", key="a")


def payout(stage: Stage) -> PayoutId:
    """Let a payout be created."""
    merchant_id, position = closed_day(stage)
    stage.rooms.settle_merchant.settle(merchant_id, TODAY.isoformat(), position)
    return rules.payout_id(merchant_id, TODAY.isoformat())


def _payout_heard(stage: Stage) -> Verb:
    payout(stage)
    stage.sequence()
    return stage.work_all_events


def _sent(stage: Stage) -> Verb:
    payout_id = payout(stage)
    return lambda: stage.rooms.pay_out.advance(payout_id)


def _sent_to_nobody(stage: Stage) -> Verb:
    """Pay to an openid that the provider does not know: final, and the money comes back."""
    payout_id = payout(stage)
    found = stage.rooms.settlements.find_payout(payout_id)
    assert found is not None
    assert found.payee is not None
    stage.payees.refuses_openids.add(found.payee)

    def send() -> None:
        stage.rooms.pay_out.advance(payout_id)
        stage.payees.refuses_openids.clear()

    return send


def _ended(state: TransferState) -> Callable[[Stage], Verb]:
    def scene(stage: Stage) -> Verb:
        payout_id = payout(stage)
        stage.rooms.pay_out.advance(payout_id)
        said = stage.payees.end_transfer(payout_id, state)
        assert said is not None
        return lambda: stage.rooms.pay_out.hear(said)

    return scene


def _asked_about(stage: Stage) -> Verb:
    payout_id = payout(stage)
    stage.rooms.pay_out.advance(payout_id)
    stage.payees.end_transfer(payout_id, TransferState.PAID)
    return lambda: stage.rooms.pay_out.advance(payout_id)


def _swept(stage: Stage) -> Verb:
    payout(stage)
    stage.sequence()
    stage.work_all_events()
    stage.settlements.messages.clear()  # the command got lost
    stage.world.pause(3600)
    return stage.rooms.sweep_payouts.sweep


def _unfreezing_begun(stage: Stage) -> Verb:
    order = released(stage)
    return lambda: stage.rooms.unfreeze_order.begin(order.id)


def unfreezing(stage: Stage) -> tuple[OrderId, PayoutId]:
    """Let the payout of a released order be created, where the seller is the payee."""
    order = released(stage)
    stage.rooms.unfreeze_order.begin(order.id)
    return order.id, rules.unfreezing_id(order.id)


def _unfrozen(stage: Stage) -> Verb:
    _, payout_id = unfreezing(stage)
    return lambda: stage.rooms.pay_out.advance(payout_id)


def _unfrozen_though_a_share_failed(stage: Stage) -> Verb:
    _, payout_id = unfreezing(stage)
    stage.payees.bad_accounts.add("partner1")
    return lambda: stage.rooms.pay_out.advance(payout_id)


def _heard_at_the_desk(stage: Stage) -> Verb:
    released(stage)

    def work() -> None:
        while stage.settlements.messages:
            stage.work_settlements()

    return work


def _read(stage: Stage) -> Verb:
    payout_id = payout(stage)
    stage.sequence()
    opened = stage.rooms.open_settlement.open(TODAY)
    found = stage.rooms.settlements.find_payout(payout_id)
    assert found is not None
    reading, show = stage.rooms.read_settlements, stage.rooms.read_books

    def read() -> None:
        reading.settlement(opened.id)
        reading.payout(payout_id, None)
        reading.payouts_of(found.merchant_id, after=None, limit=10)
        show.statement(found.merchant_id, TODAY, after=None, limit=10)

    return read


_OPEN, _SETTLE = settlement.OpenSettlement, settlement.SettleMerchant
_PAY, _UNFREEZE = settlement.PayOut, settlement.UnfreezeOrder

MONEY_OUT = [
    Registered("agree on terms", _agreed, (people.Merchants.agree,)),
    Registered("release a part", _part_released, (escrow.Release.release_part,)),
    Registered("part, frozen", _part_released_on_the_way, (escrow.Release.release_part,), True),
    Registered("open a settlement", _opened, (_OPEN.open,)),
    Registered("open by schedule", _opened_by_schedule, (_OPEN.open_missed,)),
    Registered("walk merchants", _walked, (_OPEN.walk,)),
    Registered("settle merchant", _settled, (_SETTLE.settle,)),
    Registered("settle merchant, more came", _settled_though_more_came, (_SETTLE.settle,)),
    Registered("settle merchant, in debt", _settled_with_debt, (_SETTLE.settle,)),
    Registered("settle merchant, held", _passed_over, (_SETTLE.settle,)),
    Registered("advance", _advanced, (settlement.Advance.advance,)),
    Registered(
        "hear of a payout",
        _payout_heard,
        (settlement.SweepPayouts.remember, settlement.FilePayouts.read, settlement.Desk.hear),
    ),
    Registered("send payout", _sent, (_PAY.advance, _PAY.hear)),
    Registered("send payout, no such user", _sent_to_nobody, (_PAY.advance,)),
    Registered("payout confirmed", _ended(TransferState.PAID), (_PAY.hear,)),
    Registered("payout cancelled", _ended(TransferState.CANCELLED), (_PAY.hear,)),
    Registered("payout asked about", _asked_about, (_PAY.advance,)),
    Registered("sweep payouts", _swept, (settlement.SweepPayouts.sweep,)),
    Registered("begin unfreezing", _unfreezing_begun, (_UNFREEZE.begin,), True),
    Registered("unfreeze", _unfrozen, (_UNFREEZE.advance,), True),
    Registered("share failed", _unfrozen_though_a_share_failed, (_UNFREEZE.advance,), True),
    Registered("work of the desk", _heard_at_the_desk, (settlement.Desk.run,), True),
    Registered(
        "read settlements",
        _read,
        (
            settlement.ReadSettlements.settlement,
            settlement.ReadSettlements.payout,
            settlement.ReadSettlements.payouts_of,
            books.ReadBooks.statement,
        ),
    ),
]
