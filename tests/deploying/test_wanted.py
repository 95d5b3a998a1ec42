"""A stage's file says settings under the README's names, and nothing else."""

import os
from pathlib import Path

import pytest

from chalicelib.settings import Settings
from local.deploying.wanted import SettingsRefusedError, checked, read, secrets_of
from local.packaging.parameters import SECRETS, SECRETS_WHERE, parameters, settings

LEAST = {
    "PUBLIC_BASE_URL": "https://pay.example.cn",
    "OIDC_ISSUER": "https://sso.example.cn",
    "WECHATPAY_MCH_ID": "1900000001",
    "WECHATPAY_APP_ID": "wx0123456789abcdef",
    "WECHATPAY_SERIAL_NO": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
}


@pytest.fixture
def known() -> set[str]:
    return set(parameters("dev"))


def test_every_setting_reaches_the_functions() -> None:
    elsewhere = {name for name in Settings.model_fields if name.startswith("storage_")}
    assert {name.upper() for name in Settings.model_fields.keys() - elsewhere} <= set(settings())


def test_a_file_is_read(tmp_path: Path, known: set[str]) -> None:
    file = tmp_path / "dev.env"
    file.write_text(
        "# ours\n\nSHIP_DAYS = 7\n".replace(" = ", "=") + 'PLATFORM_FEE_RATES={"*":1}\n'
    )
    assert read(file, known) == {"SHIP_DAYS": "7", "PLATFORM_FEE_RATES": '{"*":1}'}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("SHIPDAYS=7", "no setting is called SHIPDAYS"),
        ("STAGE=prod", "no setting is called STAGE"),
        ("MAIN_TABLE=other", "no setting is called MAIN_TABLE"),
        ("WECHATPAY_API_V3_KEY=0123", "`make secrets` keeps WECHATPAY_API_V3_KEY"),
        ("WECHATPAY_PUBLIC_KEY=secret:x", "`make secrets` keeps WECHATPAY_PUBLIC_KEY"),
        ("export SHIP_DAYS=7", "line 1: NAME=value is expected"),
    ],
)
def test_what_is_no_setting_is_refused(
    tmp_path: Path, known: set[str], line: str, says: str
) -> None:
    file = tmp_path / "dev.env"
    file.write_text(line)
    with pytest.raises(SettingsRefusedError, match=says):
        read(file, known)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path, known: set[str]) -> None:
    with pytest.raises(SettingsRefusedError, match=r"docs/deploy\.md"):
        read(tmp_path / "prod.env", known)


@pytest.mark.parametrize(
    ("stage", "changes", "says"),
    [
        ("prod", {}, None),
        ("dev", {"BUSINESS_CLOCK_FILE": "/tmp/clock"}, None),  # noqa: S108  nothing is written
        ("prod", {"BUSINESS_CLOCK_FILE": "/tmp/clock"}, "BUSINESS_CLOCK_FILE"),  # noqa: S108
        ("production", {"DEVELOPMENT_PAYEES": "true"}, "DEVELOPMENT_PAYEES"),
        ("prod", {"PUBLIC_BASE_URL": "http://pay.example.cn"}, "https"),
        ("dev", {"SHIP_DAYS": "28"}, "SHIP_DAYS must be less"),
        ("dev", {"SHIP_DAYS": "soon"}, "SHIP_DAYS: "),
        ("dev", {"WECHATPAY_MCH_ID": ""}, "WECHATPAY_MCH_ID: "),
        ("dev", {"PLATFORM_FEE_RATES": "{"}, "PLATFORM_FEE_RATES: "),
    ],
)
def test_what_the_functions_would_refuse_is_refused_before(
    stage: str, changes: dict[str, str], says: str | None
) -> None:
    before = dict(os.environ)
    if says is None:
        checked(stage, LEAST | changes)
    else:
        with pytest.raises(SettingsRefusedError, match=says):
            checked(stage, LEAST | changes)
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("told", "more"),
    [
        ({}, set()),
        ({"WECHATPAY_PUBLIC_KEY_ID": "PUB_KEY_ID_1"}, {"WECHATPAY_PUBLIC_KEY"}),
        ({"WECHAT_PUSHES": "yes"}, {"WECHAT_PUSH_TOKEN", "WECHAT_PUSH_AES_KEY"}),
        ({"WECHATPAY_KEYS_CHANGE": "yes"}, {"WECHATPAY_API_V3_KEY_PREVIOUS"}),
    ],
)
def test_secrets_that_will_be_read_must_be_kept(told: dict[str, str], more: set[str]) -> None:
    assert set(secrets_of(told)) == {*SECRETS, *more}


def test_every_optional_secret_can_be_asked_for() -> None:
    told = {"WECHATPAY_PUBLIC_KEY_ID": "x", "WECHAT_PUSHES": "yes", "WECHATPAY_KEYS_CHANGE": "yes"}
    assert set(secrets_of(told)) == {*SECRETS, *SECRETS_WHERE}
