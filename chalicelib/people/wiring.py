"""The room's collaborators in production."""

from functools import cache

from chalicelib import outside
from chalicelib.people.store import PeopleStore
from chalicelib.people.usecases import Merchants, SignIn
from chalicelib.providers.wechat.login import WeChatLogin
from chalicelib.settings import settings

authenticator = outside.authenticator
sessions = outside.sessions


@cache
def sign_in() -> SignIn:
    """Return the way in for shoppers."""
    configured = settings()
    login = WeChatLogin(
        base_url=configured.wechat_api_base_url,
        app_id=configured.wechatpay_app_id,
        app_secret=outside.secret(configured.wechat_app_secret),
        transport=outside.transport(),
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
    return Merchants(people=PeopleStore(outside.table()), commits=outside.commits())
