"""Limits at the door: who is told to wait, and who never is."""

from collections.abc import Iterator

import pytest

from chalicelib.edge.sizes import HEADERS_MAX, SMALL, WORD_CHARACTERS_MAX
from tests.edge.calls import listening
from tests.fakes.premises import premises
from tests.security.world import PNG, World

FAR, NEAR = "198.51.100.1", "203.0.113.7"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    settings = {
        "RATE_LIMITS_ENABLED": "true",
        "RATE_LIMITS": '{"sign_in":40,"unauthenticated":5,"forged":5}',
        "TRUSTED_PROXIES": "1",
    }
    with listening(), premises(**settings) as opened:
        yield World(opened)


@pytest.fixture(autouse=True)
def _a_minute_of_its_own(world: World) -> Iterator[None]:
    world.premises.clock.move(seconds=60)
    with listening():
        yield


def through_proxy(caller: str, forged: str = "") -> dict[str, str]:
    return {"X-Forwarded-For": f"{forged}, {caller}" if forged else caller}


def test_who_starts_payment_after_payment_is_told_to_wait(world: World) -> None:
    ask, table = world.premises.ask, world.premises.table
    path, token = f"/v1/orders/{world.unpaid}/payments", world.tokens["shopper"]
    replies = [ask("POST", path, {"provider": "wechatpay"}, token=token) for _ in range(12)]
    assert [reply.status for reply in replies] == [201] * 10 + [429] * 2
    told = replies[-1]
    assert told.code == "too_many_requests"
    assert told.headers["Content-Type"] == "application/problem+json"
    assert int(told.headers["Retry-After"]) == told.body["retry_after_seconds"] <= 60
    assert any(key.pk.startswith("limit/payment/") for key in table.items)


def test_who_starts_one_payment_costs_no_more_than_without_a_limit(world: World) -> None:
    order = world._placed()
    table, token = world.premises.table, world.tokens["shopper"]
    before = len(table.committed)
    path = f"/v1/orders/{order}/payments"
    assert world.premises.ask("POST", path, {"provider": "wechatpay"}, token=token).status == 201
    (commit,) = table.committed[before:]
    places = {action.key.sk.partition("/")[0] for action in commit if action.key.table == "main"}
    assert (places, len(commit)) == ({"payment"}, 2), "the payment and its outbox row, as ever"


def test_forgers_are_told_to_wait_and_the_provider_never_is(world: World) -> None:
    ask, door = world.premises.ask, "/v1/notifications/wechatpay"
    forged = [ask("POST", door, b"{}", headers=through_proxy(FAR)) for _ in range(8)]
    assert [reply.status for reply in forged] == [400] * 5 + [429] * 3
    path = f"/v1/orders/{world._placed()}/payments"
    payment = world.as_("shopper", "POST", path, {"provider": "wechatpay"})
    assert world.premises.pay(payment["id"]) == [204]
    target, headers, body = world.premises.postman.letters[-1]
    for _ in range(20):  # again and again, and from the forger's own address
        again = ask("POST", target, body, headers=headers | through_proxy(FAR))
        assert again.status == 204


def test_who_guesses_tokens_is_told_to_wait_and_a_neighbour_with_a_good_one_is_not(
    world: World,
) -> None:
    ask = world.premises.ask
    guesses = [
        ask("GET", "/v1/orders", token="e30.e30.e30", headers=through_proxy(FAR)) for _ in range(8)
    ]
    assert [reply.status for reply in guesses] == [401] * 5 + [429] * 3
    good = ask("GET", "/v1/orders", token=world.tokens["shopper"], headers=through_proxy(FAR))
    assert good.status == 200
    assert ask("GET", "/v1/orders", token="x.y.z", headers=through_proxy(NEAR)).status == 401


def test_a_forged_address_is_no_other_address(world: World) -> None:
    replies = [
        world.premises.ask(
            "GET", "/v1/orders", token="x.y.z", headers=through_proxy(FAR, forged=f"10.1.1.{n}")
        )
        for n in range(8)
    ]
    assert [reply.status for reply in replies] == [401] * 5 + [429] * 3


def test_logins_are_counted_by_address(world: World) -> None:
    def login(address: str) -> int:
        body = {"provider": "wechat", "code": "somebody"}
        ask = world.premises.ask
        return ask("POST", "/v1/sessions", body, headers=through_proxy(address)).status

    assert [login(FAR) for _ in range(42)] == [201] * 40 + [429] * 2
    assert login(NEAR) == 201


def test_a_flood_writes_no_lines(world: World) -> None:
    with listening() as ear:
        for _ in range(30):
            world.premises.ask("GET", "/v1/orders", token="x.y.z", headers=through_proxy(FAR))
    assert len(ear.about("request")) == 5


@pytest.mark.parametrize(
    ("method", "target", "how", "status", "code"),
    [
        ("POST", "/v1/sessions", {"body": b"x" * (SMALL + 1)}, 413, "body_too_large"),
        ("POST", "/v1/sessions", {"body": b"x" * SMALL}, 400, "invalid_body"),
        ("POST", "/v1/sessions", {"body": b"x" * (5 << 20)}, 413, "body_too_large"),
        ("POST", "/v1/notifications/wechatpay", {"body": b"x" * 65_537}, 413, "body_too_large"),
        ("POST", "/v1/notifications/wechat", {"body": b"x" * 65_537}, 413, "body_too_large"),
        ("GET", "/healthz", {"body": b"x" * (SMALL + 1)}, 413, "body_too_large"),
        ("GET", "/healthz", {"headers": {"X": "x" * 16_400}}, 431, "headers_too_large"),
        (
            "GET",
            "/healthz",
            {"headers": {f"X-{n}": "x" for n in range(HEADERS_MAX + 1)}},
            431,
            "headers_too_large",
        ),
        ("GET", "/healthz?" + "x" * 4097, {}, 414, "address_too_long"),
        ("GET", "/healthz?" + "x=1&" * 33, {}, 414, "address_too_long"),
        ("GET", "/v1/orders/" + "x" * (WORD_CHARACTERS_MAX + 1), {}, 414, "address_too_long"),
        ("GET", "/v1/orders/" + "x" * WORD_CHARACTERS_MAX, {}, 401, "unauthenticated"),
    ],
)
def test_what_is_too_large_is_refused_before_anything_is_read(
    world: World, method: str, target: str, how: dict[str, object], status: int, code: str
) -> None:
    body, headers = how.get("body"), how.get("headers")
    assert isinstance(headers, dict | None)
    with listening():
        reply = world.premises.ask(method, target, body, headers=headers)
    assert (reply.status, reply.code) == (status, code)


def test_a_file_may_be_as_long_as_its_route_says(world: World) -> None:
    path = f"/v1/orders/{world.disputed}/disputes/{world.dispute_id}/evidence"
    token, media = world.tokens["shopper"], {"Content-Type": "image/png"}
    long = PNG + b"x" * ((3 << 20) - len(PNG))
    ask = world.premises.ask
    assert ask("POST", path, long, token=token, headers=media).status == 201
    assert ask("POST", path, long + b"x", token=token, headers=media).status == 413
