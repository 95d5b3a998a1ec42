"""Keeping what a provider signs with."""

from dataclasses import dataclass

from chalicelib.kernel.clock import Clock
from chalicelib.payments.store import PaymentStore
from chalicelib.providers.port import CertifiedProvider
from chalicelib.storage.commit import Commits


@dataclass(frozen=True, slots=True)
class RefreshCertificates:
    """Keeps what a provider signs with: downloaded rarely, stored for every process to learn."""

    payments: PaymentStore
    commits: Commits
    provider: CertifiedProvider
    clock: Clock

    def refresh(self) -> int:
        """Download; new certificates join before expired ones leave. Return how many are held.

        A provider's error passes through and what is stored stays.
        """
        downloaded = self.provider.download_certificates()
        stored = self.payments.certificates(self.provider.name)
        now = self.clock.protocol_now()
        merged = {held.serial: held for held in [*stored, *downloaded] if held.expires_at > now}
        with self.commits() as work:
            self.payments.save_certificates(work, self.provider.name, list(merged.values()), at=now)
        return len(merged)

    def learn(self) -> None:
        """Learn what another process has downloaded."""
        self.provider.learn(self.payments.certificates(self.provider.name))
