"""Configuration is refused early when it can't be right, and never repeats a secret."""

from datetime import UTC, datetime
from typing import get_args

import pytest
from pydantic import SecretStr, ValidationError

from chalicelib.disputes.rules import FREEZE_MARGIN
from chalicelib.settings import Settings
from local.sandbox.keys import SandboxKeys, environment

SECRET = "s" * 40


@pytest.fixture
def good(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    keys = SandboxKeys.generate(datetime.now(UTC))
    for name, value in environment(keys, "http://127.0.0.1:1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SESSION_KEY", SECRET)
    return monkeypatch


def test_a_complete_environment_is_read(good: pytest.MonkeyPatch) -> None:
    assert Settings().session_key.get_secret_value() == SECRET


def test_texts_become_what_they_stand_for(good: pytest.MonkeyPatch) -> None:
    good.setenv("SHIPPING_REPORTS", "false")
    good.setenv("ORDER_TTL_SECONDS", "900")
    good.setenv("PLATFORM_FEE_RATES", '{"gold/tea": 60}')
    good.setenv("WECHATPAY_FALLBACK_URL", "")
    read = Settings()
    assert read.shipping_reports is False
    assert read.order_ttl_seconds == 900
    assert read.platform_fee_rates == {"gold/tea": 60}
    assert read.wechatpay_fallback_url is None, "an empty text is no text"


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("OIDC_ISSUER", "", "oidc_issuer"),
        ("WECHATPAY_MCH_ID", "", "wechatpay_mch_id"),
        ("ORDER_TTL_SECONDS", "5", "order_ttl_seconds"),
        ("FUNDS_MODEL", "generous", "funds_model"),
        ("PLATFORM_FEE_RATES", '{"gold/tea": 6000}', "platform_fee_rates"),
        ("PLATFORM_FEE_RATES", "gold/tea=60", "platform_fee_rates"),
        ("SHIP_DAYS", "0", "ship_days"),
        ("SHIP_DAYS", "28", "SHIP_DAYS must be less than FREEZE_DAYS minus 2"),
        ("FREEZE_DAYS", "17", "SHIP_DAYS must be less than FREEZE_DAYS minus 2"),
        ("WECHATPAY_PUBLIC_KEY_ID", "", "go together"),
        ("STAGE", "production", "not told: SESSION_KEY, WECHATPAY_PRIVATE_KEY"),
        ("STORAGE_URL", f"mysql://{SECRET}@db/house", "STORAGE_URL must begin with postgresql://"),
    ],
)
def test_what_can_not_be_right_is_named_without_a_secret(
    good: pytest.MonkeyPatch, name: str, value: str, word: str
) -> None:
    good.setenv(name, value)
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert word in str(refused.value)
    assert SECRET not in str(refused.value)
    assert "PRIVATE KEY" not in str(refused.value)


@pytest.fixture
def named(good: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Name every secret, as production wants."""
    for name, field in Settings.model_fields.items():
        if SecretStr in {field.annotation, *get_args(field.annotation)}:
            good.setenv(name.upper(), f"file:/run/secrets/{name}")
    return good


def test_production_is_where_strangers_reach_it(named: pytest.MonkeyPatch) -> None:
    named.setenv("STAGE", "production")
    with pytest.raises(ValidationError, match="PUBLIC_BASE_URL must be https"):
        Settings()


def test_an_order_may_be_shipped_until_a_dispute_must_have_ended(good: pytest.MonkeyPatch) -> None:
    good.setenv("SHIP_DAYS", "27")
    configured = Settings()
    assert configured.ship_days < configured.freeze_days - FREEZE_MARGIN.days


def test_the_business_clock_is_never_moved_in_production(named: pytest.MonkeyPatch) -> None:
    named.setenv("STAGE", "production")
    named.setenv("PUBLIC_BASE_URL", "https://api.example")
    assert Settings().production
    named.setenv("BUSINESS_CLOCK_FILE", "/nowhere")
    with pytest.raises(ValidationError, match="development only"):
        Settings()
