"""The merchant's side, played for tests: signed calls, a verifier, a place to be notified."""

import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Thread
from typing import Any

import urllib3
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from local.sandbox import SandboxKeys, environment

JSAPI = "/v3/pay/transactions/jsapi"
BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
BILL_NO = "pyo01KAMBPZR0000000000000000"
NUMBER = "pay_01KAMBPZR0000000000000000A"
WAIT_SECONDS_MAX = 10
Headers = dict[str, str]


class Clock:
    """A clock that moves when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, **step: int) -> None:
        self.time += timedelta(**step)


@dataclass(frozen=True)
class Reply:
    """An answer, with header names in lower case."""

    status: int
    headers: Headers
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["code"])


@dataclass
class Shop:
    """A merchant with its keys, who calls the sandbox at `address`."""

    keys: SandboxKeys
    address: str
    now: Callable[[], datetime]
    notify_url: str = "https://shop.test/notifications"
    pool: urllib3.PoolManager = field(
        default_factory=lambda: urllib3.PoolManager(retries=False, timeout=10)
    )

    def call(
        self, method: str, target: str, value: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Call with a good signature; `value` is JSON, or bytes as they are."""
        body = value if isinstance(value, bytes) else json.dumps(value).encode() if value else b""
        signed = self.signed(method, target, body)
        return self.send(method, target, body, {**signed, **(headers or {})})

    def send(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        answer = self.pool.request(
            method, self.address + target, body=body, headers=headers, redirect=False
        )
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status, lower, answer.data)

    def control(self, call: str, /, **value: Any) -> Reply:
        body = json.dumps(value).encode()
        return self.send("POST", f"/control/{call}", body, {"Content-Type": "application/json"})

    def listed(self, path: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.send("GET", f"/control/{path}", b"", {}).json["items"]
        return items

    def form(self, number: str = NUMBER, **changed: Any) -> dict[str, Any]:
        """Return the smallest good prepay, changed."""
        return {
            "appid": self.keys.app_id,
            "mchid": self.keys.mch_id,
            "description": "一杯拿铁",
            "out_trade_no": number,
            "notify_url": self.notify_url,
            "amount": {"total": 1999, "currency": "CNY"},
            "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        } | changed

    def prepaid(self, number: str = NUMBER, **changed: Any) -> str:
        reply = self.call("POST", JSAPI, self.form(number, **changed))
        assert reply.status == 200, reply.body
        return str(reply.json["prepay_id"])

    def query(self, number: str = NUMBER) -> Reply:
        path = f"/v3/pay/transactions/out-trade-no/{number}"
        return self.call("GET", f"{path}?mchid={self.keys.mch_id}")

    def close(self, number: str = NUMBER) -> Reply:
        path = f"/v3/pay/transactions/out-trade-no/{number}/close"
        return self.call("POST", path, {"mchid": self.keys.mch_id})

    def transfer_form(self, number: str = BILL_NO, **changed: Any) -> dict[str, Any]:
        """Return a good transfer, changed."""
        return {
            "appid": self.keys.app_id,
            "out_bill_no": number,
            "transfer_scene_id": "1005",
            "openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
            "transfer_amount": 500,
            "transfer_remark": "佣金",
            "notify_url": self.notify_url,
            "transfer_scene_report_infos": [{"info_type": "岗位类型", "info_content": "推广员"}],
        } | changed

    def transfer(self, number: str = BILL_NO, **changed: Any) -> Reply:
        return self.call("POST", BILLS, self.transfer_form(number, **changed))

    def bill(self, number: str = BILL_NO) -> Reply:
        return self.call("GET", f"{BILLS}/out-bill-no/{number}")

    def signed(self, method: str, target: str, body: bytes) -> Headers:
        """Return the headers of a good request that asks for answers by the public key."""
        return {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "shop",
            "Wechatpay-Serial": self.keys.public_key_id,
            "Authorization": authorization(self.claims(method, target, body)),
        }

    def claims(
        self, method: str, target: str, body: bytes, timestamp: int | None = None
    ) -> Headers:
        """Sign a request; return the pairs of its Authorization."""
        at = str(timestamp if timestamp is not None else int(self.now().timestamp()))
        nonce = secrets.token_hex(16)
        message = f"{method}\n{target}\n{at}\n{nonce}\n".encode() + body + b"\n"
        key = private_key(self.keys.merchant_private_key)
        return {
            "mchid": self.keys.mch_id,
            "nonce_str": nonce,
            "signature": b64encode(key.sign(message, PKCS1v15(), SHA256())).decode(),
            "timestamp": at,
            "serial_no": self.keys.merchant_serial_no,
        }


def authorization(claims: Mapping[str, str], scheme: str = "WECHATPAY2-SHA256-RSA2048") -> str:
    return f"{scheme} " + ",".join(f'{name}="{value}"' for name, value in claims.items())


@cache
def private_key(text: str) -> Any:
    return load_pem_private_key(text.encode(), None)


def public_keys(keys: SandboxKeys) -> dict[str, RSAPublicKey]:
    """Return what a merchant knows of WeChat Pay's keys, by serial."""
    known: dict[str, Any] = {
        keys.public_key_id: load_pem_public_key(
            environment(keys, "")["WECHATPAY_PUBLIC_KEY"].encode()
        )
    }
    for each in keys.platform:
        certificate = load_pem_x509_certificate(each.certificate.encode())
        known[each.serial_no] = certificate.public_key()
    return known


def is_signed(keys: SandboxKeys, headers: Mapping[str, str], body: bytes) -> bool:
    """Verify an answer or a notification; `headers` by lower-case names."""
    if "wechatpay-signature" not in headers:
        return False
    head = f"{headers['wechatpay-timestamp']}\n{headers['wechatpay-nonce']}\n"
    key = public_keys(keys)[headers["wechatpay-serial"]]
    try:
        signature = b64decode(headers["wechatpay-signature"], validate=True)
        key.verify(signature, head.encode() + body + b"\n", PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return headers["wechatpay-signature-type"] == "WECHATPAY2-SHA256-RSA2048"


def opened(keys: SandboxKeys, body: bytes) -> dict[str, Any]:
    """Decrypt a notification's resource."""
    resource = json.loads(body)["resource"]
    assert resource["algorithm"] == "AEAD_AES_256_GCM"
    plain: dict[str, Any] = json.loads(
        AESGCM(keys.api_v3_key.encode()).decrypt(
            resource["nonce"].encode(),
            b64decode(resource["ciphertext"]),
            resource["associated_data"].encode(),
        )
    )
    return plain


class Mailbox:
    """Where notifications arrive: answers by the plan, 204 when the plan is at its end."""

    def __init__(self, *plan: int) -> None:
        self.plan = list(plan)
        self.received: list[Reply] = []
        self._arrived = Condition()
        mailbox = self

        class Post(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                headers[":path"] = self.path
                status = mailbox.take(headers, body)
                self.send_response_only(status)  # logs nothing
                self.send_header("Content-Length", "0")
                self.end_headers()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Post)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/notifications"

    def take(self, headers: Headers, body: bytes) -> int:
        with self._arrived:
            status = self.plan.pop(0) if self.plan else 204
            self.received.append(Reply(status, headers, body))
            self._arrived.notify_all()
            return status

    def wait_for(self, count: int) -> list[Reply]:
        with self._arrived:
            arrived = self._arrived.wait_for(lambda: len(self.received) >= count, WAIT_SECONDS_MAX)
            assert arrived, f"{len(self.received)} of {count} arrived"
            return list(self.received)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
