"""One reported parcel."""

from enum import IntEnum
from typing import Any

from pydantic import AwareDatetime

from local.sandbox.orders import Kept


class ParcelState(IntEnum):
    """`order_state`, as far as the sandbox plays it."""

    TO_SHIP = 1
    SHIPPED = 2
    RECEIVED = 3
    DONE = 4


class Parcel(Kept):
    """What was reported of a payment, and what became of it."""

    transaction_id: str
    said: dict[str, Any]
    shipped_at: AwareDatetime
    corrected: bool = False
    received_at: AwareDatetime | None = None
    settled_at: AwareDatetime | None = None
    in_complaint: bool = False

    @property
    def state(self) -> ParcelState:
        """Return where it stands."""
        if self.received_at is not None:
            return ParcelState.RECEIVED
        return ParcelState.DONE if self.settled_at is not None else ParcelState.SHIPPED
