"""Every secret is exchanged while people pay: by reference, without a restart, nobody refused."""

import ast
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chalicelib import outside
from chalicelib.edge.auth import Sessions
from chalicelib.payments import wiring as payments
from chalicelib.providers.wechatpay.client import WeChatPay
from chalicelib.storage.secrets import Renewed, Vault
from local.sandbox.keys import SandboxKeys, environment
from tests.edge.calls import listening
from tests.fakes.premises import SANDBOX, SESSION_KEY, Premises, forget, premises, sandbox_keys
from tests.security.world import PARCEL

ROOT = Path(__file__).parent.parent.parent
WIRINGS = [ROOT / "chalicelib/outside.py", *sorted((ROOT / "chalicelib").glob("*/wiring.py"))]

NAMED = {
    "SESSION_KEY": "session#key",
    "SESSION_KEY_PREVIOUS": "session#previous",
    "WECHATPAY_SERIAL_NO": "merchant#serial_no",
    "WECHATPAY_PRIVATE_KEY": "merchant#private_key",
    "WECHATPAY_API_V3_KEY": "seal#key",
    "WECHATPAY_API_V3_KEY_PREVIOUS": "seal#previous",
    "WECHAT_APP_SECRET": "app#secret",
    "WECHAT_APP_SECRET_PREVIOUS": "app#previous",
    "WECHAT_PUSH_TOKEN": "push#token",
    "WECHAT_PUSH_TOKEN_PREVIOUS": "push#token_previous",
    "WECHAT_PUSH_AES_KEY": "push#aes_key",
    "WECHAT_PUSH_AES_KEY_PREVIOUS": "push#aes_key_previous",
}


@dataclass
class Shop:
    """A shop whose secrets are mounted files, and people in it."""

    premises: Premises
    mounted: Path

    def mount(self, name: str, **fields: str) -> None:
        """Exchange a mounted file, as a whole."""
        draft = self.mounted / f"{name}.new"
        draft.write_text(json.dumps(fields))
        draft.rename(self.mounted / name)

    def open(self) -> None:
        done = self.premises.done
        operator = self.premises.issued("operator")
        self.merchant = done("POST", "/v1/merchants", {"name": "甲"}, token=operator)["id"]
        self.seller = self.premises.issued(f"merchant:{self.merchant}")
        body = {"title": "茶", "price": {"amount": 1999}, "stock": 1000}
        self.product = done("POST", "/v1/products", body, token=self.seller)["id"]

    def buys(self, token: str) -> str:
        """Let a shopper order and pay; return the payment."""
        lines = [{"product_id": self.product, "quantity": 1}]
        body = {"merchant_id": self.merchant, "lines": lines}
        order = self.premises.done("POST", "/v1/orders", body, token=token)["id"]
        path = f"/v1/orders/{order}/payments"
        payment = self.premises.done("POST", path, {"provider": "wechatpay"}, token=token)["id"]
        assert self.premises.pay(payment) == [204]
        shown = self.premises.done("GET", f"/v1/orders/{order}", token=token)
        assert shown["state"] == "paid"
        return str(order)

    def ships(self, order: str) -> None:
        """Ship, and let WeChat be told, which pushes in its turn."""
        done = self.premises.done
        done("POST", f"/v1/orders/{order}/shipment", PARCEL, token=self.seller)
        self.premises.catch_up()
        report = done("GET", f"/v1/orders/{order}/shipment", token=self.seller)["report"]
        assert report["state"] == "reported", report


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    keys = sandbox_keys()
    shop = Shop(None, tmp_path)  # type: ignore[arg-type]
    shop.mount("session", key=SESSION_KEY)
    shop.mount("merchant", serial_no=keys.merchant_serial_no, private_key=keys.merchant_private_key)
    shop.mount("seal", key=keys.api_v3_key)
    shop.mount("app", secret=keys.app_secret)
    shop.mount("push", token=keys.push_token, aes_key=keys.push_aes_key)
    named = {name: f"file:{tmp_path}/{where}" for name, where in NAMED.items()}
    with listening(), premises(**named) as opened:
        shop.premises = opened
        shop.open()
        yield shop


def others(shop: Shop, **changed: Any) -> SandboxKeys:
    """Let the far side use other keys from now on."""
    keys = shop.premises.sandbox.keys.model_copy(update=changed)
    shop.premises.sandbox.keys = keys
    return keys


def test_the_session_key_is_exchanged_and_nobody_logs_in_again(shop: Shop) -> None:
    before = shop.premises.shopper("a")
    shop.buys(before)
    shop.mount("session", key="n" * 40, previous=SESSION_KEY)
    after = shop.premises.shopper("a")
    assert before.partition(".")[0] != after.partition(".")[0], "signed with the new one"
    shop.buys(before)
    shop.buys(after)
    shop.mount("session", key="n" * 40)  # those of the old key are over by now
    shop.buys(after)
    assert shop.premises.ask("GET", "/v1/orders", token=before).status == 401


def test_the_merchants_key_is_exchanged_with_its_serial(shop: Shop) -> None:
    token, elsewhere = shop.premises.shopper("a"), payments.wechatpay()
    shop.buys(token)
    keys = shop.premises.sandbox.keys.with_new_merchant_key()
    shop.premises.sandbox.keys = keys
    shop.buys(token)  # registered there, not mounted here yet
    shop.mount("merchant", serial_no=keys.merchant_serial_no, private_key=keys.merchant_private_key)
    shop.buys(token)
    assert payments.wechatpay() is not elsewhere
    # A process that has not looked yet goes on with the old one, which is good for a while.
    assert isinstance(elsewhere, WeChatPay)
    assert elsewhere.download_certificates()
    shop.premises.sandbox.keys = keys.model_copy(update={"merchant_before": None})
    shop.buys(token)


