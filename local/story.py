"""One purchase, told over HTTP: what the demo prints and what a story test asserts."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from time import monotonic, sleep
from typing import Any, Protocol

from chalicelib.ledger.days import CHINA, business_day
from local.client import Client, Reply

_AWAITED_SECONDS_MAX = 60
NIGHT = time(1)


class StoryError(AssertionError):
    """A step did not go as it must."""


class House(Protocol):
    """Where a story is told: the addresses of a running house, and what it was told itself."""

    @property
    def api(self) -> str:
        """Return where the API answers."""

    @property
    def sandbox(self) -> str:
        """Return where the provider answers."""

    @property
    def aws(self) -> str:
        """Return where AWS answers."""

    @property
    def control(self) -> str:
        """Return where what is due can be run."""

    def environment(self) -> dict[str, str]:
        """Return the settings that its processes see."""


@dataclass
class Story:
    """A shopper, a merchant, an operator, and the addresses they call."""

    stack: House
    say: Callable[[str, Reply, str], None] = field(default=lambda _step, _reply, _fact: None)

    def __post_init__(self) -> None:
        self.api = Client(self.stack.api)
        self.sandbox = Client(self.stack.sandbox)
        self.control = Client(self.stack.control)
        self.clients = [self.api, self.sandbox, self.control]

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

    def agreed(self, merchant_id: str, **terms: Any) -> Any:
        """Agree on a merchant's terms."""
        reply = self.operator().post(f"/v1/merchants/{merchant_id}/terms", terms)
        return self.expect("terms agreed", reply, 200, "payee, seller, a partner's share")

    def day_over(self) -> str:
        """Let the business day end, with all of it numbered; return the day that is over.

        It is one in the morning then: before the schedule that asks for the day's bills.
        """
        self.ticked()
        offset = int(self.control.get("/status").body["offset_seconds"])
        now = datetime.now(UTC) + timedelta(seconds=offset)
        today = business_day(now)
        morning = datetime.combine(today + timedelta(days=1), NIGHT, CHINA)
        moved = offset + int((morning - now).total_seconds())
        self.control.post("/clock", {"offset_seconds": moved})
        self.ticked()
        return today.isoformat()

    def ticked(self) -> Any:
        """Run what is due, until nothing waits."""
        reply = self.control.post("/tick")
        if not reply.body.get("empty"):
            raise StoryError(f"something keeps waiting: {reply.body}")
        return reply.body

    def settled(self, day: str) -> Any:
        """Settle a business day by hand."""
        body = {"business_date": day}
        reply = self.operator().post("/v1/settlements", body, key=new_key())
        return self.expect("day settled", reply, 201, f"{day}, up to where it closed")

    def fees(self, basis_points: int) -> None:
        """Let the gateway keep so much of every payment from now on."""
        reply = self.sandbox.post("/control/settings", {"fee_basis_points": basis_points})
        self.expect("gateway's fee", reply, 200, f"{basis_points} basis points")

    def asked_to_reconcile(self, day: str) -> None:
        """Ask for a closed business day to be held against the gateway's bills."""
        body = {"business_date": day}
        reply = self.operator().post("/v1/reconciliations", body, key=new_key())
        self.expect("day reconciled", reply, 202, f"{day}, against WeChat Pay's bills")

    def reconciled(self, day: str) -> Any:
        """Hold a closed business day against the gateway's bills, and return what came of it."""
        self.asked_to_reconcile(day)
        self.ticked()
        return self.operator().get(f"/v1/reconciliations/{day}").body["result"]

    def payout_in(self, merchant: Client, merchant_id: str, state: str) -> Any:
        """Wait until a merchant's newest payout is in this state, and return it."""

        def found() -> Any:
            items = merchant.get(f"/v1/merchants/{merchant_id}/payouts").body["items"]
            return items[0] if items and items[0]["state"] == state else None

        payout_id = self.awaited(found, f"no payout is {state}")["id"]
        reply = merchant.get(f"/v1/payouts/{payout_id}")
        return self.expect(f"payout {state}", reply, 200, payout_id)

    def confirmed(self, payout_id: str, outcome: str = "confirmed") -> list[int]:
        """Let the receiver confirm a transfer; return how our side answered each notification."""
        path = f"/control/transfers/{payout_id.replace('_', '')}"
        reply = self.sandbox.post(path, {"outcome": outcome})
        body = self.expect(f"transfer {outcome}", reply, 200, "the gateway notifies")
        return [delivery["status"] for delivery in body["deliveries"]]

    def entries_in(self, merchant: Client, merchant_id: str, *, kind: str) -> Any:
        """Wait until a merchant's newest entry is of this kind and in its balances; return all."""

        def found() -> Any:
            items = merchant.get(f"/v1/merchants/{merchant_id}/entries").body["items"]
            if not items or items[0]["kind"] != kind:
                return None
            shown = merchant.get(f"/v1/merchants/{merchant_id}/balances").body
            return items if shown["position"] >= items[0]["position"] else None

        return self.awaited(found, f"no entry says {kind}")

    def provider_keeps(self) -> int:
        """Return what the gateway's own books keep for us: collected, and not gone."""
        books = self.sandbox.get("/control/money").body
        ours = self.stack.environment()["WECHATPAY_MCH_ID"]
        direct = [one for one in books["transactions"] if one["sub_mchid"] is None]
        frozen = [one for one in books["transactions"] if one["sub_mchid"] is not None]
        kept = sum(one["total"] - one["fee"] for one in direct)
        kept += sum(one["frozen"] + one["pending"] + one["shared"].get(ours, 0) for one in frozen)
        paid = [bill for bill in books["transfers"] if bill["state"] == "SUCCESS"]
        return int(kept - sum(bill["transfer_amount"] for bill in paid))

    def awaited(
        self, look: Callable[[], Any], otherwise: str, seconds: int = _AWAITED_SECONDS_MAX
    ) -> Any:
        """Look until there is something to see, and return it."""
        deadline = monotonic() + seconds
        while monotonic() < deadline:
            if (found := look()) is not None:
                return found
            sleep(0.1)
        raise StoryError(otherwise)

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
