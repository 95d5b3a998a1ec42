"""The sandbox as a process: what it keeps, how it stops, where it refuses to start."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from local.sandbox import SandboxKeys, build, environment, load_or_create, serve
from local.sandbox.__main__ import moved_now, retries
from tests.sandbox.shop import NUMBER, Mailbox, Shop

ROOT = Path(__file__).parents[2]


def real_now() -> datetime:
    return datetime.now(UTC)


def settings(data_dir: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "DATA_DIR": str(data_dir), "SANDBOX_PORT": "0"} | more


@contextmanager
def running(data_dir: Path, **more: str) -> Iterator[str]:
    """Start the process, give its address, stop it by SIGTERM."""
    with subprocess.Popen(
        [sys.executable, "-m", "local.sandbox"],
        cwd=ROOT,
        env=settings(data_dir, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        yield process.stdout.readline().split()[-1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert process.stderr.read() == ""


@pytest.mark.parametrize("stage", ["production", "prod", "PROD"])
def test_it_never_starts_in_production(tmp_path: Path, stage: str) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "local.sandbox"],
        cwd=ROOT,
        env=settings(tmp_path, STAGE=stage),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert refused.returncode == 2
    assert "never runs in production" in refused.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "wrong", [{"SANDBOX_PORT": "door"}, {"NOTIFY_RETRY_SECONDS": "soon"}, {"DATA_DIR": "/dev/null"}]
)
def test_what_can_t_be_right_is_said_in_a_sentence(tmp_path: Path, wrong: dict[str, str]) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "local.sandbox"],
        cwd=ROOT,
        env=settings(tmp_path) | wrong,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stderr.startswith("the sandbox can't start: ")
    assert refused.stderr.count("\n") == 1


def test_orders_keys_and_certificates_outlive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as address:
        first = Shop(load_or_create(tmp_path), address, real_now)
        prepay_id = first.prepaid()
        first.prepaid("paid-1")
        paid = first.control("pay", out_trade_no="paid-1", deliver=False).json
        added = first.control("rotate").json["serial_no"]
        first.pool.clear()
    with running(tmp_path) as address:
        shop = Shop(load_or_create(tmp_path), address, real_now)
        assert shop.keys.platform[-1].serial_no == added
        assert shop.prepaid() == prepay_id
        assert shop.query().json["trade_state"] == "NOTPAY"
        assert shop.query("paid-1").json["transaction_id"] == paid["transaction_id"]
        assert [each["number"] for each in shop.listed("requests")][:2] == [NUMBER, "paid-1"]
        shop.pool.clear()


def test_a_notification_still_owed_is_delivered_after_a_restart(
    keys: SandboxKeys, mailbox: Mailbox, tmp_path: Path
) -> None:
    mailbox.plan += [500]
    hour = (timedelta(hours=1),)
    server, address = serve(build(keys, data_dir=tmp_path, retries=hour))
    shop = Shop(keys, address, real_now, mailbox.url)
    shop.prepaid()
    shop.control("pay", out_trade_no=NUMBER)
    shop.pool.clear()
    server.stop()
    soon = (timedelta(milliseconds=10),)
    server, _ = serve(build(keys, data_dir=tmp_path, retries=soon))
    first, again = mailbox.wait_for(2)
    assert first.json["id"] == again.json["id"]
    server.stop()


def test_state_is_on_disk_within_seconds(keys: SandboxKeys, tmp_path: Path) -> None:
    server, address = serve(build(keys, data_dir=tmp_path))
    shop = Shop(keys, address, real_now)
    shop.prepaid()
    state = tmp_path / "sandbox" / "state.json"
    deadline = real_now() + timedelta(seconds=5)
    while not state.exists() and real_now() < deadline:
        pass
    assert NUMBER in state.read_text()
    shop.pool.clear()
    server.stop()


def test_stopping_ends_delays(keys: SandboxKeys) -> None:
    server, address = serve(build(keys))
    shop = Shop(keys, address, real_now)
    shop.control("faults", path="/v3/", kind="delay", delay_ms=60_000)
    slow = Thread(target=shop.prepaid)
    slow.start()
    while shop.listed("faults"):
        pass
    before = real_now()
    server.stop()
    slow.join(5)
    assert not slow.is_alive()
    assert real_now() - before < timedelta(seconds=5)
    shop.pool.clear()


def test_a_port_in_use_is_said_at_once(keys: SandboxKeys) -> None:
    server, address = serve(build(keys))
    app = build(keys)
    with pytest.raises(OSError, match="in use"):
        serve(app, int(address.rpartition(":")[2]))
    app.close()
    server.stop()
    server.stop()


def test_keys_are_made_once_by_whoever_comes_first(tmp_path: Path) -> None:
    found: list[SandboxKeys] = []
    threads = [Thread(target=lambda: found.append(load_or_create(tmp_path))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found[0] == found[1] == found[2] == load_or_create(tmp_path)
    directory = tmp_path / "sandbox"
    assert [path.name for path in directory.iterdir()] == ["keys.json"]
    assert (directory / "keys.json").stat().st_mode & 0o777 == 0o600


def test_the_environment_points_a_client_here(keys: SandboxKeys) -> None:
    told = environment(keys, "http://127.0.0.1:8010")
    assert set(told) == {
        "WECHATPAY_MCH_ID",
        "WECHATPAY_APP_ID",
        "WECHATPAY_SERIAL_NO",
        "WECHATPAY_PRIVATE_KEY",
        "WECHATPAY_API_V3_KEY",
        "WECHATPAY_PUBLIC_KEY_ID",
        "WECHATPAY_PUBLIC_KEY",
        "WECHATPAY_BASE_URL",
        "WECHAT_API_BASE_URL",
        "WECHAT_APP_SECRET",
        "WECHAT_PUSH_TOKEN",
        "WECHAT_PUSH_AES_KEY",
        "OIDC_ISSUER",
    }
    assert told["WECHATPAY_PRIVATE_KEY"].startswith("-----BEGIN PRIVATE KEY-----")
    assert told["WECHATPAY_PUBLIC_KEY"].startswith("-----BEGIN PUBLIC KEY-----")
    assert told["OIDC_ISSUER"] == "http://127.0.0.1:8010/oidc"
    assert len(told["WECHATPAY_API_V3_KEY"]) == 32
    assert told["WECHATPAY_PUBLIC_KEY_ID"].startswith("PUB_KEY_ID_")
    assert told["WECHATPAY_SERIAL_NO"].isalnum()
    assert told["WECHATPAY_SERIAL_NO"].isupper()


def test_retries_are_read_from_the_environment() -> None:
    assert retries("1,0.25") == (timedelta(seconds=1), timedelta(milliseconds=250))
    assert len(retries(None)) == 15


def test_business_time_is_moved_by_a_file(tmp_path: Path) -> None:
    file = tmp_path / "offset"
    now = moved_now(str(file))
    assert abs(now() - real_now()) < timedelta(seconds=5)
    file.write_text("3600")
    assert abs(now() - real_now() - timedelta(hours=1)) < timedelta(seconds=5)
    file.write_text("soon")
    assert abs(now() - real_now()) < timedelta(seconds=5)


def test_expiry_follows_business_time_and_signatures_real_time(keys: SandboxKeys) -> None:
    ahead = [timedelta()]
    server, address = serve(build(keys, business_now=lambda: real_now() + ahead[0]))
    shop = Shop(keys, address, real_now)
    shop.prepaid()
    ahead[0] = timedelta(days=8)
    assert shop.query().json["trade_state"] == "CLOSED"
    shop.pool.clear()
    server.stop()
