"""Nothing secret and nobody's data is told: in no log line, no metric, no refusal.

Everything planted is a value that nothing else contains, so that finding it anywhere is a leak.
"""

import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib import commands, hearing
from chalicelib.edge import observe
from chalicelib.settlement import jobs as settlement
from local.sandbox.keys import environment
from tests.edge.calls import Ear, listening
from tests.fakes.premises import SANDBOX, SESSION_KEY, Reply, premises, sandbox_keys
from tests.security.world import World

PHONE, NAME, ADDRESS = "13900139000", "张三丰-planted", "北京市海淀区某路987号"
REASON = f"planted-reason {NAME} {PHONE} {ADDRESS}"
NUMBER, CONTACT = "SFPLANTED0001", "189****7654"
CODE, ADDRESSED = "planted-login-code", "in-the-address-0001"
PEOPLE = (PHONE, NAME, ADDRESS, "planted", NUMBER, CONTACT, CODE)


@dataclass
class Told:
    """What the house said: its lines, and its refusals."""

    world: World
    ear: Ear
    refusals: list[Reply] = field(default_factory=list)

    def ask(self, method: str, target: str, body: Any = None, **how: Any) -> Reply:
        reply = self.world.premises.ask(method, target, body, **how)
        if reply.status >= 400:
            self.refusals.append(reply)
        return reply

    def leaked(self, planted: str) -> list[str]:
        """Return where a planted value shows, as it is or as JSON would spell it."""
        spellings = {planted, json.dumps(planted)[1:-1]}
        said = [*self.ear.text.splitlines(), *(reply.raw.decode() for reply in self.refusals)]
        return [line for line in said if any(one in line for one in spellings)]


def secrets(world: World) -> Iterator[str]:
    """Tell every secret of the house, and every token and signature that went through it."""
    keys = environment(sandbox_keys(), SANDBOX)
    yield SESSION_KEY
    for name in ("API_V3_KEY", "PRIVATE_KEY"):
        yield from _pieces(keys[f"WECHATPAY_{name}"])
    for name in ("APP_SECRET", "PUSH_TOKEN", "PUSH_AES_KEY"):
        yield keys[f"WECHAT_{name}"]
    for token in filter(None, world.tokens.values()):
        yield from (part for part in token.split(".") if len(part) > 12)
    for _, headers, body in notifications(world):
        yield headers["Wechatpay-Signature"]
        yield json.loads(body)["resource"]["ciphertext"]
    for item in world.premises.table.items.values():
        if "openid" in item:
            yield str(item["openid"])


def notifications(world: World) -> list[tuple[str, dict[str, str], bytes]]:
    letters = world.premises.postman.letters
    return [letter for letter in letters if "Wechatpay-Signature" in letter[1]]


def _pieces(key: str) -> Iterator[str]:
    lines = [line for line in key.splitlines() if line and not line.startswith("--")]
    yield from lines[:-1] or lines


def stumbling(*_: Any, **__: Any) -> Any:
    raise RuntimeError(f"could not read {REASON} under {SESSION_KEY}")


def good_and_refused(told: Told) -> None:
    world, ask = told.world, told.ask
    shopper, merchant = world.tokens["shopper"], world.tokens["merchant"]
    operator = world.tokens["operator"]
    order = world._paid()
    shipment = {"carrier": "SF", "tracking_number": NUMBER, "contact": CONTACT}
    path = f"/v1/orders/{order}"
    assert ask("POST", f"{path}/shipment", shipment, token=merchant).status == 201
    dispute = ask("POST", f"{path}/disputes", {"reason": REASON}, token=shopper)
    assert dispute.status == 201
    said = f"{path}/disputes/{dispute.body['id']}/statements"
    assert ask("POST", said, {"text": REASON}, token=merchant).status == 201
    refund = {"amount": {"amount": 5}, "reason": REASON}
    assert ask("POST", f"{path}/refunds", refund, token=merchant).status < 500
    assert ask("POST", "/v1/merchants", {"name": NAME}, token=operator).status == 201
    assert ask("POST", "/v1/sessions", {"provider": "wechat", "code": CODE}).status == 201
    wrong: tuple[tuple[str, Any], ...] = (
        ("/v1/sessions", {"provider": REASON, "code": CODE}),
        ("/v1/sessions", {"provider": "wechat", "code": [REASON]}),
        ("/v1/sessions", {"provider": "wechat", "code": f"invalid {REASON}"}),
        ("/v1/sessions", f'{{"code": "{REASON}'.encode()),
        (f"{path}/disputes", {"reason": {"said": REASON}}),
        (f"{path}/refunds", {"amount": {"amount": REASON}, "reason": REASON}),
        (f"{path}/shipment", {"carrier": REASON, "tracking_number": 7}),
        ("/v1/notifications/wechatpay", json.dumps({"id": REASON}).encode()),
        ("/v1/notifications/wechat", json.dumps({"Encrypt": REASON}).encode()),
    )
    for target, body in wrong:
        assert ask("POST", target, body, token=merchant).status >= 400, target
    assert ask("GET", f"/v1/orders?limit={PHONE}", token=shopper).status == 400
    assert ask("GET", f"/v1/orders?cursor={NUMBER}", token=shopper).status == 400
    # What stands in the address is told back to whoever wrote it there, and to nobody else.
    assert ask("GET", f"/v1/orders/{ADDRESSED}", token=shopper).status == 400
    assert ask("GET", f"/{NUMBER}").status == 404
    assert ask("GET", "/v1/orders", token=f"{shopper}{NUMBER}").status == 401


