"""An OIDC issuer for those who work here: operator, merchants, partners. Nobody is asked why."""

import re
import secrets
from base64 import b64decode
from collections.abc import Callable
from datetime import datetime
from functools import cache
from urllib.parse import parse_qsl, unquote_plus

from joserfc import jwt
from joserfc.jwk import RSAKey

from local.sandbox.keys import SandboxKeys
from local.sandbox.wire import Answer, Handler, Request, json_answer

AUDIENCE = "shoukuan"
TOKEN_SECONDS = 3600
CLIENT = re.compile(r"operator|(?P<kind>merchant|partner):(?P<id>[0-9A-Za-z_-]{1,64})")


class Issuer:
    """Discovery, keys, tokens by client credentials."""

    def __init__(
        self,
        *,
        keys: Callable[[], SandboxKeys],
        now: Callable[[], datetime],
        base_url: Callable[[Request], str],
    ) -> None:
        self._now = now
        self._base_url = base_url
        self._key = _signing_key(keys().oidc_private_key)

    def routes(self) -> dict[str, Handler]:
        """Return the issuer's three addresses."""
        return {
            "GET /oidc/.well-known/openid-configuration": self._configuration,
            "GET /oidc/jwks": self._jwks,
            "POST /oidc/token": self._token,
        }

    def _configuration(self, request: Request) -> Answer:
        issuer = self._issuer(request)
        return json_answer(
            200,
            {
                "issuer": issuer,
                "token_endpoint": f"{issuer}/token",
                "jwks_uri": f"{issuer}/jwks",
                "grant_types_supported": ["client_credentials"],
                "response_types_supported": ["token"],
                "subject_types_supported": ["public"],
                "scopes_supported": ["operator", "merchant", "partner"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                    "none",
                ],
            },
        )

    def _jwks(self, request: Request) -> Answer:
        del request
        return json_answer(200, {"keys": [self._key.as_dict(private=False)]})

    def _token(self, request: Request) -> Answer:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        if form.get("grant_type") != "client_credentials":
            return json_answer(400, {"error": "unsupported_grant_type"})
        client = CLIENT.fullmatch(form.get("client_id") or _basic_client(request))
        if not client:
            return json_answer(400, {"error": "invalid_client"})
        answer = json_answer(
            200,
            {
                "access_token": self._signed(request, client),
                "token_type": "Bearer",
                "expires_in": TOKEN_SECONDS,
                "scope": client["kind"] or "operator",
            },
        )
        return answer.adding({"Cache-Control": "no-store"})

    def _signed(self, request: Request, client: re.Match[str]) -> str:
        issued_at = int(self._now().timestamp())
        claims = {
            "iss": self._issuer(request),
            "aud": AUDIENCE,
            "sub": client[0],
            "scope": client["kind"] or "operator",
            "iat": issued_at,
            "exp": issued_at + TOKEN_SECONDS,
            "jti": secrets.token_hex(16),
        }
        if client["kind"]:
            claims[f"{client['kind']}_id"] = client["id"]
        return jwt.encode({"alg": "RS256", "kid": self._key.kid, "typ": "JWT"}, claims, self._key)

    def _issuer(self, request: Request) -> str:
        return f"{self._base_url(request)}/oidc"


@cache
def _signing_key(text: str) -> RSAKey:
    """Read the issuer's key, named by its thumbprint."""
    kid = RSAKey.import_key(text).thumbprint()
    return RSAKey.import_key(text, {"kid": kid, "use": "sig", "alg": "RS256"})


def _basic_client(request: Request) -> str:
    """Return the client of `Authorization: Basic`, whether or not its colon is escaped."""
    scheme, _, text = request.header("Authorization").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        parts = b64decode(text, validate=True).decode().split(":")
    except ValueError:
        return ""
    named = parts[:2] if parts[0] in {"merchant", "partner"} else parts[:1]
    return unquote_plus(":".join(named))
