"""A day against the provider's bills: what matches, what differs, and what becomes of it."""

from datetime import date

import pytest

from chalicelib.ledger.days import business_day
from chalicelib.ledger.segments import MANIFESTS, LakeBrokenError
from chalicelib.payments.model import Payment
from chalicelib.reconciliation.model import (
    Discrepancy,
    DiscrepancyState,
    Outcome,
    Reconciliation,
)
from tests.fakes.house import House
from tests.fakes.table import MemoryTable


class Shop:
    """A house whose days end and are reconciled."""

    def __init__(self, *, partner: bool = False, fee_basis_points: int = 38) -> None:
        self.house = House(MemoryTable(), partner=partner)
        self.house.bill_books.fee_basis_points = fee_basis_points

    def sold(self, *, heard: bool = True, price: int = 1999) -> Payment:
        order = self.house.order(price=price)
        payment = self.house.payment(order)
        word = self.house.provider.pay(payment.id)
        if heard:
            self.house.capture.capture(word)
        return payment

    def end_day(self) -> date:
        """Let the day end, and all of it be numbered; return it."""
        self.house.catch_up()
        day = business_day(self.house.clock.now())
        self.house.clock.move(seconds=86_400)
        self.house.sequencer.run()
        return day

    def noted(self, found: Reconciliation) -> list[Discrepancy]:
        every = self.house.reconciling.read.every(found.day)
        return [one for one in every if one.outcome is not Outcome.FEES]

    def reconciled(self) -> Reconciliation:
        return self.house.reconciling.day.reconcile(self.end_day())


def counted(found: Reconciliation) -> dict[tuple[str, str], int]:
    return {(one.kind, one.outcome): one.lines for one in found.funnel}


def test_a_day_of_payments_matches_and_books_the_fee() -> None:
    shop = Shop()
    for _ in range(3):
        shop.sold()
    found = shop.reconciled()
    assert counted(found) == {("payment", "matched"): 3}
    assert (found.ours, found.fees) == (3 * 3998, 3 * 15)
    assert found.theirs == 3 * (3998 - 15)
    assert found.unexplained == 0
    assert [(one.outcome, one.effect) for one in found.standing] == [(Outcome.FEES, -45)]
    then = shop.reconciled()
    assert then.ours == then.theirs == 3 * (3998 - 15)
    assert then.standing == ()
    assert then.unexplained == 0


def test_a_notification_that_never_came_is_asked_for_and_booked() -> None:
    shop = Shop()
    payment = shop.sold(heard=False)
    found = shop.reconciled()
    assert counted(found) == {("payment", "missing_here"): 1}
    (noted,) = shop.noted(found)
    assert noted.state is DiscrepancyState.RESOLVED
    assert noted.resolved_by == f"captured/{payment.id}"
    assert found.unexplained == 0
    then = shop.reconciled()
    assert then.theirs == then.ours
    assert then.standing == ()


@pytest.mark.parametrize("lost", [0, -1], ids=["the first", "the last"])
def test_a_day_of_which_the_lake_has_not_all_is_not_compared(lost: int) -> None:
    shop = Shop()
    for _ in range(2):
        shop.sold()
        shop.house.catch_up()
    day = shop.end_day()
    folder = f"{MANIFESTS}day={day.isoformat()}/"
    names = sorted(shop.house.lake.names(folder))
    assert len(names) > 1
    shop.house.lake.files.pop(names[lost])
    with pytest.raises(LakeBrokenError):
        shop.house.reconciling.day.reconcile(day)
    assert [row.kind for row in shop.house.rows()] == ["reconciliation.refused"]


def test_a_day_of_which_the_lake_has_nothing_is_not_compared() -> None:
    shop = Shop()
    shop.sold()
    day = shop.end_day()
    for name in list(shop.house.lake.names(f"{MANIFESTS}day={day.isoformat()}/")):
        shop.house.lake.files.pop(name)
    with pytest.raises(LakeBrokenError):
        shop.house.reconciling.day.reconcile(day)
