"""The desk: which event asks for what, and which command does what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.kernel.ids import MerchantId, OrderId, PayoutId
from chalicelib.orders.model import RELEASED
from chalicelib.refunds.model import ACCEPTED as REFUND_ACCEPTED
from chalicelib.settlement.model import CREATED, OPENED
from chalicelib.settlement.usecases.open import OpenSettlement, Send
from chalicelib.settlement.usecases.payout import PayOut, SweepPayouts
from chalicelib.settlement.usecases.settle import SettleMerchant
from chalicelib.settlement.usecases.unfreeze import UnfreezeOrder


@dataclass(frozen=True, slots=True)
class Desk:
    """Turns events into commands, and runs commands; both come at least once, in any order."""

    opening: OpenSettlement
    settling: SettleMerchant
    sweeping: SweepPayouts
    paying: PayOut
    unfreezing: UnfreezeOrder
    unfreezes: bool  # the seller is the payee
    send: Send

    def hear(self, event: Mapping[str, Any]) -> None:
        """Hear an event of `HEARD`."""
        match event:
            case {"event": kind, "facts": {"day": str(day), "position": str(position)}} if (
                kind == OPENED
            ):
                self.send([{"command": "walk_merchants", "day": day, "position": position}])
            case {"event": kind, "about": str(payout_id)} if kind == CREATED:
                self.sweeping.remember(PayoutId.parse(payout_id))
            case {"event": kind, "about": str(order_id)} if kind == RELEASED:
                self._unfreeze(order_id)
            case {"event": kind, "facts": {"order_id": str(order_id)} as facts} if (
                kind == REFUND_ACCEPTED
            ):
                if "rest" in facts:  # nothing is held any more, and parts were released
                    self._unfreeze(order_id)
            case _:
                raise ValueError("no such event")

    def _unfreeze(self, order_id: str) -> None:
        if self.unfreezes:
            self.send([{"command": "unfreeze_order", "order_id": order_id}])

    def run(self, command: Mapping[str, Any]) -> None:
        """Run a command of the settlements' queue."""
        match command:
            case {"command": "walk_merchants", "day": str(day), "position": str(position)}:
                self.opening.walk(day, int(position), command.get("after"))
            case {
                "command": "settle_merchant",
                "merchant_id": str(merchant_id),
                "day": str(day),
                "position": str(position),
            }:
                self.settling.settle(MerchantId.parse(merchant_id), day, int(position))
            case {"command": "advance_payout", "payout_id": str(payout_id)}:
                self.paying.advance(PayoutId.parse(payout_id))
            case {"command": "unfreeze_order", "order_id": str(order_id)}:
                self.unfreezing.begin(OrderId.parse(order_id))
            case _:
                raise ValueError("no such command")
