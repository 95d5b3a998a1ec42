"""Scenes of complaints: heard of, taken up, found by looking, answered, completed."""

from chalicelib.complaints import usecases as complaints
from chalicelib.disputes import usecases as disputes
from chalicelib.disputes.model import Dispute
from chalicelib.kernel.ids import OrderId
from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order
from chalicelib.providers.complaints import Complained, Complaint
from tests.simulation.registered import Registered, Verb
from tests.simulation.scenes import held, paid_twice
from tests.simulation.stage import Stage
from tests.simulation.verbs_disputes import disputed

_TAKE, _ANSWER = complaints.TakeComplaints, complaints.AnswerComplaints
_OPENS = (_TAKE.take, disputes.Disputes.hold_back, disputes.Disputes.can_hold)
_ID = "200201820200101080076610000"


def complained(stage: Stage) -> Complaint:
    """Let the payer of all that was paid complain to WeChat Pay."""
    return stage.complained.complain(_ID, *stage.provider.paid.values())


def _take(stage: Stage) -> Verb:
    return lambda: stage.rooms.take_complaints.take(_ID)


def _heard(stage: Stage) -> Verb:
    held(stage)
    complained(stage)
    word = Complained(complaint_id=_ID, action="CREATE_COMPLAINT")
    return lambda: stage.rooms.take_complaints.hear(word)


def _opens(stage: Stage) -> Verb:
    order = held(stage)
    stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")
    complained(stage)
    return _take(stage)


def _joins(stage: Stage) -> Verb:
    disputed(stage)
    complained(stage)
    return _take(stage)


def _joins_decided(stage: Stage) -> Verb:
    order, dispute = disputed(stage)
    stage.rooms.disputes.decide(order.id, dispute.id, fen(0), "裁决", by="operator")
    complained(stage)
    return _take(stage)


def _too_late(stage: Stage) -> Verb:
    order = held(stage)
    stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")
    stage.rooms.release.confirm(order.member_id, order.id)
    complained(stage)
    return _take(stage)


def _again(stage: Stage) -> Verb:
    """Take a complaint whose dispute its shopper has withdrawn, while the money is still held."""
    order, dispute = _disputed_there(stage)
    stage.rooms.disputes.withdraw(order.member_id, order.id, dispute.id)
    return _take(stage)


def _once_more(stage: Stage) -> Verb:
    """Take a complaint that was made once more after it was answered."""
    order, dispute = _disputed_there(stage)
    stage.rooms.disputes.withdraw(order.member_id, order.id, dispute.id)
    stage.catch_up()
    stage.work_off()
    complained(stage)
    return _take(stage)


def _looked(stage: Stage) -> Verb:
    held(stage)
    complained(stage)
    stage.complained.complain("stranger")
    stage.complained.complain("other-stranger")
    return stage.rooms.take_complaints.look


def _disputed_there(stage: Stage) -> tuple[Order, Dispute]:
    """Let a complaint have opened a dispute."""
    order = held(stage)
    stage.rooms.ship.ship(order.merchant_id, order.id, "SF", "SF123456")
    complained(stage)
    stage.rooms.take_complaints.take(_ID)
    (dispute,) = stage.rooms.disputes.of_order(order.id, member_id=None, merchant_id=None)
    stage.catch_up()
    return order, dispute


def _decided(stage: Stage) -> tuple[Order, Dispute]:
    """Let it be decided too, and carried out."""
    order, dispute = _disputed_there(stage)
    stage.rooms.disputes.decide(order.id, dispute.id, fen(700), "各半", by="operator")
    stage.rooms.carry_out.carry_out(order.id, dispute.id)
    return order, dispute


def _ended(stage: Stage) -> Verb:
    order, dispute = _decided(stage)
    event = {"event": "dispute.carried_out", "about": dispute.id, "facts": {"order_id": order.id}}
    return lambda: stage.rooms.answer_complaints.hear(event)


def _answered(stage: Stage) -> Verb:
    order, dispute = _decided(stage)
    stage.afterwards = lambda: _is_said_once(stage, dispute)
    return lambda: stage.rooms.answer_complaints.answer(f"{order.id}.{_ID}.1")


def _is_said_once(stage: Stage, dispute: Dispute) -> None:
    words = [one for one in stage.complained.said(_ID) if dispute.id in one]
    assert len(words) == 1, f"the payer reads {words}"


def _answered_of_two(stage: Stage) -> Verb:
    """Answer a complaint about two orders, of which each is decided by itself."""
    for word in paid_twice(stage):
        stage.deliver(word)
    complained(stage)
    stage.rooms.take_complaints.take(_ID)
    names: list[str] = []
    for word in stage.provider.paid.values():
        order = stage.rooms.orders.find(_order_of(word.attach))
        assert order is not None
        assert order.dispute is not None
        stage.rooms.disputes.decide(order.id, order.dispute, fen(0), "裁决", by="operator")
        stage.rooms.carry_out.carry_out(order.id, order.dispute)
        names.append(f"{order.id}.{_ID}.1")

    def answer() -> None:
        for name in names:
            stage.rooms.answer_complaints.answer(name)

    return answer


def _refused(stage: Stage) -> Verb:
    order, _ = _decided(stage)
    stage.complained.refuses.add(_ID)
    return lambda: stage.rooms.answer_complaints.answer(f"{order.id}.{_ID}.1")


def _swept(stage: Stage) -> Verb:
    _decided(stage)
    stage.catch_up()
    stage.commands.messages.clear()  # the command got lost
    stage.world.pause(3600)
    return stage.rooms.answer_complaints.sweep


def _order_of(attach: str) -> OrderId:
    return OrderId(attach.partition("/")[0])


COMPLAINTS = [
    Registered("complaint notified", _heard, (_TAKE.hear,)),
    Registered("complaint opens a dispute", _opens, _OPENS),
    Registered("complaint opens a dispute, frozen", _opens, _OPENS, True),
    Registered("complaint joins a dispute", _joins, (_TAKE.take,)),
    Registered("complaint joins a decided dispute", _joins_decided, (_TAKE.take,)),
    Registered("complaint, nothing held", _too_late, (_TAKE.take,)),
    Registered("complaint, known", _again, (_TAKE.take,)),
    Registered("complaint, made once more", _once_more, (_TAKE.take,)),
    Registered("look for complaints", _looked, (_TAKE.look,)),
    Registered("hear of a dispute's end", _ended, (_ANSWER.hear,)),
    Registered("answer a complaint", _answered, (_ANSWER.answer,)),
    Registered("answer a complaint of two orders", _answered_of_two, (_ANSWER.answer,)),
    Registered("answer a complaint, refused", _refused, (_ANSWER.answer,)),
    Registered("sweep complaints", _swept, (_ANSWER.sweep,)),
]
