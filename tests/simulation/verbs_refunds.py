"""Scenes of refunds: out of the hold, out of released money, late; and every end they can have."""

from collections.abc import Callable

from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order
from chalicelib.providers.refunds import RefundStatus
from chalicelib.refunds import usecases as refunds
from chalicelib.refunds.model import Refund
from tests.simulation.registered import Registered, Verb
from tests.simulation.scenes import held, ordered
from tests.simulation.stage import Stage
from tests.simulation.verbs_money_out import released, terms, unfreezing

_ACCEPT, _ADVANCE, _SWEEP = refunds.AcceptRefund, refunds.AdvanceRefund, refunds.SweepRefunds
_COLLECT, _HANDS = refunds.CollectRefund, refunds.RefundHands


def accept(stage: Stage, order: Order, amount: int, key: str = "r") -> Refund:
    """Refund so much of an order, as its merchant asks."""
    return stage.rooms.accept_refund.accept(
        order.id,
        fen(amount),
        "不想要了",
        merchant_id=order.merchant_id,
        caller="merchant",
        key=key,
    )


def _part_of_the_hold(stage: Stage) -> Verb:
    order = held(stage, terms())
    return lambda: accept(stage, order, 500)


def _all_of_the_hold(stage: Stage) -> Verb:
    order = held(stage, terms())
    return lambda: accept(stage, order, order.total.amount)


def _the_rest_of_the_hold(stage: Stage) -> Verb:
    order = held(stage, terms())
    stage.rooms.release.release_part(order.member_id, order.id, fen(700), key="m1")
    return lambda: accept(stage, order, order.total.amount - 700)


def _beyond_the_hold(stage: Stage) -> Verb:
    order = held(stage, terms())
    stage.rooms.release.release_part(order.member_id, order.id, fen(700), key="m1")
    stage.catch_up()
    return lambda: accept(stage, order, order.total.amount - 300)


def _after_release(stage: Stage) -> Verb:
    order = released(stage)
    return lambda: accept(stage, order, 500)


def waiting(stage: Stage) -> Refund:
    """Let released money be asked back."""
    return accept(stage, released(stage), 500)


def _collected(stage: Stage) -> Verb:
    refund = waiting(stage)
    return lambda: stage.rooms.advance_refund.advance(refund.order_id, refund.id)


def _collected_from_a_poor_partner(stage: Stage) -> Verb:
    """Ask a share back of a partner whose money the books have not folded yet."""
    order = held(stage, terms())
    stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")
    stage.rooms.release.confirm(order.member_id, order.id)
    refund = accept(stage, order, order.total.amount)
    return lambda: stage.rooms.refund_hands.fund(refund.order_id, refund.id)


def _given_back_by_receivers(stage: Stage) -> Verb:
    order_id, payout_id = unfreezing(stage)
    for _ in range(3):
        stage.attempt(lambda: stage.rooms.pay_out.advance(payout_id))
    order = stage.rooms.orders.find(order_id)
    assert order is not None
    refund = accept(stage, order, 900)
    return lambda: stage.rooms.advance_refund.advance(refund.order_id, refund.id)


def _kept_by_a_receiver(stage: Stage) -> Verb:
    stage.payees.keeps.add("partner1")
    return _given_back_by_receivers(stage)


def queued(stage: Stage, amount: int = 500) -> Refund:
    """Let a refund out of the hold be accepted."""
    return accept(stage, held(stage, terms()), amount)


def _sent(stage: Stage) -> Verb:
    refund = queued(stage)
    return lambda: stage.rooms.advance_refund.advance(refund.order_id, refund.id)


def _sent_too_soon(stage: Stage) -> Verb:
    """Send a second refund within a minute of the first."""
    order = held(stage, terms())
    first, second = accept(stage, order, 300, "r1"), accept(stage, order, 400, "r2")
    stage.rooms.advance_refund.advance(order.id, first.id)
    return lambda: stage.rooms.advance_refund.advance(order.id, second.id)


def _sent_by_the_poor(stage: Stage) -> Verb:
    refund = queued(stage)
    stage.back.poor = True
    return lambda: stage.rooms.advance_refund.advance(refund.order_id, refund.id)


def processing(stage: Stage) -> Refund:
    """Let the provider have a refund."""
    refund = queued(stage)
    stage.rooms.advance_refund.advance(refund.order_id, refund.id)
    return refund


