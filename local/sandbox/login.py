"""Mini-program login (小程序登录): a code for an openid, refused in WeChat's own numbers."""

import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256

from local.sandbox.keys import SandboxKeys
from local.sandbox.wire import Answer, Handler, Request, compact

REFUSED = {
    -1: "system error",
    40002: "invalid grant_type",
    40013: "invalid appid",
    40029: "invalid code",
    40125: "invalid appsecret",
    40163: "code been used",
    41008: "missing code",
}


class Login:
    """`GET /sns/jscode2session`: every answer is a 200, as it is in life."""

    def __init__(self, keys: Callable[[], SandboxKeys]) -> None:
        self._keys = keys

    def routes(self) -> dict[str, Handler]:
        """Return the one call."""
        return {"GET /sns/jscode2session": self._session}

    def _session(self, request: Request) -> Answer:
        asked = dict(request.query)
        if refused := self._refused(asked):
            rid = "-".join(secrets.token_hex(4) for _ in range(3))
            return _told({"errcode": refused, "errmsg": f"{REFUSED[refused]}, rid: {rid}"})
        openid = openid_of(self._keys().app_id, asked["js_code"])
        session_key = b64encode(secrets.token_bytes(16)).decode()
        return _told({"session_key": session_key, "openid": openid})

    def _refused(self, asked: dict[str, str]) -> int | None:
        code = asked.get("js_code", "")
        for errcode, wrong in (
            (40013, asked.get("appid") != self._keys().app_id),
            (40125, asked.get("secret") != self._keys().app_secret),
            (40002, asked.get("grant_type") != "authorization_code"),
            (41008, not code),
            (40029, code.startswith("bad")),
            (40163, code.startswith("used")),
            (-1, code.startswith("busy")),
        ):
            if wrong:
                return errcode
        return None


def openid_of(app_id: str, code: str) -> str:
    """Return the openid that a code stands for: always the same one, 28 characters."""
    digest = sha256(f"{app_id}:{code}".encode()).digest()
    return "o" + urlsafe_b64encode(digest).decode()[:27]


def _told(answer: dict[str, object]) -> Answer:
    return Answer(200, compact(answer), {"Content-Type": "text/plain"})
