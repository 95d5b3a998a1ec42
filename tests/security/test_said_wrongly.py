"""What is said again, said to be of another length, or said to the log, at the real door."""

import io
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from typing_extensions import override

from tests.edge.calls import Ear, listening
from tests.fakes.premises import premises
from tests.security.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with listening(), premises() as opened:
        yield World(opened)


@pytest.fixture(autouse=True)
def ear(world: World) -> Iterator[Ear]:
    saved = world.premises.table.saved()
    with listening() as ear:
        yield ear
    world.premises.table.restore(saved)


def test_a_true_notification_said_again_later_is_refused(world: World) -> None:
    premises = world.premises
    target, headers, body = premises.postman.letters[0]
    at = premises.clock.at
    try:
        for seconds, status in ((0, 400), (-299, 400)):  # the world is a day older than the letter
            premises.clock.at = at
            premises.clock.move(seconds=seconds)
            reply = premises.ask("POST", target, body, headers=headers)
            assert (reply.status, reply.body["reason"]) == (status, "stale")
        saved = premises.table.saved()
        premises.clock.at = premises.clock.at.fromtimestamp(
            int(headers["Wechatpay-Timestamp"]) + 299, at.tzinfo
        )
        assert premises.ask("POST", target, body, headers=headers).status == 204
        assert premises.table.saved() == saved, "in time it is the same answer, and books nothing"
    finally:
        premises.clock.at = at


def test_an_idempotency_key_is_its_callers_alone(world: World) -> None:
    lines = [{"product_id": world.product_id, "quantity": 1}]
    body = {"merchant_id": world.merchant_id, "lines": lines}
    placed = {
        who: world.premises.ask("POST", "/v1/orders", body, token=world.tokens[who], key="same")
        for who in ("shopper", "other shopper")
    }
    assert {reply.status for reply in placed.values()} == {201}
    assert len({reply.body["id"] for reply in placed.values()}) == 2
    path = f"/v1/orders/{world.unpaid}/payments"
    body = {"provider": "wechatpay"}
    mine = world.premises.ask("POST", path, body, token=world.tokens["shopper"], key="same")
    theirs = world.premises.ask("POST", path, body, token=world.tokens["other shopper"], key="same")
    assert (mine.status, theirs.status) == (201, 404)


@pytest.mark.parametrize("length", ["-1", "-99999999", "nan", "1e3", "٣", "99999999999"])
def test_a_body_is_as_long_as_it_says_or_is_not_read(world: World, length: str) -> None:
    """What serves this checks the same before; the door does not rely on it."""
    asked: list[int] = []

    class Counted(io.BytesIO):
        @override
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(-1 if size is None else size)
            return super().read(size)

    environ = {
        "REQUEST_METHOD": "POST",
        "REQUEST_URI": "/v1/sessions",
        "CONTENT_LENGTH": length,
        "wsgi.input": Counted(b"x" * 100),
        "REMOTE_ADDR": "127.0.0.1",
    }
    said: list[str] = []
    world.premises.door(environ, lambda status, _: said.append(status))
    assert said[0][:3] in {"400", "413"}
    assert all(0 <= size <= 4 << 20 for size in asked)


def test_no_line_of_the_log_is_written_by_a_stranger(world: World, ear: Ear) -> None:
    forged = '"}\n{"level":"ERROR","message":"forged"}\n'
    ask = world.premises.ask
    ask("GET", f"/v1/orders/{quote(forged)}", token=world.tokens["shopper"])
    ask("GET", "/v1/orders", token=forged, headers={"X-Request-Id": forged, "User-Agent": forged})
    ask("POST", "/v1/sessions", {"provider": "wechat", "code": forged})
    ask("POST", "/v1/orders", {}, token=world.tokens["shopper"], key=forged)
    ask("GET", "/v1/orders", token=world.tokens["shopper"], headers={"X-Correlation-Id": forged})
    assert len(ear.lines) >= 5
    assert [line for line in ear.lines if line.get("message") == "forged"] == []
    assert "forged" not in ear.text
