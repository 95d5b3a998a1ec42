"""One purchase, told over HTTP: what the demo prints and what a story test asserts."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.client import Client, Reply
from local.stack import Stack

_FOLDED_SECONDS_MAX = 15


class StoryError(AssertionError):
    """A step did not go as it must."""


@dataclass
class Story:
    """A shopper, a merchant, an operator, and the addresses they call."""

    stack: Stack
    say: Callable[[str, Reply, str], None] = field(default=lambda _step, _reply, _fact: None)

    def __post_init__(self) -> None:
        self.api = Client(self.stack.api)
        self.sandbox = Client(self.stack.sandbox)
        self.clients = [self.api, self.sandbox]

    def close(self) -> None:
        """Let all connections go."""
        for client in self.clients:
            client.close()

    def operator(self) -> Client:
        """Return an operator's client."""
        return self._issued("operator")

    def merchant(self, merchant_id: str) -> Client:
        """Return a merchant's client."""
        return self._issued(f"merchant:{merchant_id}")

    def shopper(self, code: str) -> Client:
        """Let a shopper in, and return the client."""
        reply = self.api.post("/v1/sessions", {"provider": "wechat", "code": code})
        self.expect("shopper signs in", reply, 201, reply.body["member"]["id"])
        return self._kept(self.api.signed_in(reply.body["token"]))

    def registered(self, name: str) -> str:
        """Register a merchant."""
        reply = self.operator().post("/v1/merchants", {"name": name}, key=new_key())
        return str(self.expect("merchant registered", reply, 201, name)["id"])

    def product(self, merchant: Client, title: str, price: int, stock: int) -> str:
        """Put a product up for sale."""
        body = {"title": title, "price": {"amount": price, "currency": "CNY"}, "stock": stock}
        reply = merchant.post("/v1/products", body, key=new_key())
        return str(self.expect("product for sale", reply, 201, title)["id"])

    def order(self, shopper: Client, merchant_id: str, product_id: str, quantity: int) -> Any:
        """Place an order of one line."""
        body = {
            "merchant_id": merchant_id,
            "lines": [{"product_id": product_id, "quantity": quantity}],
        }
        reply = shopper.post("/v1/orders", body, key=new_key())
        return self.expect("order placed", reply, 201, reply.body.get("id", ""))

    def payment(self, shopper: Client, order_id: str, key: str | None = None) -> Any:
        """Start a payment."""
        path = f"/v1/orders/{order_id}/payments"
        reply = shopper.post(path, {"provider": "wechatpay"}, key=key or new_key())
        return self.expect("payment started", reply, 201, reply.body.get("id", ""))

    def paid(self, payment_id: str, **how: Any) -> list[int]:
        """Let the shopper pay at the gateway; return how our side answered each notification."""
        reply = self.sandbox.post("/control/pay", {"out_trade_no": payment_id, **how})
        body = self.expect("shopper pays", reply, 200, "the gateway notifies")
        return [delivery["status"] for delivery in body["deliveries"]]

    def folded(self, merchant: Client, merchant_id: str, available: int) -> Any:
        """Wait until so much of a merchant's balances is its own, and return them."""
        deadline = time.monotonic() + _FOLDED_SECONDS_MAX
        while True:
            reply = merchant.get(f"/v1/merchants/{merchant_id}/balances")
            if reply.status != 200 or reply.body["available"]["amount"] == available:  # noqa: PLR2004
                return self.expect("balances shown", reply, 200, "available, to the fen")
            if time.monotonic() > deadline:
                raise StoryError(f"the balances stay behind: {reply.body}")
            time.sleep(0.05)

    def shipped(self, merchant: Client, order_id: str) -> Any:
        """Say that an order is on its way."""
        body = {"carrier": "SF", "tracking_number": "SF1234567890"}
        reply = merchant.post(f"/v1/orders/{order_id}/shipment", body, key=new_key())
        return self.expect("order shipped", reply, 201, reply.body.get("state", ""))

    def received(self, shopper: Client, order_id: str) -> Any:
        """Confirm that an order came."""
        reply = shopper.post(f"/v1/orders/{order_id}/receipt", key=new_key())
        return self.expect("shopper confirms", reply, 200, reply.body.get("state", ""))

    def shown(self, client: Client, order_id: str) -> Any:
        """Read an order."""
        reply = client.get(f"/v1/orders/{order_id}")
        return self.expect("order shown", reply, 200, reply.body.get("state", ""))

    def expect(self, step: str, reply: Reply, status: int, fact: str) -> Any:
        """Say what happened, and insist on the status."""
        self.say(step, reply, fact)
        if reply.status != status:
            raise StoryError(f"{step}: {reply.status} instead of {status}: {reply.body}")
        return reply.body

    def _issued(self, client_id: str) -> Client:
        reply = self.sandbox.post_form(
            "/oidc/token", grant_type="client_credentials", client_id=client_id
        )
        if reply.status != 200:  # noqa: PLR2004
            raise StoryError(f"no token for {client_id}: {reply.body}")
        return self._kept(self.api.signed_in(reply.body["access_token"]))

    def _kept(self, client: Client) -> Client:
        self.clients.append(client)
        return client


def new_key() -> str:
    """Return an Idempotency-Key for one more intention."""
    return uuid.uuid4().hex
