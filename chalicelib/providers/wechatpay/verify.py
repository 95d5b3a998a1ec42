"""Is it WeChat Pay's? Decided on the raw bytes, before anything is parsed; no network, no disk."""

import re
from binascii import Error as NotBase64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from chalicelib.kernel.clock import milliseconds
from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.keys import KeyRing
from chalicelib.providers.wechatpay.signing import SCHEME, lines

WINDOW_SECONDS = 300
SIGN_TEST = "WECHATPAY/SIGNTEST/"
_PREFIX = "wechatpay-"
_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)
# A newline in the nonce would move the border between nonce and body.
_NONCE = re.compile(r"[!-~]{1,128}", re.ASCII)
_PADDING = PKCS1v15()
_HASH = SHA256()


def verify(headers: Mapping[str, str], body: bytes, *, ring: KeyRing, now: datetime) -> None:
    """Return if these bytes were signed by a key we believe, just now; else raise `DoubtError`."""
    signed = _signature_headers(headers)
    timestamp = _matching(signed, "timestamp", _TIMESTAMP)
    nonce = _matching(signed, "nonce", _NONCE)
    if signed.get("signature-type", SCHEME) != SCHEME:
        raise DoubtError("another signature type than ours", reason="headers")
    if "serial" not in signed or "signature" not in signed:
        raise DoubtError("the signature's headers are missing", reason="headers")
    if abs(milliseconds(now) // 1000 - int(timestamp)) >= WINDOW_SECONDS:
        raise DoubtError("signed too long ago, or in the future", reason="stale")
    key = ring.find(signed["serial"], now)
    if key is None:
        raise DoubtError("signed under a serial we don't know", reason="serial")
    signature = base64_bytes(signed["signature"])
    if signature is None:
        raise DoubtError("the signature is no base64", reason="signature")
    try:
        key.verify(signature, lines(timestamp.encode(), nonce.encode(), body), _PADDING, _HASH)
    except InvalidSignature:
        raise DoubtError("the signature is not WeChat Pay's", reason="signature") from None


def is_signed(headers: Mapping[str, str]) -> bool:
    """Tell whether there is a signature at all, good or bad."""
    return any(name.lower() == "wechatpay-signature" for name in headers)


def is_sign_test(headers: Mapping[str, str]) -> bool:
    """Tell whether WeChat Pay tries us with a signature that is meant to fail (签名探测)."""
    return any(
        name.lower() == "wechatpay-signature" and value.startswith(SIGN_TEST)
        for name, value in headers.items()
    )


def base64_bytes(text: str) -> bytes | None:
    """Read base64 in its one canonical spelling, so that no other text means the same bytes."""
    try:
        content = a2b_base64(text, strict_mode=True)
    except (NotBase64Error, ValueError):
        return None
    return content if b2a_base64(content, newline=False).decode("ascii") == text else None


def _signature_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the `Wechatpay-…` headers by the rest of their name, looked up without case."""
    signed: dict[str, str] = {}
    for name, value in headers.items():
        folded = name.lower()
        if not folded.startswith(_PREFIX):
            continue
        rest = folded[len(_PREFIX) :]
        if rest in signed:
            raise DoubtError("a signature header occurs twice", reason="headers")
        signed[rest] = value
    return signed


def _matching(signed: Mapping[str, str], name: str, pattern: re.Pattern[str]) -> str:
    value = signed.get(name, "")
    if not pattern.fullmatch(value):
        raise DoubtError(f"no {name} that can be read", reason="headers")
    return value
