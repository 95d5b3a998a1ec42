"""A mini-program's login (小程序登录): a code, used once, becomes the shopper's openid.

The answer also holds a `session_key`; it is dropped here, neither kept nor logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from chalicelib.kernel.strict_json import NotStrictJsonError, read_object
from chalicelib.providers.port import (
    Fate,
    LoginRefusedError,
    ProviderOutcomeUnknownError,
    ProviderUnavailableError,
    TellCall,
    tell_nobody,
    told,
)
from chalicelib.providers.transport import Answer, NoAnswerError, NotSentError, Timeouts, Transport

CODE_LENGTH_MAX = 256
ANSWER_BYTES_MAX = 1 << 14
OPENID_LENGTH_MAX = 128
WRONG_SECRET = 40125

_PATH = "/sns/jscode2session"
_REFUSED = frozenset(
    {
        40029,  # no such code
        40163,  # used before
        41008,  # no code
        40226,  # a user at risk
    }
)


@dataclass(frozen=True, slots=True)
class WeChatLogin:
    """Asks WeChat who the shopper is under our app (the port's `Login`)."""

    app_id: str
    app_secret: str = field(repr=False)
    base_url: str
    transport: Transport = field(repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    tell: TellCall = tell_nobody
    app_secret_previous: str = field(default="", repr=False)

    def openid(self, code: str) -> str:
        """Return the shopper's openid, or raise what WeChat said."""
        if not 0 < len(code) <= CODE_LENGTH_MAX:
            raise LoginRefusedError("no login code has this length")
        with told(self.tell, "GET", _PATH) as say:
            openid = self._asked(code)
            say(Fate.ANSWERED)
        return openid

    def _asked(self, code: str) -> str:
        """Ask with the secret before, where this one is not (or no longer) WeChat's."""
        fields = self._fields(code, self.app_secret)
        if fields.get("errcode") == WRONG_SECRET and self.app_secret_previous:
            fields = self._fields(code, self.app_secret_previous)
        return _openid_in(fields)

    def _fields(self, code: str, secret: str) -> Mapping[str, Any]:
        try:
            answer = self.transport.send(
                "GET", self._url(code, secret), {"Accept": "application/json"}, b"", self.timeouts
            )
        except NotSentError:
            raise ProviderUnavailableError("WeChat can't be reached") from None
        except NoAnswerError:
            raise ProviderOutcomeUnknownError("WeChat gave no answer to the login") from None
        return _fields_in(answer)

    def _url(self, code: str, secret: str) -> str:
        query = urlencode(
            {
                "appid": self.app_id,
                "secret": secret,
                "js_code": code,
                "grant_type": "authorization_code",
            },
            errors="replace",
        )
        return f"{self.base_url.rstrip('/')}{_PATH}?{query}"


def _fields_in(answer: Answer) -> Mapping[str, Any]:
    """Return the answer's fields; WeChat answers 200 whatever it has to say."""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise ProviderUnavailableError("WeChat is too busy for logins")
    if answer.status != HTTPStatus.OK:
        raise ProviderOutcomeUnknownError("WeChat gave no answer to the login")
    try:
        return read_object(answer.body, bytes_max=ANSWER_BYTES_MAX)
    except NotStrictJsonError:
        raise ProviderOutcomeUnknownError("WeChat's answer can't be read") from None


def _openid_in(fields: Mapping[str, Any]) -> str:
    """Return the openid, or raise: a refusal is the shopper's, all else is ours or WeChat's."""
    errcode = fields.get("errcode", 0)
    if not isinstance(errcode, int):
        raise ProviderOutcomeUnknownError("WeChat's answer can't be read")
    if errcode in _REFUSED:
        raise LoginRefusedError("WeChat refuses this login code", provider_code=errcode)
    if errcode != 0:
        raise ProviderUnavailableError("WeChat can't log in now", provider_code=errcode)
    openid = fields.get("openid")
    if not isinstance(openid, str) or not 0 < len(openid) <= OPENID_LENGTH_MAX:
        raise ProviderOutcomeUnknownError("WeChat's answer names nobody")
    return openid
