"""Signing in, and the register of merchants."""

from typing import Annotated

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Api, Call
from chalicelib.edge.limits import SIGN_IN
from chalicelib.edge.texts import Text64
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import MemberId, MerchantId, PartnerId
from chalicelib.people import wiring
from chalicelib.people.model import (
    LEVEL_DEFAULT,
    PARTNERS_MAX,
    SHARES_BASIS_POINTS_MAX,
    Merchant,
    MerchantNotFoundError,
    SharesOverCapError,
    Terms,
)
from chalicelib.providers.funds import ReceiverKind
from chalicelib.providers.port import LoginRefusedError

api = Api(__name__, authenticator=wiring.authenticator)

_PROVIDER = "wechat"


class OpenSession(BaseModel):
    """A mini-program's login code, from `wx.login`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    provider: Annotated[str, StringConstraints(pattern=f"^{_PROVIDER}$")]
    code: Annotated[str, StringConstraints(pattern=r"^[\x21-\x7e]{1,128}$")]


class MemberView(BaseModel):
    """A shopper, as the shopper sees it."""

    id: MemberId


class SessionView(BaseModel):
    """A token for the routes of shoppers."""

    token: str
    expires_at: AwareDatetime
    member: MemberView


class RegisterMerchant(BaseModel):
    """A merchant to be registered."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Text64


class PartnerShareBody(BaseModel):
    """What a partner earns of each order, and where the provider sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    partner_id: PartnerId
    basis_points: int = Field(ge=1, le=SHARES_BASIS_POINTS_MAX, strict=True)
    kind: ReceiverKind = ReceiverKind.MERCHANT
    account: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")]


class TermsBody(BaseModel):
    """What is agreed with a merchant; what is left out is as it was for a new merchant.

    `level` chooses its fees; `payee` is the openid of its owner, whom the platform pays; `seller`
    is its own merchant number at the provider, where the seller is the payee.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    level: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")] = LEVEL_DEFAULT
    payee: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,64}$")] | None = None
    seller: Annotated[str, StringConstraints(pattern=r"^[0-9]{6,32}$")] | None = None
    payouts_held: bool = Field(default=False, strict=True)
    partners: list[PartnerShareBody] = Field(default=[], max_length=PARTNERS_MAX)

    @model_validator(mode="after")
    def _each_partner_once(self) -> "TermsBody":
        for name in ("partner_id", "account"):
            if len({getattr(partner, name) for partner in self.partners}) != len(self.partners):
                raise ValueError(f"each {name} once: the provider takes a receiver once")
        return self


class MerchantView(BaseModel):
    """A registered merchant, and what was agreed with it."""

    id: MerchantId
    name: str
    terms: TermsBody
    created_at: AwareDatetime = Field(description="When it was registered")


@api.post(
    "/v1/sessions",
    body=OpenSession,
    answer=SessionView,
    status=201,
    limit=SIGN_IN,
    refusals=[LoginRefusedError],
)
def open_session(_call: Call, body: OpenSession) -> SessionView:
    """Let a shopper in by a mini-program's login code."""
    member = wiring.sign_in().sign_in(body.code)
    token, expires_at = wiring.sessions().open(member.id)
    return SessionView(token=token, expires_at=expires_at, member=MemberView(id=member.id))


@api.post(
    "/v1/merchants",
    scopes=[Scope.OPERATOR],
    body=RegisterMerchant,
    answer=MerchantView,
    status=201,
    idempotent=True,
    refusals=[IdempotencyKeyReusedError],
)
def register_merchant(call: Call, body: RegisterMerchant) -> MerchantView:
    """Register a merchant."""
    merchants = wiring.merchants()
    return _shown(
        merchants.register(body.name, caller=call.caller.subject, key=call.idempotency_key)
    )


@api.post(
    "/v1/merchants/{merchant_id}/terms",
    scopes=[Scope.OPERATOR],
    body=TermsBody,
    answer=MerchantView,
    refusals=[MerchantNotFoundError, SharesOverCapError],
)
def agree_terms(_call: Call, merchant_id: str, body: TermsBody) -> MerchantView:
    """Agree on a merchant's fees, shares and payee from now on; all of them are replaced."""
    terms = Terms.model_validate_json(body.model_dump_json())
    return _shown(wiring.merchants().agree(MerchantId.parse(merchant_id), terms))


@api.get(
    "/v1/merchants/{merchant_id}",
    scopes=[Scope.OPERATOR, Scope.MERCHANT],
    answer=MerchantView,
    refusals=[MerchantNotFoundError],
)
def get_merchant(call: Call, merchant_id: str) -> MerchantView:
    """Show a merchant to itself, or to an operator."""
    asked, only = MerchantId.parse(merchant_id), call.caller.only_merchant_id
    if only not in {None, asked}:
        raise MerchantNotFoundError("there is no such merchant")
    return _shown(wiring.merchants().get(asked))


def _shown(merchant: Merchant) -> MerchantView:
    return MerchantView(
        id=merchant.id,
        name=merchant.name,
        terms=TermsBody.model_validate_json(merchant.terms.model_dump_json()),
        created_at=merchant.created_at,
    )
