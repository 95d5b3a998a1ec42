"""The chart of accounts (科目表): every account that money can stand in, and how it is kept.

*Guarded*: belongs to one person or order and must never go below zero; it is updated inside the
commit, under a condition. *Folded*: shared by many; no commit touches it, it is the sum of the
journal. *Free*: folded too, and may go either way. A room's verbs bring their accounts with them.
"""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.kernel.ids import MerchantId


class Kept(StrEnum):
    """How an account's balance is kept."""

    GUARDED = "guarded"
    FOLDED = "folded"
    FREE = "free"


class Side(StrEnum):
    """The two sides of a posting: 借 and 贷."""

    DEBIT = "debit"
    CREDIT = "credit"


@dataclass(frozen=True, slots=True)
class Account:
    """One account; `normal` is the side on which its balance grows."""

    name: str
    kept: Kept
    normal: Side


PLATFORM_SUSPENSE = Account("platform:suspense", Kept.FREE, Side.CREDIT)
"""Money that arrived and belongs to no order yet (挂账)."""


def provider_clearing(provider: str) -> Account:
    """Return what a provider has collected for us and not yet paid out: an asset."""
    return Account(f"provider:{provider}:clearing", Kept.FOLDED, Side.DEBIT)


def merchant_held(merchant_id: MerchantId) -> Account:
    """Return a merchant's money under hold (担保), over all its orders.

    It is the fold of each order's guarded hold, `held` in the order's head.
    """
    return Account(f"merchant:{merchant_id}:held", Kept.FOLDED, Side.CREDIT)
