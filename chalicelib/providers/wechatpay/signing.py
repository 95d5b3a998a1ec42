"""What we sign: the bytes that are sent, and what the mini-program hands on (paySign)."""

from base64 import b64encode
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from chalicelib.providers.wechatpay.account import InvalidAccountError

SCHEME = "WECHATPAY2-SHA256-RSA2048"
KEY_BITS_MIN = 2048


def lines(*parts: bytes) -> bytes:
    """Join lines, each ended by a newline, the last too: every message that is ever signed."""
    return b"\n".join(parts) + b"\n"


@dataclass(frozen=True, slots=True)
class MerchantKey:
    """The merchant's private key (商户API私钥) and the names it signs under."""

    mch_id: str
    serial_no: str
    rsa: RSAPrivateKey = field(repr=False)

    @classmethod
    def load(cls, *, mch_id: str, serial_no: str, pem: str) -> "MerchantKey":
        """Read and try the key, or raise `InvalidAccountError`."""
        return cls(mch_id=mch_id, serial_no=serial_no, rsa=_private_key(pem))

    def authorization(
        self, *, method: str, target: str, body: bytes, timestamp: int, nonce: str
    ) -> str:
        """Sign a request; `target` is path and query as sent, `body` the very bytes."""
        head = (method, target, str(timestamp), nonce)
        signature = self._sign(lines(*(part.encode() for part in head), body))
        return (
            f'{SCHEME} mchid="{self.mch_id}",nonce_str="{nonce}",signature="{signature}",'
            f'timestamp="{timestamp}",serial_no="{self.serial_no}"'
        )

    def pay_sign(self, *, app_id: str, timestamp: int, nonce: str, package: str) -> str:
        """Sign what `wx.requestPayment` is called with; `package` is the whole `prepay_id=…`."""
        parts = (app_id, str(timestamp), nonce, package)
        return self._sign(lines(*(part.encode() for part in parts)))

    def _sign(self, message: bytes) -> str:
        return b64encode(self.rsa.sign(message, PKCS1v15(), SHA256())).decode("ascii")


def _private_key(pem: str) -> RSAPrivateKey:
    """Read the key and prove it by one signature: OpenSSL's own check is thirty times slower."""
    try:
        key = load_pem_private_key(
            pem.strip().encode(), password=None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError):
        raise InvalidAccountError("private_key_pem is no unencrypted PEM key") from None
    if not isinstance(key, RSAPrivateKey):
        raise InvalidAccountError("private_key_pem is no RSA key")
    if key.key_size < KEY_BITS_MIN:
        raise InvalidAccountError(f"private_key_pem has fewer than {KEY_BITS_MIN} bits")
    try:
        proof = key.sign(b"proof", PKCS1v15(), SHA256())
        key.public_key().verify(proof, b"proof", PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        raise InvalidAccountError("private_key_pem is damaged: its parts do not agree") from None
    return key
