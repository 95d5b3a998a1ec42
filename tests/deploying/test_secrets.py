"""Secrets go where they are kept, once, and their names alone are said."""

import os
from pathlib import Path
from typing import Any

import pytest

from local.deploying.cloud import Cloud, DeployError
from local.packaging.parameters import SECRETS, secret_name
from local.put_secrets import put

pytestmark = pytest.mark.emulator


@pytest.fixture
def client(emulator_client: Any) -> Any:
    account, endpoint = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_ENDPOINT_URL"]
    return Cloud("us-east-1", "aws", account, endpoint).client("secretsmanager")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in SECRETS:
        if name != "SESSION_KEY":
            (tmp_path / name).write_text(f"the {name}\n")
    return tmp_path


def kept(client: Any, setting: str, stage: str = "dev") -> str:
    return str(client.get_secret_value(SecretId=secret_name(stage, setting))["SecretString"])


def versions_of(client: Any, setting: str) -> set[str]:
    name = secret_name("dev", setting)
    return set(client.describe_secret(SecretId=name)["VersionIdsToStages"])


def test_each_is_kept_and_a_session_key_is_made(
    client: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert put(client, "dev", folder) == []
    assert kept(client, "WECHATPAY_API_V3_KEY") == "the WECHATPAY_API_V3_KEY"
    assert len(kept(client, "SESSION_KEY")) >= 32
    said = capsys.readouterr().out
    assert "shoukuan/dev/session-key" in said
    assert "the WECHATPAY_API_V3_KEY" not in said
    assert kept(client, "SESSION_KEY") not in said


def test_the_same_again_changes_nothing_and_another_is_a_new_version(
    client: Any, folder: Path
) -> None:
    put(client, "dev", folder)
    session, versions = kept(client, "SESSION_KEY"), versions_of(client, "WECHAT_APP_SECRET")
    (folder / "WECHATPAY_API_V3_KEY").write_text("another")
    put(client, "dev", folder)
    assert kept(client, "SESSION_KEY") == session
    assert versions_of(client, "WECHAT_APP_SECRET") == versions
    assert kept(client, "WECHATPAY_API_V3_KEY") == "another"
    before = client.get_secret_value(
        SecretId=secret_name("dev", "WECHATPAY_API_V3_KEY"), VersionStage="AWSPREVIOUS"
    )
    assert before["SecretString"] == "the WECHATPAY_API_V3_KEY"


def test_one_stage_never_reads_anothers(client: Any, folder: Path) -> None:
    put(client, "dev", folder)
    for name in SECRETS:
        (folder / name).unlink(missing_ok=True)
    assert put(client, "prod", folder) == [name for name in SECRETS if name != "SESSION_KEY"]


@pytest.mark.parametrize(("name", "text"), [("apiclient_key.pem", "x"), ("WECHAT_APP_SECRET", "")])
def test_a_folder_that_holds_something_else_is_refused(
    client: Any, folder: Path, name: str, text: str
) -> None:
    (folder / name).write_text(text)
    with pytest.raises(DeployError):
        put(client, "dev", folder)
