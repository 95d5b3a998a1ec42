"""Keys of both sides: the merchant's, the platform's certificates and public key, the issuer's.

Made on first start, kept in `$DATA_DIR/sandbox/keys.json`, readable by their owner only.
"""

import hashlib
import os
import secrets
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ConfigDict

MCH_ID = "1900007291"
APP_ID = "wx5a9db0c0ffee1234"
CERTIFICATE_LIFE = timedelta(days=5 * 365)


class PlatformCertificate(BaseModel):
    """A platform certificate (平台证书) and the key behind it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    serial_no: str
    certificate: str
    private_key: str
    effective_time: datetime
    expire_time: datetime

    @classmethod
    def issue(cls, now: datetime) -> Self:
        """Make a key and its certificate, good for five years."""
        key = _rsa_key()
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sandbox payment platform")])
        serial = x509.random_serial_number() | 1 << 158  # always forty hex digits
        start = now.replace(microsecond=0)
        certificate = (
            x509.CertificateBuilder(name, name, key.public_key(), serial)
            .not_valid_before(start)
            .not_valid_after(start + CERTIFICATE_LIFE)
            .sign(key, SHA256())
        )
        return cls(
            serial_no=f"{serial:X}",
            certificate=certificate.public_bytes(Encoding.PEM).decode(),
            private_key=_private_text(key),
            effective_time=start,
            expire_time=start + CERTIFICATE_LIFE,
        )


class SandboxKeys(BaseModel):
    """Everything secret that the two sides of the sandbox agree on; key texts are PEM."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mch_id: str
    app_id: str
    app_secret: str
    api_v3_key: str
    merchant_serial_no: str
    merchant_private_key: str
    public_key_id: str
    public_key_private: str  # the private half of the WeChat Pay public key (微信支付公钥)
    oidc_private_key: str
    platform: tuple[PlatformCertificate, ...]  # oldest first; the last one signs
    merchant_before: tuple[str, str] | None = None  # a serial and key that are still good

    @classmethod
    def generate(cls, now: datetime) -> Self:
        """Make a new set."""
        number = "".join(secrets.choice("0123456789") for _ in range(16))
        return cls(
            mch_id=MCH_ID,
            app_id=APP_ID,
            app_secret=secrets.token_hex(16),
            api_v3_key=secrets.token_hex(16),
            merchant_serial_no=f"{secrets.randbits(159) | 1 << 158:X}",
            merchant_private_key=_private_text(_rsa_key()),
            public_key_id=f"PUB_KEY_ID_01{MCH_ID}{now:%Y%m%d}{number}",
            public_key_private=_private_text(_rsa_key()),
            oidc_private_key=_private_text(_rsa_key()),
            platform=(PlatformCertificate.issue(now),),
        )

    @property
    def push_token(self) -> str:
        """Return the token of pushes, as set in WeChat's console; it follows from the secret."""
        return hashlib.sha256(f"push token {self.app_secret}".encode()).hexdigest()[:32]

    @property
    def push_aes_key(self) -> str:
        """Return the EncodingAESKey of pushes: 43 characters."""
        digest = hashlib.sha256(f"push key {self.app_secret}".encode()).digest()
        return b64encode(digest).decode().removesuffix("=")

    def merchant_key(self, serial_no: str) -> str | None:
        """Return the merchant's private key of this serial, if its certificate is good."""
        if serial_no == self.merchant_serial_no:
            return self.merchant_private_key
        before = self.merchant_before
        return before[1] if before and before[0] == serial_no else None

    def with_new_merchant_key(self) -> Self:
        """Return these with a new key and certificate of the merchant; the old one stays good."""
        return self.model_copy(
            update={
                "merchant_before": (self.merchant_serial_no, self.merchant_private_key),
                "merchant_serial_no": f"{secrets.randbits(159) | 1 << 158:X}",
                "merchant_private_key": _private_text(_rsa_key()),
            }
        )

    def rotated(self, now: datetime) -> Self:
        """Return these keys with one more platform certificate; the old ones stay listed."""
        added = (*self.platform, PlatformCertificate.issue(now))
        return self.model_copy(update={"platform": added})


def load_or_create(data_dir: Path | str) -> SandboxKeys:
    """Return the keys kept under `data_dir`, made now if there are none.

    Two processes that start at once end up with the same keys: the first file to appear wins.
    """
    path = _path(data_dir)
    if not path.exists():
        fresh = _written(path, SandboxKeys.generate(datetime.now(UTC)))
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return SandboxKeys.model_validate_json(path.read_bytes())


def keep(data_dir: Path | str, keys: SandboxKeys) -> None:
    """Replace the keys kept under `data_dir`."""
    path = _path(data_dir)
    _written(path, keys).replace(path)


def environment(keys: SandboxKeys, base_url: str) -> dict[str, str]:
    """Return the variables that point a client at the sandbox that answers at `base_url`."""
    return {
        "WECHATPAY_MCH_ID": keys.mch_id,
        "WECHATPAY_APP_ID": keys.app_id,
        "WECHATPAY_SERIAL_NO": keys.merchant_serial_no,
        "WECHATPAY_PRIVATE_KEY": keys.merchant_private_key,
        "WECHATPAY_API_V3_KEY": keys.api_v3_key,
        "WECHATPAY_PUBLIC_KEY_ID": keys.public_key_id,
        "WECHATPAY_PUBLIC_KEY": public_text(keys.public_key_private),
        "WECHATPAY_BASE_URL": base_url,
        "WECHAT_API_BASE_URL": base_url,
        "WECHAT_APP_SECRET": keys.app_secret,
        "WECHAT_PUSH_TOKEN": keys.push_token,
        "WECHAT_PUSH_AES_KEY": keys.push_aes_key,
        "OIDC_ISSUER": f"{base_url}/oidc",
    }


@cache
def private_key(text: str) -> RSAPrivateKey:
    """Read a private key from its PEM text."""
    key = load_pem_private_key(text.encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


def public_text(text: str) -> str:
    """Return the public half of a private key, as PEM."""
    public = private_key(text).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _path(data_dir: Path | str) -> Path:
    return Path(data_dir) / "sandbox" / "keys.json"


def _written(path: Path, keys: SandboxKeys) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"keys.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(keys.model_dump_json(indent=2))
    return fresh


def _rsa_key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


def _private_text(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
