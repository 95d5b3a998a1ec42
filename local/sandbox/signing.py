"""APIv3 signatures and encryption, seen from WeChat Pay's side (protocol facts 1 to 3)."""

import re
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from local.sandbox.keys import SandboxKeys, private_key
from local.sandbox.wire import RefusalError, Request

SCHEME = "WECHATPAY2-SHA256-RSA2048"
SIGNTEST = "WECHATPAY/SIGNTEST/"
AGE_SECONDS_MAX = 300
AUTHORIZATION_NAMES = {"mchid", "nonce_str", "signature", "timestamp", "serial_no"}
PAIR = re.compile(r'\s*(\w+)="([^"]*)"\s*')


class SignWith(StrEnum):
    """What signs a message to the merchant."""

    PUBLIC_KEY = "public_key"
    CERTIFICATE = "certificate"
    SIGNTEST = "signtest"  # a signature that is meant to fail


def verify_request(request: Request, keys: SandboxKeys, now: datetime) -> None:
    """Check who asks, when, and that not a byte was changed on the way; else 401 SIGN_ERROR."""
    claims = _authorization(request.header("Authorization"))
    if claims["mchid"] != keys.mch_id:
        raise _sign_error("mchid", "商户号与签名不匹配", claims["mchid"])
    merchant_key = keys.merchant_key(claims["serial_no"])
    if merchant_key is None:
        raise _sign_error("serial_no", "商户证书序列号有误", claims["serial_no"])
    timestamp = claims["timestamp"]
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise _sign_error("timestamp", "时间戳必须是整秒数", timestamp)
    if abs(int(timestamp) - int(now.timestamp())) >= AGE_SECONDS_MAX:
        raise _sign_error("timestamp", "签名时间戳过期", timestamp)
    lines = [request.method, request.target, timestamp, claims["nonce_str"]]
    message = (
        b"".join(f"{line}\n".encode("latin-1", "replace") for line in lines) + request.body + b"\n"
    )
    public = private_key(merchant_key).public_key()
    try:
        signature = b64decode(claims["signature"], validate=True)
        public.verify(signature, message, PKCS1v15(), SHA256())
    except (InvalidSignature, Base64Error) as error:
        raise _mismatch(request, len(message)) from error


def signed_headers(keys: SandboxKeys, now: datetime, body: bytes, *, serial: str) -> dict[str, str]:
    """Sign an answer or a notification with the key that `serial` names."""
    timestamp, nonce = str(int(now.timestamp())), secrets.token_hex(16)
    message = f"{timestamp}\n{nonce}\n".encode() + body + b"\n"
    key = private_key(signing_keys(keys)[serial])
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": b64encode(key.sign(message, PKCS1v15(), SHA256())).decode(),
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature-Type": SCHEME,
    }


def spoiled(headers: Mapping[str, str], *, prefix: str = "") -> dict[str, str]:
    """Return signed headers whose signature can't verify; with `SIGNTEST`, a sign test."""
    noise = prefix + b64encode(secrets.token_bytes(256)).decode()
    return {**headers, "Wechatpay-Signature": noise}


def signing_keys(keys: SandboxKeys) -> dict[str, str]:
    """Return every key that may sign, by serial; the newest certificate comes last."""
    certificates = {each.serial_no: each.private_key for each in keys.platform}
    return {keys.public_key_id: keys.public_key_private} | certificates


def answer_serial(request: Request, keys: SandboxKeys) -> str:
    """Choose an answer's key as the request's `Wechatpay-Serial` says; else the certificate."""
    asked = request.header("Wechatpay-Serial")
    if not asked:
        return keys.platform[-1].serial_no
    if asked not in signing_keys(keys):
        issue = "平台证书序列号Wechatpay-Serial错误"
        raise RefusalError(
            400, "PARAM_ERROR", issue, field="Wechatpay-Serial", value=asked, location="header"
        )
    return asked


def notification_serial(keys: SandboxKeys, sign_with: SignWith) -> str:
    """Return the serial under which a notification is signed."""
    if sign_with is SignWith.CERTIFICATE:
        return keys.platform[-1].serial_no
    return keys.public_key_id


def encrypted(keys: SandboxKeys, plaintext: bytes, associated_data: str) -> dict[str, str]:
    """Encrypt with the APIv3 key: AES-256-GCM, a fresh nonce of twelve characters."""
    nonce = secrets.token_hex(6)
    cipher = AESGCM(keys.api_v3_key.encode())
    sealed = cipher.encrypt(nonce.encode(), plaintext, associated_data.encode())
    return {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": b64encode(sealed).decode(),
        "associated_data": associated_data,
        "nonce": nonce,
    }


def _authorization(header: str) -> dict[str, str]:
    scheme, _, rest = header.partition(" ")
    if scheme != SCHEME:
        raise _sign_error("Authorization", "Http头Authorization值格式错误", scheme)
    pairs = [PAIR.fullmatch(part) for part in rest.split(",")]
    found = {pair[1]: pair[2] for pair in pairs if pair}
    if len(found) < len(pairs) or set(found) != AUTHORIZATION_NAMES:
        raise _sign_error("Authorization", "Http头Authorization值格式错误", rest[:64])
    return found


def _sign_error(field: str, issue: str, value: str) -> RefusalError:
    return RefusalError(
        401, "SIGN_ERROR", issue, field=field, issue=issue, value=value, location="authorization"
    )


def _mismatch(request: Request, length: int) -> RefusalError:
    return RefusalError(
        401,
        "SIGN_ERROR",
        "错误的签名，验签失败",
        field="signature",
        issue="sign not match",
        location="authorization",
        sign_information={
            "method": request.method,
            "url": request.target,
            "sign_message_length": length,
        },
    )
