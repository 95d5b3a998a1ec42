"""What Chalice can't say of the template, said here."""

import copy
import json
from typing import Any

from chalicelib.disputes.rules import MEDIA_TYPES
from local.packaging import parameters
from local.packaging.allowed import ALLOWED
from local.packaging.functions import (
    API,
    FEEDS,
    FUNCTIONS,
    NOTIFICATIONS,
    NOTIFIED,
    Function,
)
from local.packaging.grants import document, stream_of

Resource = dict[str, Any]

_BELL = "SequenceWhenRung"
_RUNG_BY = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "P#"}]}}}}
"""Only new rows of the outbox ring; what the sequencer itself writes does not."""

_API_ROLE = "ApiHandlerRole"  # as Chalice spells it
_PERMISSION = f"{API}InvokePermission"
_FAST = {"PYDANTIC_DISABLE_PLUGINS": "__all__"}
"""Else pydantic looks through every installed package for plugins, at each cold start."""


def complete(template: dict[str, Any], stage: str) -> None:
    """Make Chalice's template the one that is deployed."""
    resources: dict[str, Resource] = template["Resources"]
    template["Parameters"] = parameters.parameters(stage)
    template["Conditions"] = parameters.conditions()
    _part_notifications(resources)
    functions = {
        name: resource
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    assert functions.keys() == FUNCTIONS.keys() == ALLOWED.keys(), "each function has its lines"
    for name, resource in functions.items():
        _fit(resource["Properties"], FUNCTIONS[name], logs=f"{name}Logs")
        resources[f"{name}Logs"] = _logs(name)
        resources[f"{name}ErrorsAlarm"] = _errors_alarm(name)
        _permit(resources[_role(name)]["Properties"], name)
    for name, queue in FEEDS.items():
        _feed(functions[name]["Properties"], queue, FUNCTIONS[name])
    _hang_bell(functions[_BELL]["Properties"])
    _guard(resources)
    _open_api(resources["RestAPI"]["Properties"])


def _role(name: str) -> str:
    return _API_ROLE if name == API else f"{name}Role"


def _part_notifications(resources: dict[str, Resource]) -> None:
    """Give the providers' doors a function of their own, from the same zip."""
    function = resources[NOTIFICATIONS] = copy.deepcopy(resources[API])
    role = _role(NOTIFICATIONS)
    resources[role] = copy.deepcopy(resources[_API_ROLE])
    function["Properties"]["Role"] = {"Fn::GetAtt": [role, "Arn"]}
    for name, part in ((API, "rooms"), (NOTIFICATIONS, "notifications")):
        variables = resources[name]["Properties"]["Environment"]["Variables"]
        resources[name]["Properties"]["Environment"]["Variables"] = variables | {"API_PART": part}
    permission = resources[f"{NOTIFICATIONS}InvokePermission"] = copy.deepcopy(
        resources[_PERMISSION]
    )
    permission["Properties"]["FunctionName"] = {"Ref": NOTIFICATIONS}
    paths = resources["RestAPI"]["Properties"]["DefinitionBody"]["paths"]
    for path, methods in paths.items():
        if path.startswith(NOTIFIED):
            for method in methods.values():
                uri = method["x-amazon-apigateway-integration"]["uri"]
                uri["Fn::Sub"] = uri["Fn::Sub"].replace(
                    f"${{{API}.Arn}}", f"${{{NOTIFICATIONS}.Arn}}"
                )


def _fit(properties: Resource, function: Function, *, logs: str) -> None:
    """Give a function its memory, its time, its settings and its logs."""
    properties["MemorySize"] = function.megabytes
    properties["Timeout"] = function.seconds
    properties["EphemeralStorage"] = {"Size": function.disk_megabytes}
    properties["LoggingConfig"] = {"LogGroup": {"Ref": logs}}
    if function.reserved is not None:
        named = isinstance(function.reserved, str)
        reserved = {"Ref": function.reserved} if named else function.reserved
        properties["ReservedConcurrentExecutions"] = reserved
    properties["Environment"]["Variables"] |= parameters.settings() | _FAST
    if any(event["Type"] == "Schedule" for event in properties.get("Events", {}).values()):
        # The next run does what a repeated one would have done.
        properties["EventInvokeConfig"] = {
            "MaximumRetryAttempts": 0,
            "MaximumEventAgeInSeconds": 60,
        }


def _permit(role: Resource, name: str) -> None:
    """Let a function do what `allowed.py` says, in place of what Chalice wrote."""
    rung = stream_of("LogTable") if name == _BELL else []
    role["Policies"] = [
        {
            "PolicyName": f"{name}Policy",
            "PolicyDocument": document(ALLOWED[name], logs=f"{name}Logs", also=rung),
        }
    ]


def _feed(properties: Resource, queue: str, function: Function) -> None:
    """Let a queue's messages fail one by one, and bound how many batches are worked at once."""
    (source,) = properties["Events"].values()
    source["Properties"] |= {
        "Queue": {"Fn::GetAtt": [queue, "Arn"]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": function.at_once},
    }


def _hang_bell(properties: Resource) -> None:
    """Let the table's stream ring the sequencer; a ring that fails comes again."""
    (source,) = properties["Events"].values()
    source["Properties"] |= {
        "Stream": {"Fn::GetAtt": ["LogTable", "StreamArn"]},
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(_RUNG_BY)}]},
        "MaximumRecordAgeInSeconds": 120,  # the schedule does what an old ring would have done
        "MaximumRetryAttempts": 5,
    }


