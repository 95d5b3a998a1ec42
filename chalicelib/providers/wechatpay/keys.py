"""Whom we believe: WeChat Pay's signing keys by serial.

A merchant that moves from platform certificates (平台证书) to the public key (微信支付公钥) gets
messages signed by either for some days, so one ring holds both kinds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from chalicelib.providers.port import Certificate
from chalicelib.providers.wechatpay.account import PUBLIC_KEY_PREFIX, InvalidAccountError


class InvalidCertificateError(ValueError):
    """A certificate that can't be one of WeChat Pay's."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A public key, parsed once; one without an end never expires."""

    rsa: RSAPublicKey
    expires_at: datetime | None = None

    def valid_at(self, now: datetime) -> bool:
        """Tell whether the key may still be believed."""
        return self.expires_at is None or now < self.expires_at


class KeyRing:
    """A snapshot that never changes: whoever reads it while it is replaced sees old or new."""

    __slots__ = ("_keys",)

    def __init__(self, keys: Mapping[str, SigningKey] | None = None) -> None:
        self._keys = dict(keys or {})

    @classmethod
    def of_public_key(cls, key_id: str, pem: str) -> "KeyRing":
        """Return a ring with WeChat Pay's public key for this merchant."""
        try:
            key = load_pem_public_key(pem.strip().encode())
        except ValueError:
            raise InvalidAccountError("public_key_pem is no PEM public key") from None
        if not isinstance(key, RSAPublicKey):
            raise InvalidAccountError("public_key_pem is no RSA key")
        return cls({_name(key_id): SigningKey(key)})

    def add(self, certificates: Iterable[Certificate]) -> "KeyRing":
        """Return a ring that holds these too; those it knows are not parsed again."""
        keys = dict(self._keys)
        for certificate in certificates:
            name = _name(certificate.serial)
            if name not in keys:
                keys[name] = SigningKey(*_load(certificate.serial, certificate.pem))
        return KeyRing(keys)

    def without_expired(self, now: datetime) -> "KeyRing":
        """Return a ring without the certificates whose time is over."""
        return KeyRing({name: key for name, key in self._keys.items() if key.valid_at(now)})

    def find(self, serial: str, now: datetime) -> RSAPublicKey | None:
        """Return the key of this serial if it may be believed now."""
        key = self._keys.get(_name(serial))
        if key is None:
            return None
        return key.rsa if key.valid_at(now) else None

    @property
    def serials(self) -> frozenset[str]:
        """Return the serials, spelled as they are compared."""
        return frozenset(self._keys)


def dated(serial: str, pem: str) -> Certificate:
    """Make a certificate whose end of validity is its own, not what was said of it."""
    _, expires_at = _load(serial, pem)
    return Certificate(serial=serial.upper(), pem=pem, expires_at=expires_at)


def _name(serial: str) -> str:
    """Spell a serial for comparison: hex without case, a public key's id as it is."""
    return serial if serial[:11].upper() == PUBLIC_KEY_PREFIX else serial.upper()


def _load(serial: str, pem: str) -> tuple[RSAPublicKey, datetime]:
    # X.509 costs ten milliseconds at a cold start, and public-key mode never needs it.
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

    try:
        parsed = load_pem_x509_certificate(pem.encode())
        key = parsed.public_key()
    except ValueError:
        raise InvalidCertificateError("not a PEM certificate") from None
    if not isinstance(key, RSAPublicKey):
        raise InvalidCertificateError("not an RSA certificate")
    if serial.upper() != f"{parsed.serial_number:0{len(serial)}X}":
        raise InvalidCertificateError("a certificate under another one's serial")
    return key, parsed.not_valid_after_utc
