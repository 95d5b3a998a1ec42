"""Who may call, and as what: what every route needs to know of a caller.

How a caller is known is `auth.py`'s, which loads the libraries for it; a function whose routes ask
for nobody, such as the notifications', never does.
"""

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.kernel.errors import Kind, PlatformError
from chalicelib.kernel.ids import MemberId, MerchantId


class Scope(StrEnum):
    """What a caller is."""

    MEMBER = "member"
    MERCHANT = "merchant"
    OPERATOR = "operator"
    PARTNER = "partner"


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified caller."""

    subject: str
    scopes: frozenset[Scope]
    merchant_id: MerchantId | None = None

    @property
    def member_id(self) -> MemberId:
        """Return the shopper's id; only members' routes ask."""
        assert Scope.MEMBER in self.scopes
        return MemberId.parse(self.subject)

    @property
    def own_merchant_id(self) -> MerchantId:
        """Return the merchant's id; only merchants' routes ask."""
        assert self.merchant_id is not None
        return self.merchant_id

    @property
    def only_merchant_id(self) -> MerchantId | None:
        """Return the one merchant whose things are shown; None for an operator, who sees all."""
        return None if Scope.OPERATOR in self.scopes else self.own_merchant_id


class UnauthenticatedError(PlatformError):
    """No token, or one that does not verify."""

    kind = Kind.UNAUTHENTICATED
    code = "unauthenticated"


class ForbiddenError(PlatformError):
    """The token is good, but not for this."""

    kind = Kind.FORBIDDEN
    code = "forbidden"
