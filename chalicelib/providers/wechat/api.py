"""A mini-program's server calls (服务端接口): each carries an access token (接口调用凭据).

The token comes from `stable_token`, which gives every process the same one while it lives; so each
process keeps its own copy, and none needs to be stored. Only a forced refresh would end what others
hold: we never force one.
Source: WeChat's "获取稳定版接口调用凭据".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Lock
from typing import Any
from urllib.parse import quote

from chalicelib.kernel.clock import Clock
from chalicelib.kernel.strict_json import NotStrictJsonError, read_object
from chalicelib.providers.port import (
    Fate,
    ProviderOutcomeUnknownError,
    ProviderUnavailableError,
    TellCall,
    tell_nobody,
    told,
)
from chalicelib.providers.transport import Answer, NoAnswerError, NotSentError, Timeouts, Transport

ANSWER_BYTES_MAX = 1 << 18
TOKEN_LENGTH_MAX = 1024
_MARGIN_SECONDS = 300
_WRONG_SECRET = 40125
_TOKEN_REFUSED = frozenset({40001, 40014, 42001})  # wrong or expired
_BUSY = frozenset({-1, 45009, 45011})  # busy, or over a quota

Fields = Mapping[str, Any]


@dataclass
class WeChatApi:
    """Calls under our app's token; `errcode` 0 or any refusal comes back, for the caller to read.

    The secret and the token never reach a message or a log.
    """

    app_id: str
    app_secret: str = field(repr=False)
    base_url: str
    transport: Transport = field(repr=False)
    clock: Clock = field(repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    tell: TellCall = tell_nobody
    app_secret_previous: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._token = ""
        self._good_until = 0.0

    def call(self, path: str, body: Fields) -> Fields:
        """POST, with a fresh token once when the old one is refused.

        Raises `ProviderUnavailableError` (nothing happened) or `ProviderOutcomeUnknownError`.
        """
        with told(self.tell, "POST", path) as say:
            fields = self._called(path, body)
            say(Fate.REJECTED if errcode_of(fields) else Fate.ANSWERED)
        return fields

    def _called(self, path: str, body: Fields) -> Fields:
        token = self._current()
        fields = self._posted(path, body, token)
        if errcode_of(fields) in _TOKEN_REFUSED:
            self._forget(token)
            fields = self._posted(path, body, self._current())
        errcode = errcode_of(fields)
        if errcode in _BUSY or errcode in _TOKEN_REFUSED:
            raise ProviderUnavailableError("WeChat can't do it now", provider_code=errcode)
        return fields

    def _current(self) -> str:
        """Return the token, fetched by one thread for all when it is over."""
        with self._lock:
            if self.clock.monotonic() >= self._good_until:
                self._token, lives_seconds = self._fetched()
                margin = min(_MARGIN_SECONDS, lives_seconds // 2)
                self._good_until = self.clock.monotonic() + lives_seconds - margin
            return self._token

    def _forget(self, token: str) -> None:
        with self._lock:
            if self._token == token:
                self._good_until = 0.0

    def _fetched(self) -> tuple[str, int]:
        fields = self._token_asked(self.app_secret)
        if errcode_of(fields) == _WRONG_SECRET and self.app_secret_previous:
            fields = self._token_asked(self.app_secret_previous)
        token, lives_seconds = fields.get("access_token"), fields.get("expires_in")
        good = isinstance(token, str) and 0 < len(token) <= TOKEN_LENGTH_MAX
        if not good or type(lives_seconds) is not int or lives_seconds <= 0:
            raise ProviderUnavailableError(
                "WeChat gave no access token", provider_code=errcode_of(fields)
            )
        return str(token), lives_seconds

    def _token_asked(self, secret: str) -> Fields:
        asked = {
            "grant_type": "client_credential",
            "appid": self.app_id,
            "secret": secret,
            "force_refresh": False,
        }
        try:
            return self._posted("/cgi-bin/stable_token", asked)
        except ProviderOutcomeUnknownError:
            raise ProviderUnavailableError("WeChat gave no access token") from None

    def _posted(self, path: str, body: Fields, token: str = "") -> Fields:
        query = f"?access_token={quote(token, safe='')}" if token else ""
        try:
            answer = self.transport.send(
                "POST",
                f"{self.base_url.rstrip('/')}{path}{query}",
                {"Content-Type": "application/json", "Accept": "application/json"},
                json.dumps(body, ensure_ascii=False).encode(),
                self.timeouts,
            )
        except NotSentError:
            raise ProviderUnavailableError("WeChat can't be reached") from None
        except NoAnswerError:
            raise ProviderOutcomeUnknownError("WeChat gave no answer") from None
        return _fields_in(answer)


def errcode_of(fields: Fields) -> int:
    """Return what WeChat says of a call: 0 when it was done, which it may leave out."""
    errcode = fields.get("errcode", 0)
    if type(errcode) is not int:
        raise ProviderOutcomeUnknownError("WeChat's answer can't be read")
    return errcode


def _fields_in(answer: Answer) -> Fields:
    """Return the answer's fields; WeChat answers 200 whatever it has to say."""
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS:
        raise ProviderUnavailableError("WeChat is too busy")
    if answer.status != HTTPStatus.OK:
        raise ProviderOutcomeUnknownError("WeChat gave no answer", http_status=answer.status)
    try:
        return read_object(answer.body, bytes_max=ANSWER_BYTES_MAX)
    except NotStrictJsonError:
        raise ProviderOutcomeUnknownError("WeChat's answer can't be read") from None
