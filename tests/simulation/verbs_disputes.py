"""Scenes of disputes: opened, argued, withdrawn, decided by a hand or by rule, carried out."""

from collections.abc import Callable

from chalicelib.disputes import usecases as disputes
from chalicelib.disputes.model import Dispute, Evidence, Party
from chalicelib.escrow import usecases as escrow
from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order
from chalicelib.refunds import usecases as refunds
from tests.simulation.registered import Registered, Verb
from tests.simulation.scenes import held
from tests.simulation.stage import Stage
from tests.simulation.verbs_money_out import terms

_TALK, _DO = disputes.Disputes, disputes.CarryOut


def disputed(stage: Stage, *, shipped: bool = True) -> tuple[Order, Dispute]:
    """Let an order be disputed."""
    order = held(stage, terms())
    if shipped:
        stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")
    opened = stage.rooms.disputes.open(order.member_id, order.id, "空包裹", key="d")
    stage.catch_up()
    return order, opened


def _opened(stage: Stage) -> Verb:
    order = held(stage, terms())
    return lambda: stage.rooms.disputes.open(order.member_id, order.id, "空包裹", key="d")


def _withdrawn(stage: Stage) -> Verb:
    order, dispute = disputed(stage)
    return lambda: stage.rooms.disputes.withdraw(order.member_id, order.id, dispute.id)


def _said(stage: Stage) -> Verb:
    order, dispute = disputed(stage)
    said = Evidence(
        id=disputes.evidence_id(dispute.id, "merchant", "e"),
        order_id=order.id,
        dispute_id=dispute.id,
        party=Party.MERCHANT,
        said_at=stage.world.now(),
        text="已按实物发货",
    )
    return lambda: stage.rooms.disputes.say(said)


def _decided(stage: Stage) -> Verb:
    order, dispute = disputed(stage)
    decide = stage.rooms.disputes.decide
    return lambda: decide(order.id, dispute.id, fen(700), "各半", by="operator")


def _carried_out(refund: int, *, shipped: bool = True) -> Callable[[Stage], Verb]:
    def scene(stage: Stage) -> Verb:
        order, dispute = disputed(stage, shipped=shipped)
        stage.rooms.disputes.decide(order.id, dispute.id, fen(refund), "裁决", by="operator")
        return lambda: stage.rooms.carry_out.carry_out(order.id, dispute.id)

    return scene


def _heard(stage: Stage) -> Verb:
    order, dispute = disputed(stage)
    stage.rooms.disputes.decide(order.id, dispute.id, fen(0), "裁决", by="operator")
    event = {"event": "dispute.decided", "about": dispute.id, "facts": {"order_id": order.id}}
    return lambda: stage.rooms.carry_out.hear(event)


def _nobody_decides(stage: Stage) -> Verb:
    _, dispute = disputed(stage)
    stage.world.pause((dispute.decide_by - stage.world.now()).total_seconds() + 1)
    return stage.rooms.carry_out.sweep


def _silence_while_disputed(stage: Stage) -> Verb:
    """Let the time of the receipt pass while the order is disputed."""
    order, dispute = disputed(stage)
    stage.world.pause(11 * 86_400)

    def sweep() -> None:
        stage.rooms.release.sweep()
        head = stage.rooms.orders.find(order.id)
        assert head is not None
        assert head.dispute == dispute.id, "what is disputed stays"

    return sweep


def _read(stage: Stage) -> Verb:
    order, dispute = disputed(stage)
    rooms = stage.rooms.disputes

    def read() -> None:
        rooms.of_order(order.id, member_id=None, merchant_id=None)
        rooms.party_of(order.id, dispute.id, member_id=order.member_id, merchant_id=None)
        rooms.evidence(dispute)

    return read


_DECIDED = (_DO.carry_out, escrow.Release.decided, refunds.AcceptRefund.decided)

DISPUTES = [
    Registered("open a dispute", _opened, (_TALK.open,)),
    Registered("withdraw a dispute", _withdrawn, (_TALK.withdraw,)),
    Registered("say something", _said, (_TALK.say,)),
    Registered("decide a dispute", _decided, (_TALK.decide,)),
    Registered("carry out a release", _carried_out(0), _DECIDED),
    Registered("carry out a split", _carried_out(700), _DECIDED),
    Registered("carry out a split, frozen", _carried_out(700), _DECIDED, True),
    Registered("carry out a refund", _carried_out(1999, shipped=False), _DECIDED),
    Registered("hear of a decision", _heard, (_DO.hear,)),
    Registered("nobody decides", _nobody_decides, (_DO.sweep,)),
    Registered("silence while disputed", _silence_while_disputed, (escrow.Release.sweep,)),
    Registered("read disputes", _read, (_TALK.of_order, _TALK.party_of, _TALK.evidence)),
]
