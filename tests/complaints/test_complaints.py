"""Complaints: taken up once, joined to what is disputed, answered, or left to a person."""

from dataclasses import replace

import pytest

from chalicelib.complaints.model import Answered, CaseState, Taken
from chalicelib.complaints.rules import RECEIVED
from chalicelib.complaints.store import CaseStore
from chalicelib.disputes.model import AlreadyDisputedError, Dispute, DisputeState, Party
from chalicelib.edge.queue import QueueUnavailableError
from chalicelib.kernel.ids import OrderId
from chalicelib.kernel.money import fen
from chalicelib.orders.model import Order, OrderState
from chalicelib.providers.complaints import Complained, ComplaintStatus
from chalicelib.providers.port import (
    Collected,
    ProviderOutcomeUnknownError,
    ProviderUnavailableError,
)
from tests.fakes.house import House

ID = "200201820200101080076610000"


def paid(house: House, *, shipped: bool = True) -> tuple[Order, Collected]:
    order = house.order()
    word = house.provider.pay(house.payment(order).id)
    house.capture.capture(word)
    if shipped:
        house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")
    house.catch_up()
    return house.head(order.id), word


def take(house: House) -> list[Taken]:
    house.taken.clear()
    return house.take_complaints.take(ID)


def disputes_of(house: House, order_id: OrderId) -> list[Dispute]:
    return list(house.disputes.of_order(order_id, member_id=None, merchant_id=None))


def ended(house: House, order: Order, refund: int) -> Dispute:
    """Let the open dispute be decided and carried out, and everybody hear of it."""
    (dispute,) = [one for one in disputes_of(house, order.id) if one.state is DisputeState.OPEN]
    house.disputes.decide(order.id, dispute.id, fen(refund), "各半", by="operator")
    house.catch_up()
    house.catch_up()
    house.run_errands()
    return dispute


def state(house: House, order: Order, times: int = 1) -> CaseState:
    case = CaseStore(house.table).find(f"{order.id}.{ID}.{times}")
    assert case is not None
    return case.state


def status(house: House) -> ComplaintStatus:
    return house.complained.complaints[ID].status


def test_a_complaint_opens_a_dispute_and_says_so(house: House) -> None:
    order, word = paid(house)
    house.complained.complain(ID, word)
    house.take_complaints.hear(Complained(complaint_id=ID, action="CREATE_COMPLAINT"))
    house.run_errands()
    assert house.taken == [Taken.OPENED]
    (dispute,) = disputes_of(house, order.id)
    assert house.head(order.id).dispute == dispute.id
    assert (dispute.decide_by - dispute.opened_at).total_seconds() == 70 * 3600
    (said,) = house.disputes.evidence(dispute)
    assert (said.party, said.text) == (Party.SHOPPER, f"微信支付投诉 {ID}：空包裹")
    assert house.complained.said(ID) == [RECEIVED]
    assert status(house) is ComplaintStatus.PROCESSING


def test_said_twice_it_changes_nothing(house: House) -> None:
    order, word = paid(house)
    house.complained.complain(ID, word)
    assert take(house) == [Taken.OPENED]
    before = disputes_of(house, order.id), len(house.rows())
    assert take(house) == [Taken.KNOWN]
    assert (disputes_of(house, order.id), len(house.rows())) == before
    assert house.complained.said(ID) == [RECEIVED]


def test_a_complaint_joins_the_dispute_that_is_open(house: House) -> None:
    order, word = paid(house)
    opened = house.disputes.open(order.member_id, order.id, "少了一件", key="d")
    house.complained.complain(ID, word, text="")
    assert take(house) == [Taken.JOINED]
    assert disputes_of(house, order.id) == [opened]
    assert [one.text for one in house.disputes.evidence(opened)] == [
        f"微信支付投诉 {ID}：（未填写）"
    ]


