"""Who buys and who sells."""

from pydantic import AwareDatetime

from chalicelib.kernel.errors import NotFoundError
from chalicelib.kernel.ids import MemberId, MerchantId
from chalicelib.kernel.record import Record


class Member(Record):
    """A shopper (会员), known by an openid under our app. The openid never leaves the back end."""

    id: MemberId
    openid: str
    created_at: AwareDatetime


class Merchant(Record):
    """A merchant (商家)."""

    id: MerchantId
    name: str
    created_at: AwareDatetime


class MerchantNotFoundError(NotFoundError):
    """There is no such merchant, or it is not the caller."""

    code = "merchant_not_found"
