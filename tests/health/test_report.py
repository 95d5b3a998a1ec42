"""What is stuck is named, with what to do; what is away fails alone."""

from datetime import date, timedelta
from typing import Any

import pytest

from chalicelib.delivery.model import REFUSED_THERE, UNREPORTED
from chalicelib.disputes.model import DEADLINE
from chalicelib.health import rules
from chalicelib.health.model import Check, CheckName, State
from chalicelib.kernel.ids import DiscrepancyId
from chalicelib.kernel.money import fen
from chalicelib.ledger.days import business_day, day_began
from chalicelib.orders.model import EXPIRY, RECEIPT, UNSHIPPED, Order
from chalicelib.people.model import Terms
from chalicelib.providers.refunds import RefundStatus
from chalicelib.reconciliation.model import Resolution
from chalicelib.refunds.model import REFUND, Refund
from chalicelib.settlement.model import PAYOUT, UNSETTLED
from chalicelib.storage.due import DueList
from chalicelib.storage.table import StoreSilentError
from tests.fakes.health import examination
from tests.fakes.house import House
from tests.fakes.rooms import SHIP_DAYS
from tests.fakes.table import MemoryTable

OK, WARNING, FAILING = State.OK, State.WARNING, State.FAILING
HOUR, DAY = 3600, 86_400


def examined(house: House, **how: Any) -> dict[CheckName, Check]:
    report = examination(house.table, house.clock, **how).examine()
    assert [one.state for one in report.checks] == sorted(
        (one.state for one in report.checks), key=[FAILING, WARNING, OK].index
    )
    return {check.name: check for check in report.checks}


def paid(house: House, **what: int) -> Order:
    order = house.order(**what)
    house.capture.capture(house.provider.pay(house.payment(order).id))
    house.catch_up()
    return order


def released(house: House) -> Order:
    order = paid(house)
    house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")
    house.release.confirm(order.member_id, order.id)
    house.catch_up()
    return order


def refund(house: House, order: Order, amount: int = 700) -> Refund:
    accepted = house.accept_refund.accept(
        order.id, fen(amount), "不想要了", merchant_id=None, caller="operator", key=house.key()
    )
    house.catch_up()
    return accepted


def looked_at(house: House) -> None:
    """Let every event be heard and every command be run."""
    for _ in range(3):
        house.catch_up()
        house.run_errands()
        house.settle_queue()
    house.catch_up()


def settle(house: House) -> None:
    """Let a day end, and settle it."""
    day = business_day(house.clock.now())
    house.clock.move(seconds=DAY)
    house.catch_up()
    house.open_settlement.open(day)
    looked_at(house)


def test_a_house_in_which_nothing_is_stuck_is_well(house: House) -> None:
    released(house)
    house.catch_up()
    checks = examined(house)
    assert set(checks) == set(CheckName)
    assert {check.state for check in checks.values()} == {OK}
    assert {check.since for check in checks.values()} == {None}


@pytest.mark.parametrize(
    "queue", ["bookings", "commands", "events", "reconciliations", "settlements"]
)
def test_a_dead_letter_is_named_by_its_queue(quick_house: House, queue: str) -> None:
    checks = examined(quick_house, dead={queue: 3})
    bad = {name for name, check in checks.items() if check.state is not OK}
    assert bad == {CheckName(f"dead_letters_{queue}")}
    (check,) = [checks[name] for name in bad]
    assert (check.state, check.figure) == (FAILING, 3)
    assert f"make redrive QUEUE={queue}" in check.advice
    assert check.run_book == "docs/operations.md#dead-letters"


def test_rows_that_nobody_numbers_are_counted_from_the_oldest(quick_house: House) -> None:
    house = quick_house
    house.merchant()
    began = house.clock.now()
    house.clock.move(seconds=40)
    house.merchant()
    check = examined(house)[CheckName.SEQUENCER]
    assert (check.state, check.figure, check.since) == (WARNING, 40, began)
    assert check.says.startswith("2 rows")


