"""A release that remembers who asked for it."""

from dataclasses import dataclass, fields

from typing_extensions import override

from chalicelib.escrow.usecases import Release
from chalicelib.kernel.ids import DisputeId, MemberId, OrderId
from chalicelib.kernel.money import Money
from chalicelib.orders.model import Order


@dataclass(frozen=True)
class WatchedRelease(Release):
    """Remembers which orders their shoppers confirmed, or tried to."""

    confirmed: set[OrderId]

    @classmethod
    def over(cls, release: Release, confirmed: set[OrderId]) -> "WatchedRelease":
        """Watch a release."""
        own = {field.name: getattr(release, field.name) for field in fields(release)}
        return cls(**own, confirmed=confirmed)

    @override
    def confirm(self, member_id: MemberId, order_id: OrderId) -> Order:
        self.confirmed.add(order_id)
        return Release.confirm(self, member_id, order_id)

    @override
    def decided(self, order_id: OrderId, dispute_id: DisputeId) -> None:
        self.confirmed.add(order_id)
        Release.decided(self, order_id, dispute_id)

    @override
    def release_part(
        self, member_id: MemberId, order_id: OrderId, amount: Money, *, key: str
    ) -> Order:
        self.confirmed.add(order_id)
        return Release.release_part(self, member_id, order_id, amount, key=key)
