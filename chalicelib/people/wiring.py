"""The room's collaborators in production."""

import zlib
from functools import cache, partial

from chalicelib import outside
from chalicelib.people.model import Merchant, RateTable
from chalicelib.people.store import PeopleStore
from chalicelib.people.usecases import Merchants, SignIn
from chalicelib.providers.wechat.login import WeChatLogin
from chalicelib.settings import settings

authenticator = outside.authenticator
sessions = outside.sessions


@outside.renewed
def sign_in() -> SignIn:
    """Return the way in for shoppers."""
    configured = settings()
    login = WeChatLogin(
        base_url=configured.wechat_api_base_url,
        app_id=configured.wechatpay_app_id,
        app_secret=outside.secret(configured.wechat_app_secret),
        app_secret_previous=outside.secret(configured.wechat_app_secret_previous),
        transport=outside.transport(),
        tell=partial(outside.tell_call, "wechat"),
    )
    return SignIn(
        people=PeopleStore(outside.table()),
        commits=outside.commits(),
        login=login,
        app_id=configured.wechatpay_app_id,
    )


@cache
def merchants() -> Merchants:
    """Return the register of merchants."""
    return Merchants(people=PeopleStore(outside.table()), commits=outside.commits(), rates=rates())


def payee_of(merchant: Merchant) -> str | None:
    """Return whom the platform pays; in development anybody without one gets a made-up one."""
    made_up = f"o_{merchant.id}" if settings().development_payees else None
    return merchant.terms.payee or made_up


def seller_of(merchant: Merchant) -> str | None:
    """Return a merchant's own number at the provider; in development a made-up one."""
    made_up = (
        f"19{zlib.crc32(merchant.id.encode()):010d}" if settings().development_payees else None
    )
    return merchant.terms.seller or made_up


@cache
def rates() -> RateTable:
    """Return the platform's fees."""
    configured = settings()
    return RateTable(
        default=configured.platform_fee_basis_points, rows=configured.platform_fee_rates
    )
