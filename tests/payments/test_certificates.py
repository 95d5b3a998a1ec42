"""Certificates: new ones join before old ones leave, and other processes learn them."""

from collections.abc import Iterable
from datetime import timedelta

import pytest

from chalicelib.payments.usecases.certificates import RefreshCertificates
from chalicelib.providers.port import Certificate, ProviderUnavailableError
from tests.fakes.clock import START
from tests.fakes.house import House
from tests.fakes.provider import FakeProvider


class CertifiedFake(FakeProvider):
    """Signs with what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.offers: list[Certificate] = []
        self.known: set[str] = set()

    def download_certificates(self) -> list[Certificate]:
        self._maybe_fail("certificates")
        self.learn(self.offers)
        return self.offers

    def learn(self, certificates: Iterable[Certificate]) -> None:
        self.known |= {certificate.serial for certificate in certificates}


def certificate(serial: str, *, days: int) -> Certificate:
    return Certificate(serial=serial, pem=f"pem of {serial}", expires_at=START + timedelta(days))


@pytest.fixture
def refresh(house: House) -> RefreshCertificates:
    return RefreshCertificates(house.payments, house.commits, CertifiedFake(), house.clock)


def offer(refresh: RefreshCertificates, *certificates: Certificate) -> None:
    assert isinstance(refresh.provider, CertifiedFake)
    refresh.provider.offers = list(certificates)


def stored(refresh: RefreshCertificates) -> set[str]:
    return {held.serial for held in refresh.payments.certificates("wechatpay")}


def test_a_rotation_keeps_both_until_the_old_one_ends(
    refresh: RefreshCertificates, house: House
) -> None:
    offer(refresh, certificate("OLD", days=10))
    assert refresh.refresh() == 1
    offer(refresh, certificate("NEW", days=1000))
    assert refresh.refresh() == 2
    assert stored(refresh) == {"OLD", "NEW"}
    house.clock.move(seconds=11 * 86_400)
    assert refresh.refresh() == 1
    assert stored(refresh) == {"NEW"}


def test_a_merchant_without_certificates_loses_none(refresh: RefreshCertificates) -> None:
    offer(refresh, certificate("OLD", days=10))
    refresh.refresh()
    offer(refresh)
    assert refresh.refresh() == 1


def test_a_failed_download_changes_nothing(refresh: RefreshCertificates) -> None:
    offer(refresh, certificate("OLD", days=10))
    refresh.refresh()
    assert isinstance(refresh.provider, CertifiedFake)
    refresh.provider.failures = [ProviderUnavailableError("down")]
    with pytest.raises(ProviderUnavailableError):
        refresh.refresh()
    assert stored(refresh) == {"OLD"}


def test_another_process_learns_what_was_downloaded(
    refresh: RefreshCertificates, house: House
) -> None:
    offer(refresh, certificate("ONE", days=10), certificate("TWO", days=10))
    refresh.refresh()
    other = CertifiedFake()
    RefreshCertificates(house.payments, house.commits, other, house.clock).learn()
    assert other.known == {"ONE", "TWO"}
