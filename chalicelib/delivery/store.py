"""The report of each shipment, beside its order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.delivery.model import Report, ReportState
from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.kernel.ids import MemberId, OrderId
from chalicelib.orders.model import OrderState
from chalicelib.orders.store import head_key, read_order
from chalicelib.people.model import Member
from chalicelib.people.store import read_member
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.table import Table
from chalicelib.storage.values import Item

REPORT = "report"


def _read(item: Item) -> Report:
    return Report(
        state=ReportState(str(item["state"])),
        reported_at=instant_from(str(item["reported_at"])),
        reason=str(item.get("reason", "")),
    )


@dataclass(frozen=True, slots=True)
class ReportStore:
    """Where reports are kept."""

    table: Table

    def find(self, order_id: OrderId) -> Report | None:
        """Return what was said of a shipment, if anything was."""
        item = self.table.get(keys.shipping_report(order_id))
        return _read(item) if item else None

    def with_member(
        self, order_id: OrderId, member_id: MemberId
    ) -> tuple[Report | None, Member | None]:
        """Return a report and the shopper whose parcel it is, in one round trip."""
        report_at, member_at = keys.shipping_report(order_id), keys.member(member_id)
        found = self.table.get_many([report_at, member_at])
        report = _read(found[report_at]) if report_at in found else None
        return report, read_member(member_id, found[member_at]) if member_at in found else None

    def settled(self, order_ids: Sequence[OrderId]) -> set[OrderId]:
        """Return which of up to 100 shipments need no telling any more."""
        by_key = {keys.shipping_report(order_id): order_id for order_id in order_ids}
        return {by_key[key] for key in self.table.get_many(list(by_key))}

    def many(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, Report]:
        """Return the reports that there are of up to 100 orders, in one round trip."""
        by_key = {keys.shipping_report(order_id): order_id for order_id in order_ids}
        found = self.table.get_many(list(by_key))
        return {by_key[key]: _read(item) for key, item in found.items()}

    def on_their_way(self, order_ids: Sequence[OrderId]) -> set[OrderId]:
        """Return which of up to 100 orders are shipped, and neither received nor given back."""
        heads = {head_key(order_id): order_id for order_id in order_ids}
        found = self.table.get_many(list(heads))
        orders = [read_order(heads[key], item) for key, item in found.items()]
        return {order.id for order in orders if order.state is OrderState.SHIPPED}

    def recorded(self, work: Work, order_id: OrderId, report: Report) -> None:
        """Keep WeChat's last word about a shipment; there is one."""
        item: Item = {"state": report.state, "reported_at": instant_text(report.reported_at)}
        if report.reason:
            item = {**item, "reason": report.reason}
        work.put(keys.shipping_report(order_id), item, refusal=REPORT)
