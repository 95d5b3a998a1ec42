"""Who buys and who sells."""

from collections.abc import Mapping
from enum import StrEnum

from pydantic import AwareDatetime

from chalicelib.kernel.errors import Kind, NotFoundError, PlatformError
from chalicelib.kernel.ids import MemberId, MerchantId, PartnerId
from chalicelib.kernel.record import Record
from chalicelib.providers.funds import ReceiverKind

LEVEL_DEFAULT = "standard"
SHARES_BASIS_POINTS_MAX = 3000
"""What of a payment may go to others than its seller: the provider's own limit by default."""

PARTNERS_MAX = 2
"""How many partners may share in one merchant's orders; each is a line of every release's entry."""


class Member(Record):
    """A shopper (会员), known by an openid under our app. The openid never leaves the back end."""

    id: MemberId
    openid: str
    created_at: AwareDatetime


class PartnerShare(Record):
    """What a partner earns of each of a merchant's orders, and where the provider sends it."""

    partner_id: PartnerId
    basis_points: int
    kind: ReceiverKind
    account: str


class Terms(Record):
    """What was agreed with a merchant (商家条款).

    `level` chooses its fees in the rate table. `payee` is its owner's openid under our app, whom
    the platform pays; `seller` is its own merchant number at the provider, where the seller is the
    payee. While `payouts_held` nothing is paid out.
    """

    level: str = LEVEL_DEFAULT
    payee: str | None = None
    seller: str | None = None
    payouts_held: bool = False
    partners: tuple[PartnerShare, ...] = ()


class Merchant(Record):
    """A merchant (商家)."""

    id: MerchantId
    name: str
    created_at: AwareDatetime
    terms: Terms = Terms()


class Capability(StrEnum):
    """What a merchant may be allowed to do."""

    PAYOUT = "payout"


class RateTable(Record):
    """The platform's fees in basis points (费率表), by merchant level and product category.

    Keys are `level/category`; `*` stands for any. The most telling row counts: first level and
    category, then the level's `level/*`, then `*/category`, then the default.
    """

    default: int
    rows: Mapping[str, int] = {}


class SharesOverCapError(PlatformError):
    """Fee and partners' shares together are over what may leave the seller."""

    kind = Kind.CONFLICT
    code = "shares_over_cap"


class MerchantNotFoundError(NotFoundError):
    """There is no such merchant, or it is not the caller."""

    code = "merchant_not_found"
