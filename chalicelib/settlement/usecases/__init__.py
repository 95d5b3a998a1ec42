"""Opening a day's settlement, settling merchants, paying out, unfreezing."""

from chalicelib.settlement.usecases.desk import Desk
from chalicelib.settlement.usecases.lists import FilePayouts
from chalicelib.settlement.usecases.open import OpenSettlement
from chalicelib.settlement.usecases.payout import PayOut, SweepPayouts, TellWord
from chalicelib.settlement.usecases.read import ReadSettlements
from chalicelib.settlement.usecases.settle import Advance, SettleMerchant
from chalicelib.settlement.usecases.unfreeze import UnfreezeOrder

__all__ = [
    "Advance",
    "Desk",
    "FilePayouts",
    "OpenSettlement",
    "PayOut",
    "ReadSettlements",
    "SettleMerchant",
    "SweepPayouts",
    "TellWord",
    "UnfreezeOrder",
]