def _logs(name: str) -> Resource:
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "LogGroupName": {"Fn::Sub": f"/shoukuan/${{Stage}}/{name}"},
            "RetentionInDays": {"Ref": "LogDays"},
        },
    }


def _errors_alarm(name: str) -> Resource:
    """Listen to what no function can say of itself: it did not start, ran out of time or memory."""
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": {"Fn::Sub": f"shoukuan-${{Stage}}-errors-{name}"},
            "AlarmDescription": "A function ended without an answer: docs/operations.md.",
            "Namespace": "AWS/Lambda",
            "MetricName": "Errors",
            "Dimensions": [{"Name": "FunctionName", "Value": {"Ref": name}}],
            "Statistic": "Sum",
            "Period": 300,
            "EvaluationPeriods": 2,
            "Threshold": 0,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        },
    }


def _guard(resources: dict[str, Resource]) -> None:
    """Keep what holds money or words about it: queues, buckets, and who may lead letters where."""
    for name, resource in list(resources.items()):
        properties = resource["Properties"]
        match resource["Type"]:
            case "AWS::SQS::Queue":
                # A first creation that fails leaves none: CloudFormation can't adopt a queue.
                resource |= {"DeletionPolicy": "RetainExceptOnCreate"}
                resource |= {"UpdateReplacePolicy": "Retain"}
                if "RedrivePolicy" in properties:
                    dead, _ = properties["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]
                    source = properties["QueueName"]["Fn::Sub"]
                    resources[dead]["Properties"]["RedriveAllowPolicy"] = _only_from(source)
            case "AWS::S3::Bucket":
                resources[f"{name}Policy"] = _bucket_policy(name)
            case "AWS::CloudWatch::Alarm" if "AlarmActions" not in properties:
                topic = [{"Ref": "AlarmTopicArn"}]
                told = {"Fn::If": ["HasAlarmTopic", topic, {"Ref": "AWS::NoValue"}]}
                properties["AlarmActions"] = properties["OKActions"] = told


def _only_from(source: str) -> Resource:
    """Let dead letters come from one queue; by its name, since each would wait for the other."""
    arn = f"arn:${{AWS::Partition}}:sqs:${{AWS::Region}}:${{AWS::AccountId}}:{source}"
    return {"redrivePermission": "byQueue", "sourceQueueArns": [{"Fn::Sub": arn}]}


def _bucket_policy(bucket: str) -> Resource:
    """Refuse whoever does not speak TLS."""
    refused = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [{"Fn::GetAtt": [bucket, "Arn"]}, {"Fn::Sub": f"${{{bucket}.Arn}}/*"}],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [refused]}
    return {
        "Type": "AWS::S3::BucketPolicy",
        "Properties": {"Bucket": {"Ref": bucket}, "PolicyDocument": policy},
    }


def _open_api(properties: Resource) -> None:
    """Take pictures as they are, and bound what strangers can ask for.

    The account's own limit is shared: unbounded, a flood of shoppers would have notifications
    refused at the gateway, before any function could be kept free for them.
    """
    body = properties["DefinitionBody"]
    body["x-amazon-apigateway-binary-media-types"] = sorted(MEDIA_TYPES)
    knocked = [
        (path, method.upper())
        for path, methods in body["paths"].items()
        if path.startswith(NOTIFIED)
        for method in methods
    ]
    properties["MethodSettings"] = [
        _throttled("/*", "*", {"Ref": "RequestsASecond"}),
        *(_throttled("/" + path.replace("/", "~1"), verb, 2000) for path, verb in knocked),
    ]


def _throttled(path: str, method: str, rate: Any) -> Resource:
    return {
        "ResourcePath": path,
        "HttpMethod": method,
        "ThrottlingRateLimit": rate,
        "ThrottlingBurstLimit": rate,
    }