@pytest.mark.parametrize(
    ("refund", "words"), [(700, "退款 7.00 元，原路退回。各半"), (0, "不退款。各半")]
)
def test_the_end_of_its_dispute_is_its_answer(house: House, refund: int, words: str) -> None:
    order, word = paid(house)
    house.complained.complain(ID, word)
    take(house)
    dispute = ended(house, order, refund)
    assert house.complained.said(ID) == [RECEIVED, f"争议 {dispute.id} 已裁决：{words}"]
    assert status(house) is ComplaintStatus.PROCESSED
    assert (state(house, order), house.answered) == (CaseState.ANSWERED, [Answered.COMPLETED])
    house.answer_complaints.answer(f"{order.id}.{ID}.1")
    assert len(house.complained.said(ID)) == 2


def test_a_dispute_decided_by_rule_is_answered_in_time(house: House) -> None:
    order, word = paid(house)
    house.complained.complain(ID, word)
    take(house)
    house.clock.move(seconds=70 * 3600)
    house.carry_out.sweep()
    house.catch_up()
    house.run_errands()
    assert status(house) is ComplaintStatus.PROCESSED
    assert "退款 39.98 元" in house.complained.said(ID)[-1]
    assert house.head(order.id).state is OrderState.REFUNDED


def test_a_dispute_that_was_withdrawn_is_answered_so(house: House) -> None:
    order, word = paid(house)
    house.complained.complain(ID, word)
    take(house)
    (dispute,) = disputes_of(house, order.id)
    house.disputes.withdraw(order.member_id, order.id, dispute.id)
    house.catch_up()
    house.run_errands()
    assert "撤回" in house.complained.said(ID)[-1]
    assert status(house) is ComplaintStatus.PROCESSED
    assert take(house) == [Taken.COMPLETED]
    house.complained.complain(ID, word)
    assert take(house) == [Taken.OPENED], "made once more, while the money is still held"
    assert len(disputes_of(house, order.id)) == 2
    assert house.complained.complaints[ID].times == 2


def test_where_nothing_is_held_a_person_is_told_once(house: House) -> None:
    order, word = paid(house)
    house.release.confirm(order.member_id, order.id)
    house.complained.complain(ID, word)
    assert take(house) == [Taken.BY_HAND]
    assert house.taken == [Taken.UNHELD, Taken.BY_HAND]
    assert take(house) == [Taken.BY_HAND]
    assert house.taken == [Taken.BY_HAND]
    assert (state(house, order), house.complained.said(ID)) == (CaseState.UNHELD, [])


def test_late_money_is_held_by_nobody(house: House) -> None:
    order = house.order()
    first, second = (house.provider.pay(house.payment(order).id) for _ in range(2))
    house.capture.capture(first)
    house.capture.capture(second)
    house.complained.complain(ID, second)
    take(house)
    assert Taken.UNHELD in house.taken
    assert house.head(order.id).dispute is None


def test_a_payment_of_nobody_is_an_alarm(house: House) -> None:
    _, word = paid(house)
    for stranger in (
        word.evolve(number="legacy|42"),
        word.evolve(number="pay_01KAMBPZR0000000000000000A"),
        word.evolve(transaction_id="4299"),
    ):
        house.complained.complain(ID, stranger)
        assert take(house) == [Taken.UNKNOWN]
    house.complained.complain(ID)
    assert take(house) == [Taken.UNKNOWN], "a service order, which we never make"
    house.complained.complaints.clear()
    assert take(house) == [Taken.UNKNOWN]
    assert house.complained.answers == {}


def test_what_is_completed_already_is_left_alone(house: House) -> None:
    order, word = paid(house)
    house.complained.complain(ID, word)
    house.complained.withdraw(ID)
    assert take(house) == [Taken.COMPLETED]
    assert disputes_of(house, order.id) == []


def test_what_its_payer_took_back_is_not_answered(house: House) -> None:
    order, word = paid(house)
    house.complained.complain(ID, word)
    take(house)
    house.complained.withdraw(ID)
    ended(house, order, 0)
    assert (state(house, order), house.complained.said(ID)) == (CaseState.ANSWERED, [RECEIVED])


