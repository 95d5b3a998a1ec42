"""WeChat's pushes to a mini-program's server (消息推送), in safe mode (安全模式) and nothing else.

The plain `signature` does not cover the body; `msg_signature` covers what is encrypted, and the
app's id stands inside.
Source: WeChat's "消息加解密说明".
"""

import hashlib
import hmac
from base64 import b64decode
from binascii import Error as NotBase64Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from chalicelib.kernel.strict_json import NotStrictJsonError, read_object
from chalicelib.providers.port import NotificationRefusedError
from chalicelib.providers.shipping import Pushed

BODY_BYTES_MAX = 1 << 18
TEXT_LENGTH_MAX = 256
_AES_BLOCK, _PADDED_BLOCK = 16, 32
_RANDOM_BYTES, _LENGTH_BYTES = 16, 4
_KEY_CHARACTERS = 43


@dataclass(frozen=True, slots=True)
class WeChatPushes:
    """Reads pushes with the token and the EncodingAESKey that were set in WeChat's console."""

    app_id: str
    token: str = field(repr=False)
    encoding_aes_key: str = field(repr=False)
    token_previous: str = field(default="", repr=False)
    encoding_aes_key_previous: str = field(default="", repr=False)
    """What was set there before, while it is being changed; each may change by itself."""

    def __post_init__(self) -> None:
        for key in self._keys():
            assert len(key) == _KEY_CHARACTERS, "an EncodingAESKey has 43 characters"

    def echo(self, parameters: Mapping[str, str]) -> str:
        """Return what proves to WeChat that this address is ours (服务器验证)."""
        self._check(parameters, "signature")
        echostr = parameters.get("echostr", "")
        if not echostr.isascii() or not echostr.isprintable() or len(echostr) > TEXT_LENGTH_MAX:
            raise NotificationRefusedError("nothing to echo", reason="body")
        return echostr

    def read(self, parameters: Mapping[str, str], body: bytes) -> Pushed:
        """Verify and open a push, or raise `NotificationRefusedError`."""
        sealed = _object(body).get("Encrypt")
        if not isinstance(sealed, str):
            raise NotificationRefusedError("choose the safe mode and JSON", reason="body")
        self._check(parameters, "msg_signature", sealed)
        told = _object(self._opened_with_either(sealed))
        return Pushed(
            event=_text(told, "Event"),
            number=_text(told, "merchant_trade_no"),
            transaction_id=_text(told, "transaction_id"),
        )

    def _check(self, parameters: Mapping[str, str], name: str, *sealed: str) -> None:
        """Compare a signature: the SHA-1 of the sorted parts."""
        given = parameters.get(name, "")
        told = [parameters.get("timestamp", ""), parameters.get("nonce", ""), *sealed]
        for token in filter(None, (self.token, self.token_previous)):
            text = "".join(sorted([token, *told])).encode()
            ours = hashlib.sha1(text, usedforsecurity=False).hexdigest()  # WeChat's choice
            if hmac.compare_digest(ours.encode(), given.encode()):
                return
        raise NotificationRefusedError("the push is not WeChat's", reason="signature")

    def _keys(self) -> tuple[str, ...]:
        return tuple(filter(None, (self.encoding_aes_key, self.encoding_aes_key_previous)))

    def _opened_with_either(self, sealed: str) -> bytes:
        *first, last = self._keys()
        for key in first:
            try:
                return self._opened(sealed, key)
            except NotificationRefusedError:
                continue
        return self._opened(sealed, last)

    def _opened(self, sealed: str, encoding_aes_key: str) -> bytes:
        """Decrypt: 16 random bytes, the length, the message, and whose app it is."""
        key = b64decode(f"{encoding_aes_key}=")
        try:
            ciphertext = b64decode(sealed, validate=True)
        except NotBase64Error:
            raise _unsealed() from None
        if not ciphertext or len(ciphertext) % _AES_BLOCK:
            raise _unsealed()
        decryptor = Cipher(AES256(key), CBC(key[:_AES_BLOCK])).decryptor()
        plain = decryptor.update(ciphertext) + decryptor.finalize()
        if not 1 <= plain[-1] <= _PADDED_BLOCK:
            raise _unsealed()
        content = plain[_RANDOM_BYTES : -plain[-1]]
        end = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES])
        if end > len(content):
            raise _unsealed()
        if content[end:] != self.app_id.encode():
            raise NotificationRefusedError("the push is another app's", reason="app")
        return content[_LENGTH_BYTES:end]


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        return read_object(raw, bytes_max=BODY_BYTES_MAX)
    except NotStrictJsonError:
        raise NotificationRefusedError("the push can't be read", reason="body") from None


def _text(told: Mapping[str, Any], name: str) -> str:
    value = told.get(name, "")
    return value[:TEXT_LENGTH_MAX] if isinstance(value, str) else ""


def _unsealed() -> NotificationRefusedError:
    return NotificationRefusedError("the push can't be opened", reason="ciphertext")
