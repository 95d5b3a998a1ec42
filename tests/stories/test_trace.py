"""One id from a request to the last call that it causes, told by the house's own logs and lake."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.kernel import trace
from chalicelib.ledger.numbered import NumberedRow
from chalicelib.ledger.segments import ReadSegments
from local.books import local_lake
from local.client import Client
from local.stack import Stack
from local.story import Story, new_key
from tests.stories.queues import lay

Line = dict[str, Any]


def fresh() -> str:
    return trace.minted(os.urandom)


def parent(trace_id: str) -> str:
    return f"00-{trace_id}-00f067aa0ba902b7-01"


def lines(stack: Stack, process: str) -> list[Line]:
    """Return what a process has logged, of all that is JSON."""
    text = (stack.data_dir / "logs" / f"{process}.log").read_text()
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def under(stack: Stack, process: str, trace_id: str) -> list[Line]:
    return [line for line in lines(stack, process) if line.get("trace") == trace_id]


def numbered(trace_id: str) -> list[NumberedRow]:
    batches = ReadSegments(local_lake()).batches()
    return [row for _, rows in batches for row in rows if row.row.trace == trace_id]


class Shop:
    """A shop and its shopper, each call of theirs under a trace of its own."""

    def __init__(self, story: Story, stack: Stack) -> None:
        self.story, self.stack = story, stack
        self.merchant_id = story.registered("山月茶庄")
        self.merchant = story.merchant(self.merchant_id)
        self.product_id = story.product(self.merchant, "高山乌龙茶", 1999, 10)
        self.shopper = story.shopper("xiaoming")

    @contextmanager
    def traced(self, client: Client) -> Iterator[tuple[Client, str]]:
        trace_id = fresh()
        told = client.under(parent(trace_id))
        yield told, trace_id
        told.close()

    def ordered(self, shopper: Client) -> str:
        return str(self.story.order(shopper, self.merchant_id, self.product_id, 2)["id"])


@pytest.fixture
def shop(story: Story, stack: Stack) -> Shop:
    return Shop(story, stack)


def heard(line: Line) -> bool:
    return line.get("message") == "event"


def handled(queue: str, command: str) -> Callable[[Line], bool]:
    return lambda line: (
        "MessageMilliseconds" in line and (line["queue"], line.get("command")) == (queue, command)
    )


def called(line: Line) -> bool:
    return "ProviderCall" in line


def test_from_the_tap_to_the_call_it_causes_one_id_is_found_everywhere(shop: Shop) -> None:
    story, stack = shop.story, shop.stack
    with shop.traced(shop.shopper) as (shopper, placed):
        order_id = shop.ordered(shopper)
    with shop.traced(shop.shopper) as (shopper, started):
        payment_id = story.payment(shopper, order_id)["id"]
    assert story.paid(payment_id) == [204]
    with shop.traced(shop.merchant) as (merchant, shipped):
        story.shipped(merchant, order_id)
    with shop.traced(shop.shopper) as (shopper, received):
        story.received(shopper, order_id)
    story.ticked()
    api = {name: under(stack, "api", name) for name in (placed, started, shipped, received)}
    worker = {name: under(stack, "worker", name) for name in api}
    for name, kind in {
        placed: "order.placed",
        started: "payment.started",
        shipped: "order.shipped",
        received: "order.released",
    }.items():
        assert [line for line in api[name] if line.get("message") == "request"], kind
        assert [line["event"] for line in api[name] if "Committed" in line] == [kind]
        assert [row.row.kind for row in numbered(name)][:1] == [kind]
    told = [one for one in lines(stack, "api") if one.get("number") == payment_id]
    notified, *_ = told
    assert {"NotificationBooked", "Committed", "CommitAttempts", "RequestMilliseconds"} <= {
        *notified
    }, "all that is told of a notification is one line"
    assert [row.row.kind for row in numbered(notified["trace"])] == ["payment.captured"]
    (prepay,) = filter(called, api[started])
    assert (prepay["method"], prepay["route"]) == ("POST", "/v3/pay/transactions/jsapi")
    assert [one["status"] for one in prepay["tries"]] == [200]
    assert prepay["tries"][0]["request_id"]
    event, *_ = filter(heard, worker[shipped])  # on a busy machine it may come twice
    assert event["event"] == "order.shipped"
    assert event["position"] == numbered(shipped)[0].position
    assert list(filter(handled("commands", "report_shipment"), worker[shipped]))
    call, *_ = filter(called, worker[shipped])
    assert call["route"] == "/wxa/sec/order/upload_shipping_info"
    assert call["fate"] == "answered"
    assert order_id not in json.dumps(call), "no line about a call names whose it was"


def test_a_refund_is_followed_from_the_desk_to_the_provider(shop: Shop) -> None:
    story, stack = shop.story, shop.stack
    order_id = shop.ordered(shop.shopper)
    assert story.paid(story.payment(shop.shopper, order_id)["id"]) == [204]
    with shop.traced(shop.merchant) as (merchant, asked):
        body = {"amount": {"amount": 100, "currency": "CNY"}, "reason": "少发了一件"}
        reply = merchant.post(f"/v1/orders/{order_id}/refunds", body, key=new_key())
        assert reply.status in {200, 201, 202}, reply.body
        assert reply.headers["X-Correlation-Id"] == asked
    story.ticked()
    worker = under(stack, "worker", asked)
    assert list(filter(handled("commands", "advance_refund"), worker))
    routes = [line["route"] for line in worker if called(line)]
    assert "/v3/refund/domestic/refunds" in routes
    kinds = [row.row.kind for row in numbered(asked)]
    assert kinds[0] == "refund.accepted"
    assert "refund.sent" in kinds, "the commit of a worker is of the request that it works for"


def test_a_batch_of_two_events_logs_each_under_its_own_id(shop: Shop) -> None:
    story, stack = shop.story, shop.stack
    orders: dict[str, str] = {}
    for _ in range(2):
        with shop.traced(shop.shopper) as (shopper, name):
            orders[name] = shop.ordered(shopper)
    story.ticked()
    before = {name: len(list(filter(heard, under(stack, "worker", name)))) for name in orders}
    assert before == dict.fromkeys(orders, 1)
    rows = [numbered(name)[0] for name in orders]
    events = [
        {
            "event": one.row.kind,
            "position": one.position,
            "about": one.row.about,
            "at": one.row.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "facts": one.row.facts,
            "entry": None,
            "trace": one.row.trace,
        }
        for one in rows
    ]
    of_old = {name: fact for name, fact in events[0].items() if name != "trace"}
    carrier = fresh()
    lay("events", {"events": [*events, of_old], "trace": carrier})
    story.ticked()
    for name, row in zip(orders, rows, strict=True):
        again = list(filter(heard, under(stack, "worker", name)))
        assert [line["position"] for line in again] == [row.position] * 2
    (message,) = [line for line in under(stack, "worker", carrier) if "MessageMilliseconds" in line]
    assert message["queue"] == "events"
    (old,) = filter(heard, under(stack, "worker", carrier))
    assert old["position"] == rows[0].position, "an event of old goes under its message's"


@pytest.mark.parametrize(
    "forged",
    [
        "o-somebodys-openid",
        f"00-{'F0' * 16}-00f067aa0ba902b7-01",
        f"00-{'f0' * 16}-00f067aa0ba902b7-01-13800138000",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
    ],
)
def test_what_is_no_traceparent_is_as_if_it_were_not_sent(shop: Shop, forged: str) -> None:
    told = shop.shopper.under(forged)
    reply = told.get("/v1/orders")
    told.close()
    own = reply.headers["X-Correlation-Id"]
    assert own == reply.headers["X-Request-Id"].replace("-", "")
    assert under(shop.stack, "api", own)
    for part in (forged, "openid", "13800138000", "f0" * 16):
        assert part not in (shop.stack.data_dir / "logs" / "api.log").read_text()