def test_a_complaint_of_two_orders_waits_for_both(house: House) -> None:
    first, word = paid(house)
    second, other = paid(house)
    house.complained.complain(ID, word, other)
    assert take(house) == [Taken.OPENED, Taken.OPENED]
    assert house.complained.said(ID) == [RECEIVED]
    ended(house, second, 0)
    assert (status(house), house.answered) == (ComplaintStatus.PROCESSING, [Answered.SAID])
    ended(house, first, 700)
    assert (status(house), house.answered[-1]) == (ComplaintStatus.PROCESSED, Answered.COMPLETED)
    assert len(house.complained.said(ID)) == 3


def test_one_order_of_two_that_is_left_to_a_person_is_not_completed(house: House) -> None:
    order, word = paid(house)
    released, other = paid(house)
    house.release.confirm(released.member_id, released.id)
    house.complained.complain(ID, word, other)
    assert take(house) == [Taken.OPENED, Taken.BY_HAND]
    ended(house, order, 0)
    assert status(house) is ComplaintStatus.PROCESSING
    assert len(house.complained.said(ID)) == 2


def test_an_answer_that_is_refused_is_a_persons(house: House) -> None:
    order, word = paid(house)
    house.complained.complain(ID, word)
    house.complained.refuses.add(ID)
    assert take(house) == [Taken.OPENED]
    assert house.taken == [Taken.OPENED, Taken.NOT_TOLD]
    ended(house, order, 0)
    assert (state(house, order), house.answered) == (CaseState.REFUSED, [Answered.REFUSED])
    assert take(house) == [Taken.BY_HAND]


def test_an_answer_under_silence_is_said_once(
    quick_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = quick_house
    order, word = paid(house)
    house.complained.complain(ID, word)
    take(house)
    right = house.complained.respond

    def silent(*said: object) -> None:
        right(*said)  # type: ignore[arg-type]
        raise ProviderOutcomeUnknownError("no answer")

    monkeypatch.setattr(house.complained, "respond", silent)
    with pytest.raises(ProviderOutcomeUnknownError):
        ended(house, order, 0)
    assert state(house, order) is CaseState.WAITING
    house.clock.move(seconds=601)
    assert house.answer_complaints.sweep() == 1
    house.run_errands()
    assert len(house.complained.said(ID)) == 2
    assert state(house, order) is CaseState.ANSWERED
    house.clock.move(seconds=601)
    assert house.answer_complaints.sweep() == 0


def test_what_was_not_heard_of_is_found(house: House) -> None:
    words = [paid(house)[1] for _ in range(3)]
    for number, word in enumerate(words):
        house.complained.complain(f"c{number}", word)
    house.complained.withdraw("c1")
    assert house.take_complaints.look() == 2
    house.run_errands()
    assert house.taken == [Taken.OPENED, Taken.OPENED]


def test_a_provider_that_is_away_is_asked_again(
    quick_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise ProviderUnavailableError("away")

    monkeypatch.setattr(quick_house.complained, "complaint", away)
    with pytest.raises(ProviderUnavailableError):
        take(quick_house)
    assert quick_house.taken == []


def test_nothing_is_acknowledged_that_the_queue_did_not_take(quick_house: House) -> None:
    def full(*_: object) -> None:
        raise QueueUnavailableError("away")

    desk = replace(quick_house.take_complaints, send=full)
    with pytest.raises(QueueUnavailableError):
        desk.hear(Complained(complaint_id=ID, action=""))


def test_a_shopper_who_disputes_too_is_told_of_it(house: House) -> None:
    order, word = paid(house)
    house.complained.complain(ID, word)
    take(house)
    with pytest.raises(AlreadyDisputedError):
        house.disputes.open(order.member_id, order.id, "空包裹", key="d")
