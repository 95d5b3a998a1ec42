"""An independent client (PyPI `wechatpayv3`) calls the sandbox and reads its notifications."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from wechatpayv3 import WeChatPay, WeChatPayType

from local.sandbox import SandboxKeys, build, environment, serve
from tests.sandbox.shop import NUMBER, Clock, Mailbox, Shop


def real_now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def shop(keys: SandboxKeys, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop on real time: the oracle can't be told another."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server, address = serve(build(keys))
    shop = Shop(keys, address, real_now, mailbox.url)
    yield shop
    shop.pool.clear()
    server.stop()


@pytest.fixture(params=["public_key", "certificate"])
def mode(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def oracle(shop: Shop, mode: str, tmp_path: Path) -> Any:
    return client(shop, mode, tmp_path)


def client(shop: Shop, mode: str, directory: Path) -> Any:
    """Build the oracle; with certificates, the first is already on disk, so no network is used."""
    told = environment(shop.keys, shop.address)
    knows: dict[str, Any] = {
        "public_key": told["WECHATPAY_PUBLIC_KEY"],
        "public_key_id": told["WECHATPAY_PUBLIC_KEY_ID"],
    }
    if mode == "certificate":
        first = shop.keys.platform[0]
        (directory / f"{first.serial_no}.pem").write_text(first.certificate)
        knows = {"cert_dir": str(directory)}
    oracle = WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=told["WECHATPAY_MCH_ID"],
        private_key=told["WECHATPAY_PRIVATE_KEY"],
        cert_serial_no=told["WECHATPAY_SERIAL_NO"],
        appid=told["WECHATPAY_APP_ID"],
        apiv3_key=told["WECHATPAY_API_V3_KEY"],
        notify_url=shop.notify_url,
        timeout=10,
        **knows,
    )
    oracle._core._gate_way = told["WECHATPAY_BASE_URL"]
    return oracle


def prepay(oracle: Any, **more: Any) -> tuple[int, str]:
    answer: tuple[int, str] = oracle.pay(
        description="一杯拿铁",
        out_trade_no=NUMBER,
        amount={"total": 1999, "currency": "CNY"},
        payer={"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"},
        **more,
    )
    return answer


def test_the_oracle_prepays_and_queries(oracle: Any) -> None:
    status, body = prepay(oracle, attach="order:1", settle_info={"profit_sharing": False})
    assert status == 200
    assert json.loads(body)["prepay_id"].startswith("wx")
    status, body = oracle.query(out_trade_no=NUMBER)
    asked = json.loads(body)
    assert (status, asked["trade_state"], asked["attach"]) == (200, "NOTPAY", "order:1")
    assert not {"transaction_id", "payer", "success_time"} & set(asked)


def test_the_oracle_finds_a_payment_by_its_own_number(oracle: Any, shop: Shop) -> None:
    prepay(oracle)
    paid = shop.control("pay", out_trade_no=NUMBER).json
    status, body = oracle.query(transaction_id=paid["transaction_id"])
    asked = json.loads(body)
    assert (status, asked["trade_state"], asked["out_trade_no"]) == (200, "SUCCESS", NUMBER)


def test_the_oracle_closes_and_verifies_the_empty_answer(oracle: Any) -> None:
    prepay(oracle)
    assert oracle.close(NUMBER)[0] == 204
    assert oracle.close(NUMBER)[0] == 204
    assert json.loads(oracle.query(out_trade_no=NUMBER)[1])["trade_state"] == "CLOSED"


def test_the_oracle_reads_a_notification(
    oracle: Any, shop: Shop, mailbox: Mailbox, mode: str
) -> None:
    prepay(oracle, attach="order:1")
    shop.control("pay", out_trade_no=NUMBER, sign_with=mode)
    letter = mailbox.wait_for(1)[0]
    told = oracle.callback(letter.headers, letter.body)
    assert told["event_type"] == "TRANSACTION.SUCCESS"
    assert told["resource"]["out_trade_no"] == NUMBER
    assert told["resource"]["attach"] == "order:1"
    assert told["resource"]["payer"] == {"openid": "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}
    assert told["resource"]["amount"] == {
        "total": 1999,
        "payer_total": 1999,
        "currency": "CNY",
        "payer_currency": "CNY",
    }


def test_the_oracle_refuses_a_sign_test(shop: Shop, mailbox: Mailbox, tmp_path: Path) -> None:
    oracle = client(shop, "public_key", tmp_path)
    prepay(oracle)
    shop.control("pay", out_trade_no=NUMBER, sign_with="signtest")
    letter = mailbox.wait_for(1)[0]
    assert oracle.callback(letter.headers, letter.body) is None


def test_the_oracle_downloads_certificates_old_and_new(shop: Shop, tmp_path: Path) -> None:
    oracle = client(shop, "certificate", tmp_path)
    added = shop.control("rotate").json["serial_no"]
    oracle._core._update_certificates()
    serials = {f"{each.serial_number:X}" for each in oracle._core._certificates}
    assert serials == {shop.keys.platform[0].serial_no, added}
    assert prepay(oracle)[0] == 200  # signed by the new certificate


@pytest.mark.parametrize("call", ["trade_bill", "fundflow_bill", "profitsharing_bill"])
def test_the_oracle_downloads_a_bill_of_yesterday(
    keys: SandboxKeys, mailbox: Mailbox, tmp_path: Path, call: str
) -> None:
    """Only the business's clock is turned: signatures stay in real time."""
    business = Clock()
    server, address = serve(build(keys, now=real_now, business_now=business))
    shop = Shop(keys, address, real_now, mailbox.url)
    oracle = client(shop, "public_key", tmp_path)
    prepay(oracle, settle_info={"profit_sharing": call == "profitsharing_bill"})
    paid = shop.control("pay", out_trade_no=NUMBER, deliver=False).json["transaction_id"]
    if call == "profitsharing_bill":
        shop.control("settings", sharing_instant=True)
        oracle.profitsharing_unfreeze(paid, "free_1", "解冻")
    business.forward(days=1)
    status, body = getattr(oracle, call)(bill_date="2026-11-24", tar_type="GZIP")
    told = json.loads(body)
    assert (status, told["hash_type"]) == (200, "SHA1")
    status, body = oracle.download_bill(told["download_url"])
    text = gzip.decompress(body)
    assert status == 200
    assert hashlib.sha1(text, usedforsecurity=False).hexdigest() == told["hash_value"]
    assert paid in text.decode("utf-8-sig")
    shop.pool.clear()
    server.stop()
