"""What the template says beside what Chalice writes, resource by resource."""

import json
from typing import Any

import pytest

from chalicelib.settings import Settings
from local.packaging.allowed import ALLOWED
from local.packaging.functions import API, FEEDS, FUNCTIONS, NOTIFICATIONS, NOTIFIED

Resources = dict[str, dict[str, Any]]


def of_kind(resources: Resources, kind: str) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in resources.items() if one["Type"] == f"AWS::{kind}"}


def test_no_partition_is_spelled_out(template: dict[str, Any]) -> None:
    text = json.dumps(template)
    assert "arn:aws:" not in text
    assert "arn:aws-cn:" not in text
    assert "arn:*" not in text
    assert "${AWS::Partition}" in text


def test_each_function_has_what_its_line_says(resources: Resources) -> None:
    functions = of_kind(resources, "Serverless::Function")
    assert functions.keys() == FUNCTIONS.keys() == ALLOWED.keys()
    roles = [json.dumps(one["Properties"]["Role"]) for one in functions.values()]
    assert len(set(roles)) == len(functions), "each has a role of its own"
    for name, resource in functions.items():
        properties, function = resource["Properties"], FUNCTIONS[name]
        assert properties["MemorySize"] == function.megabytes
        assert properties["Timeout"] == function.seconds
        assert properties["Architectures"] == ["x86_64"]
        assert properties["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Logs"}}
        assert resources[f"{name}Logs"]["Properties"]["RetentionInDays"] == {"Ref": "LogDays"}


def test_a_function_does_what_it_is_allowed_and_no_star_stands_for_more(
    resources: Resources,
) -> None:
    for name, role in of_kind(resources, "IAM::Role").items():
        (policy,) = role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Effect"] == "Allow", name
            assert not any("*" in action for action in statement["Action"]), name
            assert statement["Resource"] != "*", name
            logs = [one for one in statement["Action"] if one.startswith("logs:")]
            if logs:
                own = name.removesuffix("Role").replace("ApiHandler", API)
                assert statement["Resource"] == {"Fn::GetAtt": [f"{own}Logs", "Arn"]}


def test_only_the_sequencer_writes_the_log_beyond_the_outbox(resources: Resources) -> None:
    writes = {f"dynamodb:{verb}Item" for verb in ("Put", "Update", "Delete", "BatchWrite")}
    for name, role in of_kind(resources, "IAM::Role").items():
        (policy,) = role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]:
            on_log = statement["Resource"] == {"Fn::GetAtt": ["LogTable", "Arn"]}
            if on_log and writes & set(statement["Action"]) and not name.startswith("Sequence"):
                assert statement["Action"] == ["dynamodb:PutItem"], name
                assert statement["Condition"] == {
                    "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["P#*"]},
                    "ForAnyValue:StringEquals": {
                        "dynamodb:EnclosingOperation": ["TransactWriteItems"]
                    },
                }


def test_a_function_that_strangers_reach_holds_no_key_that_moves_money(
    resources: Resources,
) -> None:
    policies = json.dumps(resources[f"{NOTIFICATIONS}Role"])
    assert "wechatpay-private-key" not in policies
    assert "wechatpay-api-v3-key" in policies


def test_notifications_have_a_function_of_their_own(resources: Resources) -> None:
    paths = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    for path, methods in paths.items():
        handler = NOTIFICATIONS if path.startswith(NOTIFIED) else API
        for method in methods.values():
            uri = method["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"]
            assert f"functions/${{{handler}.Arn}}/invocations" in uri, path
    for handler, part in ((API, "rooms"), (NOTIFICATIONS, "notifications")):
        variables = resources[handler]["Properties"]["Environment"]["Variables"]
        assert variables["API_PART"] == part
        permission = resources[f"{handler}InvokePermission"]["Properties"]
        assert permission["FunctionName"] == {"Ref": handler}
    reserved = resources[NOTIFICATIONS]["Properties"]["ReservedConcurrentExecutions"]
    assert reserved == {"Ref": "NotificationsAtOnce"}


