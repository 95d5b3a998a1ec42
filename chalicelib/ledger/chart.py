"""The chart of accounts (科目表): every account that money can stand in, and how it is kept.

*Guarded*: belongs to one person or order and must never go below zero; it is updated inside the
commit, under a condition. *Folded*: shared by many; no commit touches it, it is the sum of the
journal. *Counted*: folded, and never below zero all the same: its debits are counted in an item of
their own, by the commit that debits it, against the credits folded so far. *Free*: folded too, and
may go either way. A room's verbs bring their accounts with them.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.kernel.ids import MerchantId, OrderId, PartnerId


class Kept(StrEnum):
    """How an account's balance is kept."""

    GUARDED = "guarded"
    FOLDED = "folded"
    COUNTED = "counted"
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


PLATFORM_FEES = Account("platform:fees", Kept.FREE, Side.CREDIT)
"""What the platform has earned (平台服务费)."""


REFUNDS_IN_TRANSIT = Account("refunds:in_transit", Kept.FOLDED, Side.CREDIT)
"""Money on its way back to shoppers, until the provider says that it arrived (退款中)."""


BANK = Account("bank", Kept.FREE, Side.DEBIT)
"""The platform's own bank account."""


def escrow(order_id: OrderId) -> Account:
    """Return one order's hold: `held` in its head. It has no postings; its fold is the merchant's.

    A debit of `merchant:<id>:held` is guarded by it, so that no order gives more than it holds.
    """
    return Account(f"escrow:{order_id}", Kept.GUARDED, Side.CREDIT)


def provider_clearing(provider: str) -> Account:
    """Return what a provider has collected for us and not yet paid out: an asset."""
    return Account(f"provider:{provider}:clearing", Kept.FOLDED, Side.DEBIT)


def provider_fees(provider: str) -> Account:
    """Return what a provider has kept for its service (支付手续费): an expense.

    Where a seller bears it, it is the seller's from the moment it gets its money.
    """
    return Account(f"provider:{provider}:fees", Kept.FREE, Side.DEBIT)


def merchant_held(merchant_id: MerchantId) -> Account:
    """Return a merchant's money under hold (担保), over all its orders.

    It is the fold of each order's guarded hold, `held` in the order's head.
    """
    return Account(f"merchant:{merchant_id}:held", Kept.FOLDED, Side.CREDIT)


def merchant_available(merchant_id: MerchantId) -> Account:
    """Return a merchant's own money, released and not yet paid out (可提现)."""
    return Account(f"merchant:{merchant_id}:available", Kept.COUNTED, Side.CREDIT)


def merchant_debt(merchant_id: MerchantId) -> Account:
    """Return what a merchant owes the platform (欠款): an asset, netted before it is paid out."""
    return Account(f"merchant:{merchant_id}:debt", Kept.COUNTED, Side.DEBIT)


def partner_available(partner_id: PartnerId) -> Account:
    """Return what a partner has earned and not yet been paid (分账应付)."""
    return Account(f"partner:{partner_id}:available", Kept.COUNTED, Side.CREDIT)


def partner_debt(partner_id: PartnerId) -> Account:
    """Return what a partner owes of shares that should have come back (合作伙伴欠款): an asset."""
    return Account(f"partner:{partner_id}:debt", Kept.COUNTED, Side.DEBIT)


def merchant_payout(merchant_id: MerchantId) -> Account:
    """Return a merchant's money on its way out (打款中)."""
    return Account(f"merchant:{merchant_id}:payout", Kept.FOLDED, Side.CREDIT)


_NAME = re.compile(r"[a-z]{2,20}(:[A-Za-z0-9_]{1,40}){0,2}")


def is_account_name(text: str) -> bool:
    """Tell whether a text could be an account's name."""
    return _NAME.fullmatch(text) is not None


def merchant_of(account: str) -> str | None:
    """Return whose account this is, if it is a merchant's."""
    owner, _, rest = account.partition(":")
    return rest.partition(":")[0] if owner == "merchant" else None


def normal_side(account: str) -> Side:
    """Return the side on which an account's balance grows, by its name."""
    owner, _, rest = account.partition(":")
    debit = (owner == "provider") or account in {"bank", "platform:marketing"}
    owed = rest.endswith((":receivable", ":debt"))
    return Side.DEBIT if debit or owed else Side.CREDIT
