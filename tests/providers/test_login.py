"""Login: a code becomes an openid; refusals, and secrets that stay where they are."""

import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.kernel.errors import PlatformError
from chalicelib.providers.port import (
    Login,
    LoginRefusedError,
    ProviderOutcomeUnknownError,
    ProviderUnavailableError,
)
from chalicelib.providers.transport import Answer, NoAnswerError, NotSentError
from chalicelib.providers.wechat.login import WeChatLogin
from tests.providers import far_side as far

APP_SECRET = "0d8b9f5a4c3e2d1f0d8b9f5a4c3e2d1f"
SESSION_KEY = "tiihtNczf5v6AKRyjwEUhQ=="


def login(*steps: far.Step) -> tuple[WeChatLogin, far.Wire]:
    wire = far.Wire(list(steps))
    return WeChatLogin(far.APP_ID, APP_SECRET, "https://weixin.test/", wire), wire


def told(fields: object, status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": "text/plain"}, far.json_bytes(fields))


@pytest.mark.parametrize("more", [{}, {"errcode": 0, "errmsg": "ok"}, {"unionid": "u"}])
def test_a_code_becomes_an_openid(more: dict[str, Any]) -> None:
    desk, wire = login(told({"openid": "oUpF8", "session_key": SESSION_KEY} | more))
    at_the_port: Login = desk
    assert at_the_port.openid("0a3&b=c 收") == "oUpF8"
    parts = urlsplit(wire.calls[0].url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == (
        "https://weixin.test/sns/jscode2session"
    )
    assert parse_qs(parts.query) == {
        "appid": [far.APP_ID],
        "secret": [APP_SECRET],
        "js_code": ["0a3&b=c 收"],
        "grant_type": ["authorization_code"],
    }


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (told({"errcode": 40029, "errmsg": "invalid code"}), LoginRefusedError),
        (told({"errcode": 40163, "errmsg": "code been used"}), LoginRefusedError),
        (told({"errcode": 41008, "errmsg": "missing code"}), LoginRefusedError),
        (told({"errcode": 40226, "errmsg": "code blocked"}), LoginRefusedError),
        (told({"errcode": 45011, "errmsg": "minute limit"}), ProviderUnavailableError),
        (told({"errcode": -1, "errmsg": "system error"}), ProviderUnavailableError),
        (told({"errcode": 40125, "errmsg": "invalid appsecret"}), ProviderUnavailableError),
        (told({"errcode": 99999}), ProviderUnavailableError),
        (told({"errcode": [1]}), ProviderOutcomeUnknownError),
        (told({"openid": "o"}, status=429), ProviderUnavailableError),
        (NotSentError("NewConnectionError"), ProviderUnavailableError),
        (NoAnswerError("ReadTimeoutError"), ProviderOutcomeUnknownError),
        (told({"openid": "o"}, status=500), ProviderOutcomeUnknownError),
        (told({"openid": "o"}, status=302), ProviderOutcomeUnknownError),
        (told({}), ProviderOutcomeUnknownError),
        (told({"openid": ""}), ProviderOutcomeUnknownError),
        (told({"openid": None}), ProviderOutcomeUnknownError),
        (told({"openid": "o" * 129}), ProviderOutcomeUnknownError),
        (told(["openid"]), ProviderOutcomeUnknownError),
        (Answer(200, {}, b"<html>"), ProviderOutcomeUnknownError),
        (Answer(200, {}, b""), ProviderOutcomeUnknownError),
    ],
)
def test_what_else_a_login_comes_to(step: far.Step, error: type[PlatformError]) -> None:
    desk, _ = login(step)
    with pytest.raises(error) as caught:
        desk.openid("code")
    shown = repr(caught.value) + str(caught.value.facts)
    assert APP_SECRET not in shown
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("code", ["", "x" * 257])
def test_what_is_no_code_is_refused_here(code: str) -> None:
    desk, wire = login()
    with pytest.raises(LoginRefusedError):
        desk.openid(code)
    assert wire.calls == []


def test_half_a_character_is_sent_as_a_question_mark() -> None:
    desk, wire = login(told({"errcode": 40029}))
    with pytest.raises(LoginRefusedError):
        desk.openid("\ud800")
    assert "js_code=%3F" in wire.calls[0].url


def test_nothing_secret_is_shown_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    desk, _ = login(told({"openid": "oUpF8", "session_key": SESSION_KEY}))
    desk.openid("code")
    assert APP_SECRET not in repr(desk)
    assert caplog.text == ""
