"""Notifications as WeChat Pay sends them, signed with the sandbox's keys."""

import base64
import json
import os
import time
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from local.sandbox.keys import SandboxKeys, private_key


@dataclass(frozen=True, slots=True)
class Notification:
    """The bytes and headers of one delivery, and whose payment it is about."""

    headers: dict[str, str]
    body: bytes
    payment_id: str
    attach: str


def notification(
    keys: SandboxKeys,
    *,
    payment_id: str,
    attach: str,
    total: int,
    timestamp: int | None = None,
    **otherwise: Any,
) -> Notification:
    """Seal and sign a TRANSACTION.SUCCESS; `otherwise` replaces what it would say."""
    plain = {
        "mchid": keys.mch_id,
        "appid": keys.app_id,
        "out_trade_no": payment_id,
        "transaction_id": f"42000{payment_id[-23:]}",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": attach,
        "success_time": "2026-11-24T16:00:00+08:00",
        "payer": {"openid": "o_bench"},
        "amount": {
            "total": total,
            "payer_total": total,
            "currency": "CNY",
            "payer_currency": "CNY",
        },
    } | otherwise
    body = json.dumps(_sealed(keys, plain)).encode()
    at = int(time.time()) if timestamp is None else timestamp
    return Notification(signed_headers(keys, body, at), body, payment_id, attach)


def signed_headers(keys: SandboxKeys, body: bytes, timestamp: int) -> dict[str, str]:
    """Return the headers under which WeChat Pay sends these bytes."""
    nonce = os.urandom(16).hex()
    message = b"\n".join([str(timestamp).encode(), nonce.encode(), body, b""])
    key = private_key(keys.public_key_private)
    signature = base64.b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()
    return {
        "Content-Type": "application/json",
        "Wechatpay-Timestamp": str(timestamp),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": keys.public_key_id,
        "Wechatpay-Signature": signature,
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    }


def _sealed(keys: SandboxKeys, plain: dict[str, Any]) -> dict[str, Any]:
    nonce = os.urandom(6).hex()
    ciphertext = AESGCM(keys.api_v3_key.encode()).encrypt(
        nonce.encode(), json.dumps(plain).encode(), b"transaction"
    )
    return {
        "id": os.urandom(8).hex(),
        "create_time": "2026-11-24T16:00:00+08:00",
        "resource_type": "encrypt-resource",
        "event_type": "TRANSACTION.SUCCESS",
        "summary": "支付成功",
        "resource": {
            "original_type": "transaction",
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(ciphertext).decode(),
            "associated_data": "transaction",
            "nonce": nonce,
        },
    }