def test_the_api_v3_key_is_exchanged(shop: Shop) -> None:
    token, old = shop.premises.shopper("a"), shop.premises.sandbox.keys.api_v3_key
    new = secrets.token_hex(16)
    shop.mount("seal", key=new, previous=old)
    shop.buys(token)  # the far side still seals with the old one
    others(shop, api_v3_key=new)
    shop.buys(token)
    shop.mount("seal", key=new)
    shop.buys(token)


def test_the_apps_secret_and_the_keys_of_pushes_are_exchanged(shop: Shop) -> None:
    first = shop.buys(shop.premises.shopper("a"))
    old = shop.premises.sandbox.keys
    new = old.model_copy(update={"app_secret": secrets.token_hex(16)})
    shop.mount("app", secret=new.app_secret, previous=old.app_secret)
    shop.mount(
        "push",
        token=new.push_token,
        token_previous=old.push_token,
        aes_key=new.push_aes_key,
        aes_key_previous=old.push_aes_key,
    )
    shop.ships(first)  # the far side still has the old ones
    second = shop.buys(shop.premises.shopper("b"))
    shop.premises.sandbox.keys = new
    third = shop.buys(shop.premises.shopper("c"))
    shop.ships(second)
    shop.mount("app", secret=new.app_secret)
    shop.mount("push", token=new.push_token, aes_key=new.push_aes_key)
    shop.ships(third)
    pushed = [
        reply
        for (target, _, _), reply in zip(
            shop.premises.postman.letters, shop.premises.postman.answers, strict=True
        )
        if target.startswith("/v1/notifications/wechat?")
    ]
    assert {(reply.status, reply.raw) for reply in pushed} == {(200, b"success")}


def test_a_session_of_a_key_that_another_process_has_already_is_good(shop: Shop) -> None:
    """Here the vault still believes the old text: Secrets Manager is asked every five minutes."""
    texts = {"session": json.dumps({"key": SESSION_KEY})}
    asked: list[str] = []

    def fetch(name: str) -> str:
        asked.append(name)
        return texts[name]

    environment(sandbox_keys(), SANDBOX)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outside, "from_secrets_manager", fetch)
        for name in ("SESSION_KEY", "SESSION_KEY_PREVIOUS"):
            patch.setenv(name, NAMED[name].replace("session", "secret:session"))
        forget()  # a process that begins with these settings
        old = shop.premises.shopper("a")
        texts["session"] = json.dumps({"key": "n" * 40, "previous": SESSION_KEY})
        elsewhere = Sessions("n" * 40, clock=shop.premises.clock, ttl_seconds=600)
        new, _ = elsewhere.open(outside.sessions().verify(old, _kid(old)).member_id)
        assert asked == ["session"]
        assert shop.premises.ask("GET", "/v1/orders", token=new).status == 200
        assert shop.premises.ask("GET", "/v1/orders", token=old).status == 200
        assert asked == ["session", "session"]
        # A forger's key makes nobody look a second time within thirty seconds.
        forged, _ = Sessions("f" * 40, clock=shop.premises.clock, ttl_seconds=600).open(
            elsewhere.verify(new, _kid(new)).member_id
        )
        for _ in range(5):
            assert shop.premises.ask("GET", "/v1/orders", token=forged).status == 401
        assert len(asked) == 2


def _kid(token: str) -> str:
    from joserfc.jws import extract_compact  # noqa: PLC0415

    return str(extract_compact(token.encode()).headers()["kid"])


def test_everything_that_holds_a_secret_is_renewed() -> None:
    """`@cache` on what is built of something renewed would keep the old secret for ever."""
    built: dict[str, tuple[list[str], set[str]]] = {}
    for path in WIRINGS:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                words = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
                words |= {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
                how = [ast.unparse(one) for one in node.decorator_list]
                built[f"{path.parent.name} {node.name}"] = (how, words)
    renewed = {name.partition(" ")[2] for name, (how, _) in built.items() if "renewed" in str(how)}
    assert {"wechatpay", "sessions", "pushes", "sign_in"} <= renewed
    holds = renewed | {"secret"}
    kept = {name for name, (how, words) in built.items() if "cache" in how and words & holds}
    assert kept == {"chalicelib table"}, "its password is read at the start"


def test_what_is_built_of_an_old_and_a_new_text_is_built_again() -> None:
    """The vault looked between two parts of one thing."""
    kept, now = {"k": "old", "b": "1"}, [0.0]
    vault = Vault(lambda name: kept[name], lambda: now[0])
    inner = Renewed(lambda: vault.reveal("secret:k"), lambda: vault)

    def both() -> tuple[str, str]:
        first = inner()
        kept["k"] = "new"
        now[0] += 301
        return first, vault.reveal("secret:k")

    outer = Renewed(both, lambda: vault)
    assert outer() == ("new", "new")
    vault.reveal("secret:b")
    kept.update(k="newer", b="2")
    assert vault.look_again()
    assert (vault.reveal("secret:k"), vault.reveal("secret:b")) == ("newer", "2")
