"""The least that a notification needs: the same verification, the same commit, and no house."""

import base64
import json
import os
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

Wire = dict[str, Any]

MAIN, LOG = "shoukuan-local-main", "shoukuan-local-log"


class Bare:
    """A script as one writes it in an hour."""

    def __init__(self, client: Any, *, public_key: str, api_v3_key: str) -> None:
        self._client = client
        key = load_pem_public_key(public_key.encode())
        assert isinstance(key, RSAPublicKey)
        self._key = key
        self._cipher = AESGCM(api_v3_key.encode())

    def __call__(self, headers: dict[str, str], body: bytes) -> None:
        """Verify, open, and commit the same four items under the same conditions."""
        message = b"\n".join(
            [
                headers["Wechatpay-Timestamp"].encode(),
                headers["Wechatpay-Nonce"].encode(),
                body,
                b"",
            ]
        )
        signature = base64.b64decode(headers["Wechatpay-Signature"])
        self._key.verify(signature, message, PKCS1v15(), SHA256())
        resource = json.loads(body)["resource"]
        plain = json.loads(
            self._cipher.decrypt(
                resource["nonce"].encode(),
                base64.b64decode(resource["ciphertext"]),
                resource["associated_data"].encode(),
            )
        )
        self._client.transact_write_items(
            ClientRequestToken=os.urandom(16).hex(), TransactItems=_items(plain)
        )


def _items(plain: dict[str, Any]) -> list[dict[str, Any]]:
    payment, (order, _, merchant) = plain["out_trade_no"], plain["attach"].partition("/")
    now = datetime.now(UTC).isoformat()
    entry = json.dumps(
        {
            "id": f"ent_{payment[4:]}",
            "kind": "payment_captured",
            "key": f"captured/{payment}",
            "posted_at": now,
            "reference": plain["transaction_id"],
            "order_id": order,
            "postings": [
                _posting("provider:wechatpay:clearing", "debit", plain["amount"]["total"]),
                _posting(f"merchant:{merchant}:held", "credit", plain["amount"]["total"]),
            ],
        }
    )
    return [
        _journal_put(payment, entry),
        _outbox_put(payment, entry, now),
        _payment_update(payment, order, merchant, plain),
        _order_update(order, plain),
    ]


def _journal_put(payment: str, entry: str) -> Wire:
    return {
        "Put": {
            "TableName": MAIN,
            "Item": {
                "pk": {"S": f"captured/{payment}"},
                "sk": {"S": "entry"},
                "entry": {"S": entry},
            },
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _outbox_put(payment: str, entry: str, now: str) -> Wire:
    return {
        "Put": {
            "TableName": LOG,
            "Item": {
                "pk": {"S": f"P#{os.urandom(1)[0] % 16:02d}"},
                "sk": {"S": payment[4:]},
                "kind": {"S": "payment.captured"},
                "about": {"S": payment},
                "at": {"S": now},
                "entry": {"S": entry},
            },
        }
    }


def _payment_update(payment: str, order: str, merchant: str, plain: Wire) -> Wire:
    total = str(plain["amount"]["total"])
    return {
        "Update": {
            "TableName": MAIN,
            "Key": {"pk": {"S": order}, "sk": {"S": f"payment/{payment}"}},
            "UpdateExpression": "SET #s = :c, transaction_id = :t, paid_at = :p, late = :l",
            "ConditionExpression": (
                "#s IN (:a, :b, :d) AND amount = :m AND currency = :y"
                " AND merchant = :r AND provider = :w"
            ),
            "ExpressionAttributeNames": {"#s": "state"},
            "ExpressionAttributeValues": {
                ":c": {"S": "captured"},
                ":t": {"S": plain["transaction_id"]},
                ":p": {"S": plain["success_time"]},
                ":l": {"BOOL": False},
                ":a": {"S": "closed"},
                ":b": {"S": "failed"},
                ":d": {"S": "pending"},
                ":m": {"N": total},
                ":y": {"S": plain["amount"]["currency"]},
                ":r": {"S": merchant},
                ":w": {"S": "wechatpay"},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _order_update(order: str, plain: Wire) -> Wire:
    total = str(plain["amount"]["total"])
    return {
        "Update": {
            "TableName": MAIN,
            "Key": {"pk": {"S": order}, "sk": {"S": "head"}},
            "UpdateExpression": "SET #s = :p, due = :z ADD held :m",
            "ConditionExpression": "#s = :u AND due = :m AND currency = :y",
            "ExpressionAttributeNames": {"#s": "state"},
            "ExpressionAttributeValues": {
                ":p": {"S": "paid"},
                ":z": {"N": "0"},
                ":m": {"N": total},
                ":u": {"S": "unpaid"},
                ":y": {"S": plain["amount"]["currency"]},
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _posting(account: str, side: str, amount: int) -> dict[str, Any]:
    return {
        "account": account,
        "side": side,
        "amount": {"amount": amount, "currency": "CNY"},
    }
