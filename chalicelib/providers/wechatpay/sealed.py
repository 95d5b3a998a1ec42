"""Sealed resources: AES-256-GCM under the APIv3 key, current or previous."""

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.verify import base64_bytes

ALGORITHM = "AEAD_AES_256_GCM"
NONCE_BYTES = 12


class SealKeys:
    """The APIv3 key (APIv3密钥), and the previous one while older messages are still on the way."""

    __slots__ = ("_ciphers",)

    def __init__(self, current: str, previous: str | None = None) -> None:
        keys = [current] if previous is None else [current, previous]
        self._ciphers = [AESGCM(key.encode("ascii")) for key in keys]

    def open(self, resource: Mapping[str, Any]) -> bytes:
        """Return what is inside, or raise `DoubtError`."""
        if resource.get("algorithm") != ALGORITHM:
            raise DoubtError("sealed by an algorithm we don't know", reason="ciphertext")
        ciphertext = _sealed_bytes(resource.get("ciphertext"))
        nonce = _text_bytes(resource.get("nonce"))
        aad = _text_bytes(_or_empty(resource.get("associated_data")))
        if len(nonce) != NONCE_BYTES:
            raise DoubtError("the nonce has another length", reason="ciphertext")
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, ciphertext, aad)
            except InvalidTag:
                continue
        raise DoubtError("the seal is broken, or made with another key", reason="ciphertext")


def _sealed_bytes(value: object) -> bytes:
    content = base64_bytes(value) if isinstance(value, str) else None
    if content is None:
        raise DoubtError("the ciphertext is no base64", reason="ciphertext")
    return content


def _or_empty(value: object) -> object:
    return "" if value is None else value


def _text_bytes(value: object) -> bytes:
    if not isinstance(value, str):
        raise DoubtError("a seal's part is no text", reason="ciphertext")
    return value.encode()
