"""Signing in, and the register of merchants."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from chalicelib.edge.auth import Scope
from chalicelib.edge.http import Api, Call
from chalicelib.edge.texts import Text64
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import MemberId, MerchantId
from chalicelib.people import wiring
from chalicelib.people.model import Merchant, MerchantNotFoundError
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


class MerchantView(BaseModel):
    """A registered merchant."""

    id: MerchantId
    name: str
    created_at: AwareDatetime = Field(description="When it was registered")


@api.post(
    "/v1/sessions", body=OpenSession, answer=SessionView, status=201, refusals=[LoginRefusedError]
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
    return MerchantView(id=merchant.id, name=merchant.name, created_at=merchant.created_at)
