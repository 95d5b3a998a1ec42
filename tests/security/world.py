"""A small world with something of every kind, and everybody who might want to see it."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from chalicelib.edge.auth import session_key
from chalicelib.kernel.ids import (
    DiscrepancyId,
    DisputeId,
    EvidenceId,
    MemberId,
    MerchantId,
    OrderId,
    PayoutId,
    ProductId,
    RefundId,
    SettlementId,
)
from tests.fakes.premises import SANDBOX, SESSION_KEY, Premises, sandbox_keys

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"
PARCEL = {"carrier": "SF", "tracking_number": "SF1234567890"}

MISSING: Mapping[str, str] = {
    "merchant_id": MerchantId.derive("missing"),
    "product_id": ProductId.derive("missing"),
    "order_id": OrderId.derive("missing"),
    "dispute_id": DisputeId.derive("missing"),
    "evidence_id": EvidenceId.derive("missing"),
    "refund_id": RefundId.derive("missing"),
    "settlement_id": SettlementId.derive("missing"),
    "payout_id": PayoutId.derive("missing"),
    "discrepancy_id": DiscrepancyId.derive("missing"),
    "account": "merchant:nobody:available",
    "day": "2020-01-01",
    "business_date": "2020-01-01",
}

STRANGERS = (
    "nobody",
    "malformed",
    "expired session",
    "session of another key",
    "session of no algorithm",
    "expired token",
    "token of another issuer",
    "token of another key",
    "token for another audience",
)
CALLERS = (
    "shopper",
    "other shopper",
    "merchant",
    "other merchant",
    "operator",
    "partner",
    "member by issuer",
)


class World:
    """Two shoppers, two merchants; orders in every state, all of the first pair."""

    def __init__(self, premises: Premises) -> None:
        self.premises = premises
        first, second = (self._merchant(name) for name in ("甲", "乙"))
        self.merchant_id, self.other_merchant_id = first[0], second[0]
        self.product_id, self.other_product_id = first[1], second[1]
        self.tokens: dict[str, str | None] = {}
        self._sign_in()
        self.paid, self.shipped, self.disputed, self.refunded, self.received = (
            self._paid() for _ in range(5)
        )
        self._moved_on()
        self.day = premises.day_over()
        self._sign_in()
        self._settled()
        self.unpaid = self._placed()
        self._strangers()

    def own(self, order: str | None = None) -> dict[str, str]:
        """Return what stands for each word in braces, all of the first pair."""
        return {
            "merchant_id": self.merchant_id,
            "product_id": self.product_id,
            "order_id": order or self.paid,
            "dispute_id": self.dispute_id,
            "evidence_id": self.evidence_id,
            "refund_id": self.refund_id,
            "settlement_id": self.settlement_id,
            "payout_id": self.payout_id,
            "discrepancy_id": MISSING["discrepancy_id"],
            "account": "provider:wechatpay:clearing",
            "day": self.day,
            "business_date": self.day,
        }

    def _merchant(self, name: str) -> tuple[str, str]:
        operator = self.premises.issued("operator")
        merchant = self.premises.done("POST", "/v1/merchants", {"name": name}, token=operator)
        body = {"title": "高山乌龙茶", "price": {"amount": 1999}, "stock": 1000}
        token = self.premises.issued(f"merchant:{merchant['id']}")
        product = self.premises.done("POST", "/v1/products", body, token=token)
        return merchant["id"], product["id"]

    def _sign_in(self) -> None:
        issued = self.premises.issued
        self.tokens |= {
            "shopper": self.premises.shopper("xiaoming"),
            "other shopper": self.premises.shopper("xiaohong"),
            "merchant": issued(f"merchant:{self.merchant_id}"),
            "other merchant": issued(f"merchant:{self.other_merchant_id}"),
            "operator": issued("operator"),
            "partner": issued("partner:ptn-1"),
            "member by issuer": self._signed(scope="member", sub=MemberId.derive("x")),
        }

    def as_(self, role: str, method: str, target: str, body: Any = None) -> Any:
        return self.premises.done(method, target, body, token=self.tokens[role])

    def _placed(self) -> str:
        lines = [{"product_id": self.product_id, "quantity": 1}]
        body = {"merchant_id": self.merchant_id, "lines": lines}
        return str(self.as_("shopper", "POST", "/v1/orders", body)["id"])

    def _paid(self) -> str:
        order_id = self._placed()
        path = f"/v1/orders/{order_id}/payments"
        payment = self.as_("shopper", "POST", path, {"provider": "wechatpay"})
        assert self.premises.pay(payment["id"]) == [204]
        return order_id

    def _moved_on(self) -> None:
        for order_id in (self.shipped, self.received):
            self.as_("merchant", "POST", f"/v1/orders/{order_id}/shipment", PARCEL)
        self.as_("shopper", "POST", f"/v1/orders/{self.received}/receipt")
        path = f"/v1/orders/{self.disputed}/disputes"
        self.dispute_id = self.as_("shopper", "POST", path, {"reason": "碎了"})["id"]
        said = self.premises.done(
            "POST",
            f"{path}/{self.dispute_id}/evidence",
            PNG,
            token=self.tokens["shopper"],
            headers={"Content-Type": "image/png"},
        )
        self.evidence_id = said["id"]
        path = f"/v1/orders/{self.refunded}/refunds"
        body = {"amount": {"amount": 5}, "reason": "少发"}
        self.refund_id = self.as_("merchant", "POST", path, body)["id"]

    def _settled(self) -> None:
        body = {"business_date": self.day}
        self.settlement_id = self.as_("operator", "POST", "/v1/settlements", body)["id"]
        self.as_("operator", "POST", "/v1/reconciliations", body)
        self.premises.catch_up()
        payouts = self.as_("merchant", "GET", f"/v1/merchants/{self.merchant_id}/payouts")
        self.payout_id = payouts["items"][0]["id"]

    def _strangers(self) -> None:
        now = int(self.premises.clock.at.timestamp())
        member = MemberId.derive("x")
        session = {"iss": "shoukuan", "aud": "shoukuan-member", "sub": member, "iat": now}
        good = session | {"exp": now + 600}
        self.tokens |= {
            "nobody": None,
            "malformed": "e30.e30.e30",
            "expired session": _hs256(session | {"exp": now - 60}, SESSION_KEY),
            "session of another key": _hs256(good, "another-key-of-32-bytes-or-more-0123"),
            "session of no algorithm": _unsigned(good),
            "expired token": self._signed(scope="operator", exp=now - 60),
            "token of another issuer": self._signed(scope="operator", iss="https://evil.test"),
            "token of another key": self._signed(key=RSAKey.generate_key(2048), scope="operator"),
            "token for another audience": self._signed(scope="operator", aud="elsewhere"),
        }

    def _signed(self, *, key: RSAKey | None = None, **claims: Any) -> str:
        issuers = RSAKey.import_key(sandbox_keys().oidc_private_key)
        now = int(self.premises.clock.at.timestamp())
        usual = {"iss": f"{SANDBOX}/oidc", "aud": "shoukuan", "sub": "operator", "iat": now}
        header = {"alg": "RS256", "kid": issuers.thumbprint()}
        return jwt.encode(header, usual | {"exp": now + 600} | claims, key or issuers)


def _hs256(claims: dict[str, Any], key: str) -> str:
    """Sign as a session is, under the name of the real key whatever the key is."""
    name, _ = session_key(SESSION_KEY)
    return jwt.encode({"alg": "HS256", "kid": name}, claims, OctKey.import_key(key))


def _unsigned(claims: dict[str, Any]) -> str:
    _, body, _ = _hs256(claims, SESSION_KEY).split(".")
    header = urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).decode().rstrip("=")
    return f"{header}.{body}."
