"""What became of telling WeChat about a shipment, and of what it told us."""

from enum import StrEnum

from pydantic import AwareDatetime

from chalicelib.kernel.errors import NotFoundError
from chalicelib.kernel.record import Record
from chalicelib.orders.model import SHIPPED

HEARD = frozenset({SHIPPED})
"""The events to which this room listens."""

UNREPORTED = "unreported"
"""The list of what is due: shipments of which WeChat may not know."""

REFUSED_THERE = "refused"
"""The list of shipments that WeChat refused, and that somebody should correct in its console."""

SETTLEMENT_PUSH = "trade_manage_order_settlement"
"""WeChat's word that a parcel was shipped, received or settled."""


REFUNDED = "order_refunded"
"""Why a shipment is not reported that nobody pays for any more."""


class ReportState(StrEnum):
    """Where the report of a shipment stands; before, there is none."""

    REPORTED = "reported"
    REFUSED = "refused"  # for good: correct it in WeChat's own console


class Report(Record):
    """What WeChat said to a shipment; `reason` is its code when it refused."""

    state: ReportState
    reported_at: AwareDatetime
    reason: str = ""


class Received(StrEnum):
    """What a word about a delivery turned out to be, once WeChat was asked."""

    RELEASED = "released"  # the money is the merchant's, now or before
    NOT_YET = "not_yet"  # on its way, or disputed there
    NOT_OURS = "not_ours"  # no payment of ours
    ELSEWHERE = "elsewhere"  # received there, and our order can't be: an alarm


class ShipmentNotFoundError(NotFoundError):
    """The order was not shipped."""

    code = "shipment_not_found"
