"""Pushes to a mini-program's server (消息推送), in safe mode: sealed, signed, tried thrice."""

import hashlib
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urljoin

import urllib3
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

from local.sandbox.keys import SandboxKeys
from local.sandbox.orders import Delivery, Order
from local.sandbox.parcel import Parcel
from local.sandbox.wire import compact

EVENT = "trade_manage_order_settlement"
DOOR = "/v1/notifications/wechat"
"""Where pushes knock, at the host of the payment's own notify_url: WeChat's console has it set."""

TRIES = 3
ANSWER_SECONDS_MAX = 5
_BLOCK = 32


class Pushes:
    """The other postman: pushes carry no APIv3 signature."""

    def __init__(self, keys: Callable[[], SandboxKeys], *, now: Callable[[], datetime]) -> None:
        self._keys = keys
        self._now = now
        self._pool = urllib3.PoolManager(maxsize=16, timeout=urllib3.Timeout(ANSWER_SECONDS_MAX))

    def settlement(self, order: Order, parcel: Parcel, **tampered: str) -> list[Delivery]:
        """Tell that a parcel was shipped, received or settled; stop when it was taken."""
        told: dict[str, Any] = {
            "ToUserName": "gh_sandbox",
            "FromUserName": order.prepay.payers.get("openid", ""),
            "CreateTime": int(parcel.shipped_at.timestamp()),
            "MsgType": "event",
            "Event": EVENT,
            "transaction_id": order.transaction_id,
            "merchant_id": self._keys().mch_id,
            "merchant_trade_no": order.out_trade_no,
            "shipped_time": int(parcel.shipped_at.timestamp()),
        }
        if parcel.received_at is not None:
            told["confirm_receive_time"] = int(parcel.received_at.timestamp())
        if parcel.settled_at is not None:
            told["settlement_time"] = int(parcel.settled_at.timestamp())
        url = urljoin(order.prepay.notify_url, DOOR)
        deliveries: list[Delivery] = []
        while len(deliveries) < TRIES and not (deliveries and deliveries[-1].acknowledged):
            deliveries.append(self._posted(url, told | tampered))
        return deliveries

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _posted(self, url: str, told: dict[str, Any]) -> Delivery:
        keys, now = self._keys(), self._now()
        sealed = encrypted(keys, compact(told))
        query = urlencode(signed(keys, sealed))
        try:
            answer = self._pool.request(
                "POST",
                f"{url}?{query}",
                body=compact({"ToUserName": told["ToUserName"], "Encrypt": sealed}),
                headers={"Content-Type": "application/json"},
                retries=False,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            return Delivery(at=now, status=None, reason=type(error).__name__)
        taken = answer.data in {b"success", b""}
        return Delivery(at=now, status=answer.status if taken else 500, reason=answer.reason or "")


def encrypted(keys: SandboxKeys, message: bytes) -> str:
    """Seal a message: 16 random bytes, its length, itself, the app's id; AES-256-CBC, PKCS#7."""
    key = b64decode(f"{keys.push_aes_key}=")
    plain = secrets.token_bytes(16) + len(message).to_bytes(4) + message + keys.app_id.encode()
    padding = _BLOCK - len(plain) % _BLOCK
    encryptor = Cipher(AES256(key), CBC(key[:16])).encryptor()
    ciphertext = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    return b64encode(ciphertext).decode()


def signed(keys: SandboxKeys, sealed: str) -> dict[str, str]:
    """Return the query: the signature over the query itself, and the one that covers the body."""
    timestamp, nonce = str(int(time.time())), str(secrets.randbelow(10**10))
    return {
        "signature": _sha1(keys.push_token, timestamp, nonce),
        "timestamp": timestamp,
        "nonce": nonce,
        "encrypt_type": "aes",
        "msg_signature": _sha1(keys.push_token, timestamp, nonce, sealed),
    }


def _sha1(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()
