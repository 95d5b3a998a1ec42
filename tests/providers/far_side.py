"""The far side, played for tests: WeChat Pay's keys, its signatures, its seals, and a wire."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from chalicelib.kernel.ids import PaymentId
from chalicelib.kernel.money import fen
from chalicelib.providers.port import Certificate, PrepayOrder, tell_nobody
from chalicelib.providers.transport import Answer, Timeouts
from chalicelib.providers.wechatpay.account import WeChatPayAccount
from chalicelib.providers.wechatpay.client import WeChatPay

NOW = datetime(2026, 11, 24, 8, 0, 0, tzinfo=UTC)
NOW_SECONDS = int(NOW.timestamp())
SCHEME = "WECHATPAY2-SHA256-RSA2048"
MCH_ID = "1900009191"
APP_ID = "wxd678efh567hg6787"
MERCHANT_SERIAL = "7132D72A03E93CDDF8C03BBD1F37EEDF00000000"
PUBLIC_KEY_ID = "PUB_KEY_ID_0119000091912026112400000000000001"
API_V3_KEY = "0123456789abcdef0123456789ABCDEF"
API_V3_KEY_OLD = "old-old-old-old-old-old-old-old-"
BASE = "https://pay.test"
FALLBACK = "https://pay2.test"
PAYMENT = PaymentId("pay_01KAMBPZR0000000000000000A")
OTHER_PAYMENT = PaymentId("pay_01KAMBPZR0000000000000000B")

Headers = dict[str, str]


@cache
def rsa_key(name: str) -> RSAPrivateKey:
    """Make one key per name and process."""
    assert name
    return generate_private_key(public_exponent=65537, key_size=2048)


def private_pem(key: RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(key: RSAPrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@cache
def certificate(name: str, *, days: int = 1000) -> Certificate:
    """Make the platform certificate of the key of this name; it ends `days` after now."""
    key = rsa_key(name)
    serial = x509.random_serial_number() | (1 << 158)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Tenpay.com sign")])
    expires_at = NOW + timedelta(days=days)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(NOW - timedelta(days=2000))
        .not_valid_after(expires_at)
        .sign(key, SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    return Certificate(serial=f"{serial:X}", pem=pem, expires_at=expires_at)


@dataclass
class FakeClock:
    """A clock that stands still, until a test moves it."""

    at: datetime = NOW
    elapsed: int = 0

    def now(self) -> datetime:
        return self.at - timedelta(days=365)  # business time is another time

    def protocol_now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.elapsed


@dataclass
class Counting:
    """Randomness that counts, so that no two nonces are alike and every run is."""

    calls: int = 0

    def __call__(self, size: int) -> bytes:
        self.calls += 1
        return self.calls.to_bytes(size)


def sign(message: bytes, key: RSAPrivateKey) -> str:
    return b64encode(key.sign(message, PKCS1v15(), SHA256())).decode()


def signed(
    body: bytes,
    *,
    by: str = "wechat",
    serial: str = PUBLIC_KEY_ID,
    at: int | str = NOW_SECONDS,
    nonce: str = "c5ac7061fccab6bf3e254dcf98995b8c",
) -> Headers:
    """Sign as WeChat Pay does."""
    message = f"{at}\n{nonce}\n".encode() + body + b"\n"
    return {
        "Wechatpay-Timestamp": str(at),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": sign(message, rsa_key(by)),
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": SCHEME,
    }


def sealed(
    plaintext: bytes,
    *,
    key: str = API_V3_KEY,
    aad: str = "transaction",
    nonce: str = "fdasflkja484",
) -> dict[str, Any]:
    """Seal as WeChat Pay does."""
    content = AESGCM(key.encode()).encrypt(nonce.encode(), plaintext, aad.encode())
    return {
        "original_type": "transaction",
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": b64encode(content).decode(),
        "associated_data": aad,
        "nonce": nonce,
    }


def trade(**changes: Any) -> dict[str, Any]:
    """Return a paid trade as a query or a notification tells it; `None` takes a field away."""
    fields: dict[str, Any] = {
        "mchid": MCH_ID,
        "appid": APP_ID,
        "out_trade_no": str(PAYMENT),
        "transaction_id": "4200002101202611240123456789",
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "attach": "ord_01KAMBPZR0000000000000000A",
        "success_time": "2026-11-24T15:59:58+08:00",
        "payer": {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        "amount": {"total": 1999, "payer_total": 1499, "currency": "CNY", "payer_currency": "CNY"},
    }
    fields.update(changes)
    return {name: value for name, value in fields.items() if value is not None}


def json_bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def envelope(resource: object, *, event_type: object = "TRANSACTION.SUCCESS") -> bytes:
    return json_bytes(
        {
            "id": "EV-2026112415595800001",
            "create_time": "2026-11-24T15:59:59+08:00",
            "resource_type": "encrypt-resource",
            "event_type": event_type,
            "summary": "支付成功",
            "resource": resource,
        }
    )


def notification(**changes: Any) -> tuple[Headers, bytes]:
    """Return a genuine notification of a trade with these changes."""
    body = envelope(sealed(json_bytes(trade(**changes))))
    return signed(body), body


def answer(value: object = None, *, status: int = 200, **signing: Any) -> Answer:
    """Return a genuine, signed answer; no value is no body."""
    body = b"" if value is None else json_bytes(value)
    headers = {"Content-Type": "application/json", "Request-ID": "08F78BB5AF0610D302"}
    return Answer(status, headers | signed(body, **signing), body)


def tampered(genuine: Answer, **headers: str) -> Answer:
    """Return an answer with other headers, for instance another signature."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(genuine, headers=dict(genuine.headers) | changed)


