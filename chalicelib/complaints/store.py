"""What became of complaints, each beside its order."""

from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.complaints.model import CASE_LIFECYCLE, Case, CaseState, CaseVerb
from chalicelib.kernel.clock import instant_text
from chalicelib.kernel.ids import DisputeId, OrderId
from chalicelib.orders.model import Order
from chalicelib.orders.store import head_key, read_order
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import OneOf, Set
from chalicelib.storage.table import Table, every_row
from chalicelib.storage.values import Item, Key

CASE = "complaint"


def read_case(key: Key, item: Item) -> Case:
    """Read what became of a complaint."""
    _, complaint_id, times = key.sk.split("/")
    return Case(
        order_id=OrderId(key.pk),
        complaint_id=complaint_id,
        times=int(times),
        state=CaseState(str(item["state"])),
        dispute_id=DisputeId(str(item["dispute"])) if "dispute" in item else None,
    )


@dataclass(frozen=True, slots=True)
class CaseStore:
    """Where it is kept what became of complaints."""

    table: Table

    def find(self, name: str) -> Case | None:
        """Return a case by its name."""
        return self.named([name]).get(name)

    def named(self, names: Sequence[str]) -> dict[str, Case]:
        """Return those of up to 100 cases that there are, in one round trip."""
        found = self.table.get_many([_key(name) for name in names])
        cases = [read_case(key, item) for key, item in found.items()]
        return {case.name: case for case in cases}

    def with_order(
        self, order_id: OrderId, complaint_id: str, times: int
    ) -> tuple[Order | None, Case | None]:
        """Return an order's head and a complaint about it, in one round trip."""
        head, key = head_key(order_id), keys.complaint(order_id, complaint_id, times)
        found = self.table.get_many([head, key])
        order = read_order(order_id, found[head]) if head in found else None
        return order, read_case(key, found[key]) if key in found else None

    def of_order(self, order_id: OrderId) -> Sequence[Case]:
        """Return every complaint about an order."""
        prefix = keys.COMPLAINTS_OF_ORDER
        rows = every_row(self.table, keys.MAIN, order_id, between=(prefix, f"{prefix}~"))
        return [read_case(key, item) for key, item in rows]

    def taken(self, work: Work, case: Case) -> None:
        """Remember a complaint; it is taken once each time that it is made."""
        item: Item = {"state": case.state, "taken_at": instant_text(work.at)}
        if case.dispute_id is not None:
            item = {**item, "dispute": case.dispute_id}
        work.put(_key(case.name), item, refusal=CASE)

    def moved(self, work: Work, case: Case, verb: CaseVerb) -> Case:
        """Bring a complaint further from where it was read, and return it as it will be."""
        after = CASE_LIFECYCLE.after(case.state, verb)
        at = Set("moved_at", instant_text(work.at))
        when = OneOf("state", (case.state,))
        work.update(_key(case.name), Set("state", after), at, when=when, refusal=CASE)
        return case.evolve(state=after)


def _key(name: str) -> Key:
    order_id, complaint_id, times = name.split(".")
    return keys.complaint(OrderId(order_id), complaint_id, int(times))
