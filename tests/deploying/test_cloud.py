"""Every partition spells its own names."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.deploying import artifacts, emulated
from local.deploying.cloud import Cloud
from local.deploying.watched import FIRST
from local.packaging.functions import FUNCTIONS

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(
    ("cloud", "console", "s3", "arn"),
    [
        (
            Cloud("ap-east-1", "aws", "111122223333"),
            "https://ap-east-1.console.aws.amazon.com/cloudformation/home?region=ap-east-1#",
            "https://s3.ap-east-1.amazonaws.com/b/k",
            "arn:aws:cloudwatch:ap-east-1:111122223333:alarm:a",
        ),
        (
            Cloud("cn-north-1", "aws-cn", "111122223333"),
            "https://cn-north-1.console.amazonaws.cn/cloudformation/home?region=cn-north-1#",
            "https://s3.cn-north-1.amazonaws.com.cn/b/k",
            "arn:aws-cn:cloudwatch:cn-north-1:111122223333:alarm:a",
        ),
    ],
)
def test_each_partition_spells_its_own_names(
    cloud: Cloud, console: str, s3: str, arn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    assert cloud.console("stack").startswith(console)
    assert artifacts.url(cloud, "b", "k") == s3
    assert cloud.alarm_arn("a") == arn
    assert not cloud.emulated


@pytest.mark.parametrize(
    ("endpoint", "embedded"),
    [
        (None, False),
        ("http://127.0.0.1:4566", True),
        ("https://vpce-1.cloudformation.amazonaws.com", False),
    ],
)
def test_only_loopback_is_the_embedded_one(endpoint: str | None, *, embedded: bool) -> None:
    assert Cloud("us-east-1", "aws", "1", endpoint).emulated is embedded


def test_the_api_answers_where_its_gateway_is() -> None:
    outputs = {"EndpointURL": "https://x.execute-api.cn-north-1.amazonaws.com.cn/api/"}
    real = Cloud("cn-north-1", "aws-cn", "1")
    assert emulated.address(real, outputs) == outputs["EndpointURL"].rstrip("/")


def test_the_alarms_that_watch_first_are_the_templates_own() -> None:
    declared = json.loads((ROOT / ".chalice" / "resources.json").read_text())["Resources"]
    assert set(FIRST) <= {*declared, *(f"{function}ErrorsAlarm" for function in FUNCTIONS)}


def test_what_the_embedded_one_does_not_know_is_left_out_unless_it_is_needed() -> None:
    either = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmRule": "x"}}
    math = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": []}}
    queue: dict[str, Any] = {"Type": "AWS::SQS::Queue", "Properties": {}}
    assert emulated.narrowed({"Resources": {"A": either, "M": math, "Q": queue}}) == {
        "Resources": {"Q": queue}
    }
    with pytest.raises(AssertionError, match="needed"):
        emulated.narrowed({"Resources": {"A": either, "Q": queue | {"DependsOn": ["A"]}}})


def test_a_serverless_template_is_expanded_as_aws_does() -> None:
    pytest.importorskip(
        "samtranslator", reason="only where a stage is deployed to the embedded AWS"
    )
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Runtime": "python3.11",
            "Handler": "app.app",
            "CodeUri": {"Bucket": "b", "Key": "k"},
            "Role": "arn:aws:iam::1:role/r",
            "Events": {"E": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 minute)"}}},
        },
    }
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": {"F": function}}
    plain = emulated.expanded(template, "us-east-1")
    assert "Transform" not in plain
    assert sorted(one["Type"] for one in plain["Resources"].values()) == [
        "AWS::Events::Rule",
        "AWS::Lambda::Function",
        "AWS::Lambda::Permission",
    ]


def test_names_of_what_is_kept_are_written_out() -> None:
    declared = json.loads((ROOT / ".chalice" / "resources.json").read_text())
    told = artifacts.with_names(declared, Cloud("cn-north-1", "aws-cn", "111122223333"), "prod")
    names = {
        logical_id: resource["Properties"].get("TableName") or resource["Properties"]["BucketName"]
        for logical_id, resource in told["Resources"].items()
        if resource["Type"] in {"AWS::DynamoDB::Table", "AWS::S3::Bucket"}
    }
    assert names == {
        "MainTable": "shoukuan-prod-main",
        "LogTable": "shoukuan-prod-log",
        "LakeBucket": "shoukuan-prod-lake-111122223333-cn-north-1",
        "DocumentsBucket": "shoukuan-prod-documents-111122223333-cn-north-1",
    }


def test_code_is_where_it_was_uploaded() -> None:
    template: dict[str, Any] = {
        "Resources": {
            "F": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./x.zip"}},
            "Q": {"Type": "AWS::SQS::Queue", "Properties": {}},
        }
    }
    told = artifacts.with_code(template, "b", "k")
    assert told["Resources"]["F"]["Properties"]["CodeUri"] == {"Bucket": "b", "Key": "k"}
    assert template["Resources"]["F"]["Properties"]["CodeUri"] == "./x.zip"
