"""Use cases tell each outcome once: what was written, what was refused, what was put off."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.edge import observe
from chalicelib.kernel.errors import TryAgainError
from chalicelib.kernel.ids import PaymentId
from chalicelib.kernel.money import fen
from chalicelib.ledger.days import business_day
from chalicelib.orders.model import Order
from chalicelib.payments.model import Closing
from chalicelib.providers.port import (
    Called,
    Fate,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.transport import Answer, NoAnswerError, NotSentError
from chalicelib.refunds.model import Delay, Refund
from chalicelib.settlement.model import Settled
from chalicelib.storage.commit import CommitRefusedError, Effort
from chalicelib.storage.conditions import ITEM_PRESENT, Set
from chalicelib.storage.table import (
    Reason,
    ReasonCode,
    StoreSilentError,
    StoreThrottledError,
    TransactionCancelledError,
)
from chalicelib.storage.values import Key
from tests.edge.calls import listening
from tests.fakes.house import TTL_SECONDS, House
from tests.providers import far_side as far

HERE = Key("main", "a", "head")


def paid(house: House) -> Order:
    order = house.order()
    house.capture.capture(house.provider.pay(house.payment(order).id))
    house.catch_up()
    return order


def test_a_commit_is_counted_once_by_its_event_and_a_refused_one_never(
    quick_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Effort] = []
    commits = replace(quick_house.commits, tell=told.append)
    with commits() as work:
        work.put(HERE, {}, refusal="here")
    assert told == [], "no event, no count"
    transact, failures = (
        quick_house.memory.transact,
        [StoreThrottledError("x"), StoreSilentError("x"), held_by_another()],
    )

    def late(*asked: object) -> None:
        if failures:
            raise failures.pop()
        transact(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(quick_house.memory, "transact", late)
    with commits() as work:
        work.update(HERE, Set("n", 1), when=ITEM_PRESENT, refusal="here")
        work.emit("thing.done", "a")
    (effort,) = told
    assert (effort.event, effort.attempts, effort.exhausted) == ("thing.done", 4, False)
    assert (effort.conflicts, effort.throttles, effort.silences) == (1, 1, 1)
    paused = 1000 * sum(quick_house.clock.pauses)
    assert abs(effort.milliseconds - paused) <= 1
    with pytest.raises(CommitRefusedError), commits() as work:
        work.put(HERE, {}, refusal="here")
        work.emit("thing.done", "a")
    assert len(told) == 1, "its verb tells a refusal"
    monkeypatch.setattr(quick_house.memory, "transact", silent)
    with pytest.raises(TryAgainError), commits() as work:
        work.emit("thing.done", "a")
    (_, given_up) = told
    assert (given_up.event, given_up.exhausted) == ("", True)
    assert given_up.silences == given_up.attempts > 1


def held_by_another() -> TransactionCancelledError:
    return TransactionCancelledError([Reason(ReasonCode.CONFLICT), Reason(ReasonCode.NONE)])


def silent(*_: object) -> None:
    raise StoreSilentError("x")


def test_every_closing_is_told(quick_house: House) -> None:
    house, told = quick_house, Counter[Closing]()
    close = replace(house.close_order, tell=lambda closing: told.update([closing])).close
    early, late, faster = house.order(), house.order(), house.order()
    close(early.id)
    assert told == {Closing.NOT_DUE: 1}
    payment = house.payment(faster)
    house.clock.move(seconds=TTL_SECONDS + 61)
    close(late.id)
    house.provider.pay(payment.id)
    close(faster.id)
    assert told == {Closing.NOT_DUE: 1, Closing.CLOSED: 1, Closing.PAID: 1}


def test_every_settling_is_told(quick_house: House) -> None:
    house, told = quick_house, list[Settled]()
    settle = replace(house.settle_merchant, tell=told.append).settle
    order = paid(house)
    house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")
    house.release.confirm(order.member_id, order.id)
    house.catch_up()
    day = business_day(house.clock.now()).isoformat()
    for _ in range(2):
        settle(order.merchant_id, day, house.balances.position())
    assert told == [Settled.PAYOUT, Settled.NOTHING]


def refund(house: House, order: Order) -> Refund:
    return house.accept_refund.accept(
        order.id, fen(100), "不想要了", merchant_id=None, caller="operator", key=house.key()
    )


def released(house: House) -> Order:
    order = paid(house)
    house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")
    house.release.confirm(order.member_id, order.id)
    return order  # not numbered yet: nothing is available


def spaced(house: House) -> Order:
    order = paid(house)
    first = refund(house, order)
    house.advance_refund.advance(first.order_id, first.id)
    return order


def poor(house: House) -> Order:
    house.back.poor = True
    return paid(house)


@pytest.mark.parametrize(
    ("scene", "delay"),
    [
        (released, Delay.NOT_COLLECTED),
        (spaced, Delay.SPACED),
        (poor, Delay.NOT_TAKEN),
        (paid, None),
    ],
)
def test_every_delay_of_a_refund_is_told(
    quick_house: House, scene: Callable[[House], Order], delay: Delay | None
) -> None:
    house, told = quick_house, list[Delay]()
    order = scene(house)
    one = refund(house, order)
    advance = replace(house.advance_refund, tell_delay=told.append).advance
    for _ in range(2):
        advance(one.order_id, one.id)
    assert told == ([delay] * 2 if delay else [])


@pytest.mark.parametrize(
    ("step", "fate", "error"),
    [
        (far.answer(far.trade()), Fate.ANSWERED, None),
        (far.answer({"code": "PARAM_ERROR"}, status=400), Fate.REJECTED, ProviderRejectedError),
        (NotSentError("x"), Fate.UNAVAILABLE, ProviderUnavailableError),
        (NoAnswerError("x"), Fate.UNKNOWN, ProviderOutcomeUnknownError),
        (Answer(502, {}, b"<html>"), Fate.UNKNOWN, ProviderOutcomeUnknownError),
    ],
    ids=["answered", "rejected", "unavailable", "unknown", "bad gateway"],
)
def test_every_call_to_the_provider_is_told_by_its_fate(
    step: Answer | Exception, fate: Fate, error: type[Exception] | None
) -> None:
    told: list[Called] = []
    wechatpay, _ = far.client(step, step, tell=told.append)
    query = PaymentId(far.trade()["out_trade_no"])
    if error is None:
        wechatpay.query(query)
    else:
        with pytest.raises(error):
            wechatpay.query(query)
    route = "/v3/pay/transactions/out-trade-no/{}"
    assert [(one.method, one.route, one.fate) for one in told] == [("GET", route, fate)]


def test_a_schedule_is_counted_whether_or_not_it_comes_to_its_end() -> None:
    @observe.job
    def sweep(event: int) -> int:
        return 10 // event

    with listening() as ear:
        assert sweep(5) == 2
        with pytest.raises(ZeroDivisionError):
            sweep(0)
    runs = [(line["job"], line["outcome"]) for line in ear.lines]
    assert runs == [("sweep", "done"), ("sweep", "failed")]