def test_money_in_suspense_is_named_since_its_day(house: House) -> None:
    paid(house)
    (word,) = house.provider.paid.values()
    strange = word.evolve(number="nobody-knows", attach="")
    house.capture.capture(strange)
    house.catch_up()
    check = examined(house)[CheckName.SUSPENSE]
    assert (check.state, check.figure) == (WARNING, strange.amount.amount)
    assert check.since is not None
    assert check.since <= house.clock.now() < check.since + timedelta(days=1)
    first = check.since
    house.clock.move(seconds=DAY)
    house.catch_up()
    paid(house)  # the list goes on, and so do the days
    house.clock.move(seconds=DAY)
    house.catch_up()
    check = examined(house)[CheckName.SUSPENSE]
    assert (check.state, check.since) == (FAILING, first)


def test_late_money_is_in_suspense_until_its_refund_arrives(house: House) -> None:
    order = house.order()
    one, two = house.payment(order), house.payment(order)
    for payment in (one, two):
        house.capture.capture(house.provider.pay(payment.id))
    house.catch_up()
    assert examined(house)[CheckName.SUSPENSE].figure == order.total.amount
    looked_at(house)
    (number,) = house.back.refunds
    house.advance_refund.hear(house.back.end(number, RefundStatus.SUCCESS))
    house.catch_up()
    assert examined(house)[CheckName.SUSPENSE].state is OK
    house.clock.move(seconds=3 * DAY)
    paid(house)
    (word, *_) = house.provider.paid.values()
    house.capture.capture(word.evolve(number="nobody-knows", attach=""))
    house.catch_up()
    check = examined(house)[CheckName.SUSPENSE]
    assert check.state is WARNING, "what lay there before is no matter"
    assert check.since == day_began(business_day(house.clock.now()).isoformat())


def test_a_refund_that_waits_for_money_is_named(house: House) -> None:
    order = released(house)
    settle(house)
    waiting = refund(house, order)
    looked_at(house)
    assert examined(house)[CheckName.REFUNDS_WAITING].state is OK, "a moment ago"
    house.clock.move(seconds=HOUR)
    house.sweep_refunds.sweep()
    check = examined(house)[CheckName.REFUNDS_WAITING]
    assert (check.state, check.figure, check.about) == (WARNING, 1, (waiting.id,))
    assert check.since == waiting.created_at
    assert "funding" in check.advice
    house.clock.move(seconds=3 * DAY)
    assert examined(house)[CheckName.REFUNDS_WAITING].state is FAILING


@pytest.mark.parametrize(
    ("status", "after", "state"),
    [
        (RefundStatus.PROCESSING, 6 * DAY, OK),
        (RefundStatus.PROCESSING, 7 * DAY, WARNING),
        (RefundStatus.ABNORMAL, 0, FAILING),
        (RefundStatus.CLOSED, 0, FAILING),
        (RefundStatus.SUCCESS, 90 * DAY, OK),
    ],
)
def test_a_refund_that_does_not_come_to_its_end_is_named(
    quick_house: House, status: RefundStatus, after: int, state: State
) -> None:
    house = quick_house
    stuck = refund(house, paid(house))
    looked_at(house)
    if status is not RefundStatus.PROCESSING:
        house.advance_refund.hear(house.back.end(stuck.id, status))
    house.clock.move(seconds=after)
    check = examined(house)[CheckName.REFUNDS_STUCK]
    assert check.state is state
    assert check.about == (() if state is OK else (stuck.id,))


def test_a_payout_that_nobody_confirms_is_named(house: House) -> None:
    released(house)
    settle(house)
    assert examined(house)[CheckName.PAYOUTS].state is OK
    house.clock.move(seconds=DAY)
    check = examined(house)[CheckName.PAYOUTS]
    assert (check.state, check.figure) == (WARNING, 1)
    assert check.about[0].startswith("out_")
    house.clock.move(seconds=2 * DAY)
    assert examined(house)[CheckName.PAYOUTS].state is FAILING


