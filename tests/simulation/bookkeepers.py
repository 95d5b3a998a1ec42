"""Those who reconcile in the seeds: the schedule, operators, and a provider that makes mistakes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from chalicelib.ledger.days import business_day
from chalicelib.providers.bills import BillKind, BillLine
from chalicelib.reconciliation.model import DiscrepancyState
from tests.simulation import reconciling
from tests.simulation.stage import Stage

_FEES = [0, 0, 38, 60]


@dataclass
class Bookkeepers:
    """Bookkeepers on one stage; `insist` is how a person does a thing."""

    stage: Stage
    insist: Callable[[str, Callable[[], object]], object]

    def __post_init__(self) -> None:
        self.draw = self.stage.world.random
        self.stage.theirs.bill_books.fee_basis_points = self.draw.choice(_FEES)
        self.careless = self.draw.random() < 0.2
        self.draws = self.draw.random() < 0.2

    def reconcile(self) -> None:
        """Reconcile what was missed, and now and then a day again; two do so at once."""
        reconciling.job(self.stage)
        last = self.stage.rooms.reconciling.read.store.last("wechatpay")
        if last is not None and self.draw.random() < 0.2:
            reconciling.again(self.stage, last.day)

    def look_after(self) -> None:
        """Let an operator take differences on, and resolve some; and the provider err."""
        self._err()
        for one in reconciling.discrepancies(self.stage):
            if one.gone_on is None and self.draw.random() < 0.2:
                assign = self.stage.rooms.reconciling.settle.assign
                self.insist("an operator looks", partial(assign, one.id, "op", "在查"))
            opened = one.gone_on is None and one.state is DiscrepancyState.OPEN
            if opened and self.draw.random() < 0.1:
                self.stage.for_people.add(one.key)
                resolve = partial(reconciling.resolve, self.stage, one)
                self.insist("an operator resolves", resolve)

    def _err(self) -> None:
        """Leave a payment out of today's bills, until they are corrected; or draw money."""
        bills, today = self.stage.theirs.bills, business_day(self.stage.world.now()).isoformat()
        if self.careless and not bills.changed:
            number = self.draw.choice([*self.stage.provider.paid, ""])
            if number:
                for kind in (BillKind.PAYMENTS, BillKind.FLOWS):
                    bills.changed[kind, today] = partial(_without, number)
        if self.draws and self.draw.random() < 0.1 and not self.stage.partner:
            self.stage.world.tell("money is drawn")
            self.stage.theirs.bill_books.drawn(100)


def _without(number: str, lines: list[BillLine]) -> list[BillLine]:
    return [line for line in lines if line.number != number]