def test_a_queue_gives_a_function_time_to_fail(resources: Resources) -> None:
    for function, queue in FEEDS.items():
        (source,) = resources[function]["Properties"]["Events"].values()
        fed = source["Properties"]
        assert fed["Queue"] == {"Fn::GetAtt": [queue, "Arn"]}
        assert fed["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert fed["ScalingConfig"]["MaximumConcurrency"] == FUNCTIONS[function].at_once
        patience = resources[queue]["Properties"]["VisibilityTimeout"]
        # A day's run takes its fifteen minutes, one message at a time.
        times = 1 if fed["BatchSize"] == 1 else 6
        assert patience >= times * FUNCTIONS[function].seconds


def test_dead_letters_come_from_their_own_queue_alone(resources: Resources) -> None:
    queues = of_kind(resources, "SQS::Queue")
    for name, resource in queues.items():
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
        properties = resource["Properties"]
        assert properties["SqsManagedSseEnabled"] is True
        if name.endswith("DeadLetters"):
            source = queues[name.removesuffix("DeadLetters")]["Properties"]["QueueName"]["Fn::Sub"]
            allowed = properties["RedriveAllowPolicy"]
            assert allowed["redrivePermission"] == "byQueue"
            (arn,) = allowed["sourceQueueArns"]
            assert arn["Fn::Sub"].endswith(f":{source}")
        else:
            assert properties["RedrivePolicy"]["maxReceiveCount"] == 8


def test_what_holds_money_is_kept_and_locked(resources: Resources) -> None:
    for table in of_kind(resources, "DynamoDB::Table").values():
        properties = table["Properties"]
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
        assert properties["DeletionProtectionEnabled"] is True
        assert properties["SSESpecification"] == {"SSEEnabled": True}
        recovery = properties["PointInTimeRecoverySpecification"]
        assert recovery == {"PointInTimeRecoveryEnabled": True}
    for name, bucket in of_kind(resources, "S3::Bucket").items():
        assert bucket["DeletionPolicy"] == "Retain"
        assert "BucketEncryption" in bucket["Properties"]
        refused = resources[f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"][0]
        assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_stream_rings_for_new_rows_of_the_outbox(resources: Resources) -> None:
    (source,) = resources["SequenceWhenRung"]["Properties"]["Events"].values()
    assert source["Properties"]["Stream"] == {"Fn::GetAtt": ["LogTable", "StreamArn"]}
    (rung,) = source["Properties"]["FilterCriteria"]["Filters"]
    assert json.loads(rung["Pattern"])["dynamodb"]["Keys"]["pk"]["S"] == [{"prefix": "P#"}]


def test_every_alarm_can_reach_somebody_and_every_function_has_one(resources: Resources) -> None:
    alarms = of_kind(resources, "CloudWatch::Alarm")
    for alarm in alarms.values():
        assert alarm["Properties"]["AlarmActions"]["Fn::If"][0] == "HasAlarmTopic"
    assert {f"{name}ErrorsAlarm" for name in FUNCTIONS} <= alarms.keys()


def test_pictures_pass_as_they_are(resources: Resources) -> None:
    body = resources["RestAPI"]["Properties"]["DefinitionBody"]
    assert body["x-amazon-apigateway-binary-media-types"] == [
        "application/pdf",
        "image/jpeg",
        "image/png",
    ]


def test_every_setting_that_must_be_told_is_told(resources: Resources) -> None:
    needed = {name.upper() for name, field in Settings.model_fields.items() if field.is_required()}
    for name in FUNCTIONS:
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        assert needed <= variables.keys()
        assert {variable.lower() for variable in variables} - Settings.model_fields.keys() <= {
            *("api_part", "powertools_service_name", "pydantic_disable_plugins"),
        }, "a setting that nobody reads"


@pytest.mark.parametrize("stage", ["Stage", "PublicBaseUrl", "AlarmTopicArn", "LogDays"])
def test_a_stack_is_told_what_differs(template: dict[str, Any], stage: str) -> None:
    assert stage in template["Parameters"]
