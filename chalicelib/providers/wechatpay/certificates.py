"""WeChat Pay's own certificates, downloaded: the seal proves them, then they prove the answer."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.providers.port import Certificate
from chalicelib.providers.transport import ANSWER_BYTES_MAX, Answer
from chalicelib.providers.wechatpay import mapping
from chalicelib.providers.wechatpay.doubt import DoubtError
from chalicelib.providers.wechatpay.keys import InvalidCertificateError, KeyRing, dated
from chalicelib.providers.wechatpay.sealed import SealKeys
from chalicelib.providers.wechatpay.verify import verify

CERTIFICATES_MAX = 32


def read_certificates(
    answer: Answer, *, seal_keys: SealKeys, ring: KeyRing, now: datetime
) -> list[Certificate]:
    """Return the certificates that are not over yet, or raise `DoubtError`.

    The first download can't be verified beforehand: only who knows the APIv3 key can have sealed
    a certificate, and the answer must then be signed by one of these or one known before.
    """
    entries = mapping.object_in(answer.body, bytes_max=ANSWER_BYTES_MAX).get("data")
    if not isinstance(entries, list) or len(entries) > CERTIFICATES_MAX:
        raise DoubtError("there is no list of certificates", reason="body")
    pems = [_opened(entry, seal_keys) for entry in entries]
    try:
        certificates = [dated(serial, pem) for serial, pem in pems]
    except InvalidCertificateError as error:
        raise DoubtError(str(error), reason="body") from None
    valid = [certificate for certificate in certificates if now < certificate.expires_at]
    verify(answer.headers, answer.body, ring=ring.add(valid), now=now)
    return valid


def _opened(entry: Any, seal_keys: SealKeys) -> tuple[str, str]:
    if not isinstance(entry, dict):
        raise DoubtError("an entry is no object", reason="body")
    sealed = entry.get("encrypt_certificate")
    if not isinstance(sealed, Mapping):
        raise DoubtError("an entry has no certificate", reason="body")
    serial = mapping.text_in(entry, "serial_no", length_max=64).upper()
    try:
        return serial, seal_keys.open(sealed).decode("ascii")
    except UnicodeDecodeError:
        raise DoubtError("a certificate is no PEM", reason="body") from None