def _ended(status: RefundStatus) -> Callable[[Stage], Verb]:
    def scene(stage: Stage) -> Verb:
        said = stage.back.end(processing(stage).id, status)
        return lambda: stage.rooms.advance_refund.hear(said)

    return scene


def _asked_about(stage: Stage) -> Verb:
    refund = processing(stage)
    stage.back.end(refund.id, RefundStatus.SUCCESS)
    return lambda: stage.rooms.advance_refund.advance(refund.order_id, refund.id)


def _closed(stage: Stage, status: RefundStatus = RefundStatus.CLOSED) -> Refund:
    refund = processing(stage)
    stage.rooms.advance_refund.hear(stage.back.end(refund.id, status))
    return refund


def _retried(stage: Stage) -> Verb:
    refund = _closed(stage)
    return lambda: stage.rooms.refund_hands.retry(refund.order_id, refund.id)


def _settled_by_hand(stage: Stage) -> Verb:
    refund = _closed(stage)
    settle = stage.rooms.refund_hands.settle
    return lambda: settle(refund.order_id, refund.id, reference="bank 1")


def _heard(stage: Stage) -> Verb:
    queued(stage)
    stage.sequence()
    return stage.work_all_events


def _late(stage: Stage) -> Verb:
    """Hear of a payment that came when its order was paid already."""
    order_id, start = ordered(stage)
    start()
    member_id = stage.rooms.sign_in.sign_in("a").id
    stage.rooms.start_payment.start(member_id, order_id, "wechatpay", key="z")
    for number in list(stage.provider.orders):
        collected = stage.provider.pay(number)
        assert collected is not None
        stage.deliver(collected)
    stage.sequence()
    return stage.work_all_events


def _swept(stage: Stage) -> Verb:
    queued(stage)
    stage.catch_up()
    stage.commands.messages.clear()  # the command got lost
    stage.world.pause(3600)
    return stage.rooms.sweep_refunds.sweep


def _read(stage: Stage) -> Verb:
    refund = queued(stage)
    placed = stage.rooms.read_orders.for_operator(refund.order_id)
    return lambda: stage.rooms.read_refunds.of_order(placed)


REFUNDS = [
    Registered("refund a part", _part_of_the_hold, (_ACCEPT.accept,)),
    Registered("refund all", _all_of_the_hold, (_ACCEPT.accept,)),
    Registered("refund the rest", _the_rest_of_the_hold, (_ACCEPT.accept,)),
    Registered("refund the rest, frozen", _the_rest_of_the_hold, (_ACCEPT.accept,), True),
    Registered("refund beyond the hold", _beyond_the_hold, (_ACCEPT.accept,)),
    Registered("refund after release", _after_release, (_ACCEPT.accept,)),
    Registered("collect refund", _collected, (_ADVANCE.advance, _COLLECT.collect)),
    Registered(
        "fund refund",
        _collected_from_a_poor_partner,
        (_HANDS.fund, _COLLECT.from_merchant),
    ),
    Registered("shares given back", _given_back_by_receivers, (_COLLECT.collect,), True),
    Registered("shares kept", _kept_by_a_receiver, (_COLLECT.collect,), True),
    Registered("send refund", _sent, (_ADVANCE.advance,)),
    Registered("send refund, frozen", _sent, (_ADVANCE.advance,), True),
    Registered("send refund, too soon", _sent_too_soon, (_ADVANCE.advance,)),
    Registered("send refund, too little", _sent_by_the_poor, (_ADVANCE.advance,)),
    Registered("refund paid", _ended(RefundStatus.SUCCESS), (_ADVANCE.hear,)),
    Registered("refund abnormal", _ended(RefundStatus.ABNORMAL), (_ADVANCE.hear,)),
    Registered("refund closed", _ended(RefundStatus.CLOSED), (_ADVANCE.hear,)),
    Registered("refund asked about", _asked_about, (_ADVANCE.advance,)),
    Registered("retry refund", _retried, (_HANDS.retry,)),
    Registered("settle refund", _settled_by_hand, (_HANDS.settle,)),
    Registered("hear of a refund", _heard, (_SWEEP.hear,)),
    Registered("hear of late money", _late, (_ACCEPT.late,)),
    Registered("sweep refunds", _swept, (_SWEEP.sweep,)),
    Registered("read refunds", _read, (refunds.ReadRefunds.of_order,)),
]