def test_a_merchant_that_is_passed_over_for_a_week_is_named(house: House) -> None:
    order = released(house)
    house.merchants.agree(order.merchant_id, Terms(payouts_held=True))
    settle(house)
    assert examined(house)[CheckName.PASSED_OVER].state is OK
    for _ in range(6):
        settle(house)
    check = examined(house)[CheckName.PASSED_OVER]
    assert (check.state, check.about) == (WARNING, (order.merchant_id,))
    house.merchants.agree(order.merchant_id, Terms(payouts_held=False))
    settle(house)
    assert examined(house)[CheckName.PASSED_OVER].state is OK


def test_a_dispute_is_named_a_day_before_it_is_decided_by_rule(house: House) -> None:
    order = paid(house)
    dispute = house.disputes.open(order.member_id, order.id, "空包裹", key="d")
    assert examined(house)[CheckName.DISPUTES].state is OK
    house.clock.at = dispute.decide_by - timedelta(days=1)
    check = examined(house)[CheckName.DISPUTES]
    assert (check.state, check.about, check.since) == (WARNING, (dispute.id,), dispute.decide_by)
    house.clock.at = dispute.decide_by + timedelta(hours=1)
    checks = examined(house)
    assert checks[CheckName.DISPUTES].state is FAILING
    assert checks[CheckName.DUE_DISPUTES].state is FAILING, "nobody sweeps"
    house.carry_out.sweep()
    assert examined(house)[CheckName.DISPUTES].state is OK


def test_a_shipment_that_wechat_refuses_is_named_until_it_is_received(house: House) -> None:
    order = paid(house)
    house.parcels.refused_carriers.add("SF")
    house.ship.ship(order.merchant_id, order.id, "SF", "SF1234567890")
    house.catch_up()
    looked_at(house)
    check = examined(house)[CheckName.SHIPMENTS_REFUSED]
    assert (check.state, check.about) == (WARNING, (order.id,))
    for _ in range(3):
        house.clock.move(seconds=DAY)
        house.report_shipments.sweep()
    assert examined(house)[CheckName.SHIPMENTS_REFUSED].about == (order.id,)
    house.release.confirm(order.member_id, order.id)
    house.clock.move(seconds=DAY)
    house.report_shipments.sweep()
    assert examined(house)[CheckName.SHIPMENTS_REFUSED].state is OK


def test_a_list_that_nobody_sweeps_is_named(house: House) -> None:
    order = house.order()
    house.catch_up()
    house.clock.at = order.expires_at
    assert examined(house)[CheckName.DUE_EXPIRIES].state is OK
    house.clock.move(seconds=HOUR + 120)
    check = examined(house)[CheckName.DUE_EXPIRIES]
    assert check.state is FAILING
    assert check.since is not None
    house.sweep.sweep()
    assert examined(house)[CheckName.DUE_EXPIRIES].state is OK


def test_an_order_that_is_not_refunded_though_nobody_shipped_it_is_named(house: House) -> None:
    order = paid(house)
    house.clock.at = order.expires_at + timedelta(minutes=2)
    house.sweep.sweep()
    house.clock.at = order.created_at + timedelta(days=SHIP_DAYS)
    assert examined(house)[CheckName.DUE_UNSHIPPED].state is OK
    house.clock.move(seconds=HOUR)
    check = examined(house)[CheckName.DUE_UNSHIPPED]
    assert (check.state, check.since) == (FAILING, order.created_at + timedelta(days=SHIP_DAYS))
    house.refund_unshipped.sweep()
    assert examined(house)[CheckName.DUE_UNSHIPPED].state is OK


def test_what_is_away_fails_alone_and_is_told(quick_house: House) -> None:
    told: list[tuple[CheckName, str]] = []

    def away() -> Any:
        raise StoreSilentError("secret words")

    examine = examination(
        quick_house.table,
        quick_house.clock,
        provider_time=away,
        tell=lambda check, error: told.append((check, type(error).__name__)),
    )
    report = examine.examine()
    bad = [check for check in report.checks if check.state is not OK]
    assert [check.name for check in bad] == [CheckName.CLOCK]
    assert (bad[0].says, bad[0].figure) == ("unreachable: storage_busy", None)
    assert told == [(CheckName.CLOCK, "StoreSilentError")]
    assert "secret words" not in report.model_dump_json()


