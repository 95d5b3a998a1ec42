"""Signing in, and registering a merchant."""

from dataclasses import dataclass

from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import MemberId, MerchantId
from chalicelib.people import rules
from chalicelib.people.model import Member, Merchant, MerchantNotFoundError, RateTable, Terms
from chalicelib.people.store import MERCHANT, PeopleStore, read_merchant
from chalicelib.providers.port import (
    Login,
    ProviderOutcomeUnknownError,
    ProviderUnavailableError,
)
from chalicelib.storage.commit import CommitRefusedError, Commits


@dataclass(frozen=True, slots=True)
class SignIn:
    """Lets a shopper in by a mini-program's login code."""

    people: PeopleStore
    commits: Commits
    login: Login
    app_id: str

    def sign_in(self, code: str) -> Member:
        """Exchange a code for the member it belongs to; the first time, the member joins."""
        try:
            openid = self.login.openid(code)
        except ProviderOutcomeUnknownError:
            # The code may be used up; with a new one nothing is lost.
            raise ProviderUnavailableError("WeChat did not answer; log in again") from None
        member_id = MemberId.derive("wechat", self.app_id, openid)
        if known := self.people.find_member(member_id):
            return known
        try:
            with self.commits() as work:
                member = Member(id=member_id, openid=openid, created_at=work.at)
                self.people.joined(work, member)
                work.emit("member.joined", member_id)
        except CommitRefusedError:
            # Two logins at once: the other one made the same member.
            member = self._member(member_id)
        return member

    def _member(self, member_id: MemberId) -> Member:
        member = self.people.find_member(member_id)
        assert member is not None, "a member is never deleted"
        return member


@dataclass(frozen=True, slots=True)
class Merchants:
    """The register of merchants."""

    people: PeopleStore
    commits: Commits
    rates: RateTable

    def register(self, name: str, *, caller: str, key: str) -> Merchant:
        """Register a merchant; the same caller and key give the same merchant."""
        merchant_id = MerchantId.derive("register_merchant", caller, key)
        try:
            with self.commits() as work:
                merchant = Merchant(id=merchant_id, name=name, created_at=work.at)
                self.people.registered(work, merchant)
                work.emit("merchant.registered", merchant_id)
        except CommitRefusedError as refused:
            old = refused.refusals[MERCHANT]
            assert old is not None
            merchant = read_merchant(merchant_id, old)
            if merchant.name != name:
                raise IdempotencyKeyReusedError(
                    "this Idempotency-Key registered a merchant of another name"
                ) from None
        return merchant

    def agree(self, merchant_id: MerchantId, terms: Terms) -> Merchant:
        """Agree on a merchant's terms from now on; orders keep the fees they were placed at.

        Raises `MerchantNotFoundError` or `SharesOverCapError`.
        """
        rules.assert_within_cap(self.rates, terms)
        try:
            with self.commits() as work:
                self.people.agreed(work, merchant_id, terms)
                work.emit("merchant.terms_agreed", merchant_id)
        except CommitRefusedError:
            raise MerchantNotFoundError("there is no such merchant") from None
        return self.get(merchant_id)

    def get(self, merchant_id: MerchantId) -> Merchant:
        """Return a merchant, or raise `MerchantNotFoundError`."""
        merchant = self.people.find_merchant(merchant_id)
        if merchant is None:
            raise MerchantNotFoundError("there is no such merchant")
        return merchant

    def shown_to(self, merchant_id: MerchantId, only: MerchantId | None) -> MerchantId:
        """Return the merchant if the caller may see its things, or raise `MerchantNotFoundError`.

        A caller that is one merchant sees its own, without a read; with None, anybody's.
        """
        if only is None:
            return self.get(merchant_id).id
        if only != merchant_id:
            raise MerchantNotFoundError("there is no such merchant")
        return merchant_id