def forged(told: Told) -> None:
    """Send a true notification with something of it changed."""
    target, headers, body = notifications(told.world)[-1]
    for changed in (headers | {"Wechatpay-Serial": NUMBER}, headers):
        reply = told.ask("POST", target, body[:-1] + REASON.encode() + b"}", headers=changed)
        assert reply.status == 400


def broken(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store fail with an error whose words quote what it held."""
    world = told.world
    with monkeypatch.context() as patch:
        for verb in ("get", "get_many", "transact", "query"):
            patch.setattr(world.premises.table, verb, stumbling, raising=False)
        body = {"provider": "wechat", "code": CODE}
        assert told.ask("POST", "/v1/sessions", body).status == 500
        read = told.ask("GET", f"/v1/orders/{world.paid}", token=world.tokens["shopper"])
        assert read.status == 500


def messages(told: Told) -> None:
    """Hand the workers what they can't handle."""
    handlers: tuple[Callable[..., Any], ...] = (
        hearing.hear_events,
        commands.run_commands,
        settlement.run_settlements,
    )
    for handle in handlers:
        for body in (REASON, json.dumps({"kind": REASON, "openid": NUMBER})):
            record = {"messageId": "m-1", "body": body, "attributes": {}, "eventSource": "aws:sqs"}
            assert handle({"Records": [record]}, None) is not None
    told.world.premises.catch_up()


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    with listening() as ear, premises() as opened, pytest.MonkeyPatch.context() as patch:
        others = logging.StreamHandler(ear.heard)  # what libraries say, as Lambda's root logger
        logging.getLogger().addHandler(others)
        try:
            told = Told(World(opened), ear)
            good_and_refused(told)
            forged(told)
            broken(told, patch)
            messages(told)
            yield told
        finally:
            logging.getLogger().removeHandler(others)


def test_all_of_it_was_really_played(told: Told) -> None:
    lines = told.ear.text
    assert lines.count('"an error nobody expected"') >= 2
    assert '"_aws"' in lines
    assert '"message":"request"' in lines
    assert {400, 401, 404, 500} <= {reply.status for reply in told.refusals}
    assert len(set(secrets(told.world))) > 30


def test_nothing_planted_is_told_anywhere(told: Told) -> None:
    leaks = {
        planted[:12]: found[0][:300]
        for planted in (*PEOPLE, *secrets(told.world))
        if (found := told.leaked(planted))
    }
    assert leaks == {}
    assert ADDRESSED not in told.ear.text


@pytest.mark.parametrize(
    "leak",
    [
        lambda: observe.note("request", reason=REASON),
        lambda: observe.count("Refused", facts={"name": NAME}, code="x"),
        lambda: observe.alarm("something", number=NUMBER),
        lambda: logging.getLogger("library").warning("sent %s", PHONE),
        lambda: sys.stdout.write(SESSION_KEY),
    ],
    ids=["a fact", "a metric", "an alarm", "a library", "a print"],
)
def test_a_planted_leak_is_seen(told: Told, leak: Callable[[], object]) -> None:
    with listening() as ear:
        others = logging.StreamHandler(ear.heard)
        logging.getLogger().addHandler(others)
        leak()
        logging.getLogger().removeHandler(others)
    again = Told(told.world, ear)
    assert any(again.leaked(planted) for planted in (*PEOPLE, *secrets(told.world)))


def test_a_refusal_that_repeats_is_seen(told: Told) -> None:
    reply = Reply(400, {}, json.dumps({"detail": REASON}).encode())
    assert Told(told.world, Ear(), [reply]).leaked(NAME)


def test_nobody_writes_a_line_of_their_own(told: Told) -> None:
    line = '\n{"level":"ERROR","message":"forged"}\n'
    headers = {"X-Correlation-Id": line, "traceparent": line, "User-Agent": line}
    escaped = "%0A%7B%22message%22%3A%22forged%22%7D%0A"
    world = told.world
    with listening() as ear:
        for target in (f"/v1/orders/{escaped}", f"/v1/orders?cursor={escaped}"):
            token = world.tokens["shopper"]
            world.premises.ask("GET", target, token=token, headers=headers)
        body = {"reason": line}
        path = f"/v1/orders/{world.paid}/disputes"
        world.premises.ask("POST", path, body, token=world.tokens["shopper"], headers=headers)
    assert len(ear.about("request")) == 3
    assert ear.about("forged") == []
    assert "forged" not in ear.text