@pytest.mark.parametrize("method", ["get", "get_many", "query"])
def test_a_database_that_is_away_is_said_and_the_rest_is_answered(
    quick_house: House, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    released(quick_house)

    def away(*_: Any, **__: Any) -> Any:
        raise StoreSilentError("away")

    monkeypatch.setattr(type(quick_house.table), method, away)
    report = examination(quick_house.table, quick_house.clock).examine()
    assert {check.name for check in report.checks} == set(CheckName)
    fine = {check.name for check in report.checks if check.state is OK}
    assert {CheckName.CLOCK, CheckName.DEAD_EVENTS} <= fine
    away_ones = {check.name for check in report.checks if "unreachable" in check.says}
    assert (CheckName.SEQUENCER in away_ones) == (method == "query")


def day_ended(house: House) -> date:
    """Let a business day end, until an hour after noon of the next."""
    house.catch_up()
    day = business_day(house.clock.now())
    house.clock.move(seconds=DAY - 3 * HOUR)  # the clock began at four in the afternoon
    house.sequencer.run()
    return day


def test_a_day_that_was_not_reconciled_is_named(quick_house: House) -> None:
    house = quick_house
    paid(house)
    first = day_ended(house)
    check = examined(house)[CheckName.RECONCILIATION]
    assert (check.state, check.figure) == (WARNING, 1)
    house.reconciling.day.reconcile(first)
    assert examined(house)[CheckName.RECONCILIATION].state is OK
    for _ in range(2):
        house.clock.move(seconds=DAY)
        house.sequencer.run()
    check = examined(house)[CheckName.RECONCILIATION]
    assert (check.state, check.figure) == (FAILING, 2)


def test_an_open_difference_is_named_until_it_is_resolved(quick_house: House) -> None:
    house = quick_house
    paid(house)
    house.bill_books.drawn(100)
    house.reconciling.day.reconcile(day_ended(house))
    check = examined(house)[CheckName.DIFFERENCES]
    assert (check.state, check.figure) == (WARNING, 1)
    (about,) = check.about
    house.reconciling.settle.settle(DiscrepancyId(about), Resolution.BANK, "提现")
    assert examined(house)[CheckName.DIFFERENCES].state is OK


@pytest.mark.parametrize(("unexplained", "state"), [(0, OK), (7, FAILING), (-7, FAILING)])
def test_what_nothing_explains_is_failing(unexplained: int, state: State) -> None:
    house = House(MemoryTable())
    paid(house)
    found = house.reconciling.day.reconcile(day_ended(house))
    judged = rules.reconciliation(
        found.evolve(unexplained=unexplained), None, now=house.clock.now()
    )
    assert (judged.state, judged.figure) == (state, abs(unexplained))


NOTED = (REFUND, PAYOUT, DEADLINE, REFUSED_THERE, UNSETTLED)
SWEPT = (EXPIRY, UNSHIPPED, RECEIPT, UNREPORTED)


def test_at_most_a_hundred_of_a_list_are_read(quick_house: House) -> None:
    house = quick_house
    paid(house)
    assert round_trips(house) == 61
    (word,) = house.provider.paid.values()
    house.capture.capture(word.evolve(number="nobody-knows", attach=""))
    house.catch_up()
    for name in (*NOTED, *SWEPT):
        for number in range(150):
            with house.commits() as work:
                DueList(house.table, name).put(work, f"ord_{number}.x", house.clock.now())
    assert round_trips(house) == 69, "a few more, for those that are noted"


def round_trips(house: House) -> int:
    asked: list[str] = []

    class Counting:
        def __getattr__(self, name: str) -> Any:
            asked.append(name)
            return getattr(house.table, name)

    examination(Counting(), house.clock).examine()
    return len(asked)