@dataclass(frozen=True, slots=True)
class Call:
    """What was sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    timeouts: Timeouts


Step = Answer | Exception | Callable[[Call], Answer]


@dataclass
class Wire:
    """A transport that follows a script, one step a call, and keeps what was sent."""

    steps: list[Step]
    calls: list[Call] = field(default_factory=list)

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Answer:
        call = Call(method, url, headers, body, timeouts)
        self.calls.append(call)
        assert self.steps, f"one call more than expected: {method} {url}"
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Answer) else step(call)

    @property
    def hosts(self) -> list[str]:
        return ["/".join(call.url.split("/")[:3]) for call in self.calls]


def account(**changes: Any) -> WeChatPayAccount:
    facts: dict[str, Any] = {
        "mch_id": MCH_ID,
        "app_id": APP_ID,
        "serial_no": MERCHANT_SERIAL,
        "private_key_pem": private_pem(rsa_key("merchant")),
        "api_v3_key": API_V3_KEY,
        "public_key_id": PUBLIC_KEY_ID,
        "public_key_pem": public_pem(rsa_key("wechat")),
        "base_url": BASE,
        "fallback_url": FALLBACK,
        "notify_url": "https://shop.test/v1/notifications/wechatpay",
    }
    return WeChatPayAccount(**(facts | changes))


def client(*steps: Step, clock: FakeClock | None = None, **changes: Any) -> tuple[WeChatPay, Wire]:
    """Return a client on a wire that follows these steps."""
    wire = Wire(list(steps))
    certificates = changes.pop("certificates", ())
    tell = changes.pop("tell", tell_nobody)
    pay = WeChatPay(
        account(**changes),
        transport=wire,
        clock=clock or FakeClock(),
        randomness=Counting(),
        certificates=certificates,
        tell=tell,
    )
    return pay, wire


def without_public_key() -> dict[str, Any]:
    """Return the changes that make the account a certificates-only one."""
    return {"public_key_id": None, "public_key_pem": None}


def prepay_order(**changes: Any) -> PrepayOrder:
    facts: dict[str, Any] = {
        "payment_id": PAYMENT,
        "attach": "ord_01KAMBPZR0000000000000000A",
        "amount": fen(1999),
        "description": "一杯拿铁",
        "payer_openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o",
        "expires_at": datetime(2026, 11, 24, 8, 30, 0, 987654, tzinfo=UTC),
    }
    return PrepayOrder(**(facts | changes))
