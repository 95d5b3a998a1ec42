"""The key ring: adding before removing, snapshots that never change, certificates downloaded."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.providers.port import (
    Certificate,
    NotificationRefusedError,
    ProviderOutcomeUnknownError,
    ProviderRejectedError,
    ProviderUnavailableError,
)
from chalicelib.providers.transport import Answer, NotSentError
from chalicelib.providers.wechatpay.keys import InvalidCertificateError, KeyRing, dated
from tests.providers import far_side as far


def entry(certificate: Certificate, **changes: Any) -> dict[str, Any]:
    """Return a certificate as WeChat Pay lists it."""
    key = changes.pop("key", far.API_V3_KEY)
    return {
        "serial_no": certificate.serial,
        "effective_time": "2021-06-08T10:34:56+08:00",
        "expire_time": "2031-06-08T10:34:56+08:00",
        "encrypt_certificate": far.sealed(certificate.pem.encode(), key=key, aad="certificate"),
    } | changes


def listed(*entries: object, by: str = "platform", **signing: Any) -> Answer:
    serial = signing.pop("serial", far.certificate(by).serial)
    return far.answer({"data": list(entries)}, by=by, serial=serial, **signing)


def test_a_ring_never_changes() -> None:
    empty = KeyRing()
    certificate = far.certificate("platform")
    full = empty.add([certificate])
    assert empty.serials == frozenset()
    assert full.serials == {certificate.serial}
    assert full.find(certificate.serial, far.NOW) is not None
    over = full.without_expired(certificate.expires_at)
    assert over.serials == frozenset()
    assert full.serials == {certificate.serial}


def test_a_certificate_is_parsed_once() -> None:
    certificate = far.certificate("platform")
    ring = KeyRing().add([certificate])
    again = ring.add([replace(certificate, pem="never looked at")])
    key = ring.find(certificate.serial, far.NOW)
    assert again.find(certificate.serial, far.NOW) is key


@pytest.mark.parametrize("spell", [str.upper, str.lower])
def test_hex_has_no_case(spell: Any) -> None:
    certificate = far.certificate("platform")
    ring = KeyRing().add([replace(certificate, serial=spell(certificate.serial))])
    assert ring.find(certificate.serial, far.NOW) is not None
    assert ring.find(certificate.serial.lower(), far.NOW) is not None


def test_a_public_key_never_expires() -> None:
    ring = KeyRing.of_public_key(far.PUBLIC_KEY_ID, far.public_pem(far.rsa_key("wechat")))
    later = far.NOW + timedelta(days=36500)
    assert ring.without_expired(later).find(far.PUBLIC_KEY_ID, later) is not None


@pytest.mark.parametrize(
    ("serial", "pem", "sentence"),
    [
        ("AB", "no PEM", "not a PEM certificate"),
        ("AB", "\ud800", "not a PEM certificate"),
        ("AB", far.certificate("platform").pem, "another one's serial"),
    ],
)
def test_a_certificate_that_is_none_is_refused(serial: str, pem: str, sentence: str) -> None:
    with pytest.raises(InvalidCertificateError, match=sentence):
        KeyRing().add([Certificate(serial=serial, pem=pem, expires_at=far.NOW)])


def test_the_end_of_validity_is_the_certificates_own() -> None:
    certificate = far.certificate("platform")
    assert dated(certificate.serial.lower(), certificate.pem) == certificate


def test_the_first_download_proves_itself() -> None:
    certificate = far.certificate("platform")
    pay, wire = far.client(listed(entry(certificate)), **far.without_public_key())
    assert pay.serials == frozenset()
    assert pay.download_certificates() == [certificate]
    assert pay.serials == {certificate.serial}
    assert [(call.method, call.url) for call in wire.calls] == [
        ("GET", "https://pay.test/v3/certificates")
    ]
    _, body = far.notification()
    pay.read_notification(far.signed(body, by="platform", serial=certificate.serial), body)


def test_old_and_new_are_believed_together_and_what_is_over_is_forgotten() -> None:
    old, new, over = (
        far.certificate("platform"),
        far.certificate("next", days=1800),
        far.certificate("ended", days=0),
    )
    pay, _ = far.client(listed(entry(old), entry(new), entry(over)), certificates=[old, over])
    assert pay.download_certificates() == [old, new]
    assert pay.serials == {far.PUBLIC_KEY_ID, old.serial, new.serial}


def test_the_answer_may_be_signed_by_the_public_key() -> None:
    certificate = far.certificate("platform")
    pay, wire = far.client(listed(entry(certificate), by="wechat", serial=far.PUBLIC_KEY_ID))
    assert pay.download_certificates() == [certificate]
    assert wire.calls[0].headers["Wechatpay-Serial"] == far.PUBLIC_KEY_ID


def test_the_previous_seal_key_opens_certificates() -> None:
    certificate = far.certificate("platform")
    sealed = entry(certificate, key=far.API_V3_KEY_OLD)
    pay, _ = far.client(listed(sealed), api_v3_key_previous=far.API_V3_KEY_OLD)
    assert pay.download_certificates() == [certificate]


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("by", ["wechat", "nobody we know"])
def test_a_merchant_without_certificates_has_none(status: int, by: str) -> None:
    """A public-key-only merchant is told so; that is no outage and takes no key away."""
    refused = far.answer(
        {"code": "RESOURCE_NOT_EXISTS", "message": "无可用的平台证书"}, status=status, by=by
    )
    pay, _ = far.client(refused)
    assert pay.download_certificates() == []
    assert pay.serials == {far.PUBLIC_KEY_ID}


@pytest.mark.parametrize(
    "answer",
    [
        listed(entry(far.certificate("platform"), key="x" * 32)),
        listed(entry(far.certificate("platform")), by="forger", serial="AB"),
        listed(
            entry(far.certificate("platform")),
            by="forger",
            serial=far.certificate("platform").serial,
        ),
        listed(entry(far.certificate("platform")), at=far.NOW_SECONDS - 300),
        listed(entry(far.certificate("ended", days=0)), by="ended", serial="AB"),
        listed(entry(far.certificate("platform"), serial_no="AB")),
        listed(entry(far.certificate("platform"), serial_no=5)),
        listed(entry(far.certificate("platform"), encrypt_certificate=None)),
        listed(entry(far.certificate("platform"), encrypt_certificate=far.sealed(b"no PEM"))),
        listed(entry(far.certificate("platform"), encrypt_certificate=far.sealed(b"\xff"))),
        listed("not an entry"),
        listed(*[{}] * 33),
        far.answer({"data": {}}),
        far.answer({}),
        far.answer(),
        Answer(200, {}, b"<html>"),
    ],
)
def test_a_download_that_proves_nothing_changes_nothing(answer: Answer) -> None:
    pay, _ = far.client(answer, fallback_url=None)
    with pytest.raises(ProviderOutcomeUnknownError):
        pay.download_certificates()
    assert pay.serials == {far.PUBLIC_KEY_ID}


def test_other_refusals_of_a_download_are_told() -> None:
    refused = far.answer({"code": "SIGN_ERROR"}, status=401)
    with pytest.raises(ProviderRejectedError):
        far.client(refused)[0].download_certificates()
    with pytest.raises(ProviderUnavailableError):
        far.client(NotSentError("x"), NotSentError("x"))[0].download_certificates()


def test_the_ring_is_swapped_under_readers() -> None:
    """While certificates are learnt again and again, no reader ever misses a key."""
    platform, following = far.certificate("platform"), far.certificate("next", days=1800)
    pay, _ = far.client(certificates=[platform])
    _, body = far.notification()
    headers = far.signed(body, by="platform", serial=platform.serial)
    stop, refusals = threading.Event(), []

    def read() -> None:
        while not stop.is_set():
            try:
                pay.read_notification(headers, body)
            except NotificationRefusedError as error:
                refusals.append(error.reason)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for _ in range(200):
        pay.learn([following, platform])
    stop.set()
    for reader in readers:
        reader.join()
    assert refusals == []
    assert pay.serials == {far.PUBLIC_KEY_ID, platform.serial, following.serial}
