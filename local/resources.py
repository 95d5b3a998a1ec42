"""Tables, queues and buckets on a local endpoint, from the declaration that deployment uses too."""

import json
from pathlib import Path
from typing import Any

import botocore.session
from botocore.exceptions import ClientError

_VISIBILITY_SECONDS = 10
"""How soon what a killed worker had taken comes again; on AWS a function may run for longer."""

_DECLARATION = Path(__file__).parent.parent / ".chalice" / "resources.json"


def create_resources(endpoint_url: str, *, stage: str = "local") -> None:
    """Create what is declared and not there yet; what is there stays as it is."""
    declared: dict[str, Any] = json.loads(_DECLARATION.read_text())["Resources"]
    session = botocore.session.get_session()
    dynamodb: Any = session.create_client("dynamodb", endpoint_url=endpoint_url)
    sqs: Any = session.create_client("sqs", endpoint_url=endpoint_url)
    s3: Any = session.create_client("s3", endpoint_url=endpoint_url)
    by_type: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for logical_id, resource in declared.items():
        by_type.setdefault(resource["Type"], []).append((logical_id, resource["Properties"]))
    for _, properties in by_type["AWS::DynamoDB::Table"]:
        _create_table(dynamodb, properties, stage)
    for _, properties in by_type["AWS::S3::Bucket"]:
        s3.create_bucket(Bucket=local_bucket(properties["BucketName"], stage))
    arns: dict[str, str] = {}
    # A dead letter queue stands before the queue that leads to it.
    queues = sorted(by_type["AWS::SQS::Queue"], key=lambda queue: "RedrivePolicy" in queue[1])
    for logical_id, properties in queues:
        arns[logical_id] = _create_queue(sqs, properties, stage, arns)


def _create_table(client: Any, properties: dict[str, Any], stage: str) -> None:
    wanted = {
        name: properties[name] for name in ("BillingMode", "AttributeDefinitions", "KeySchema")
    }
    try:
        client.create_table(TableName=_named(properties["TableName"], stage), **wanted)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceInUseException":
            raise


def _create_queue(client: Any, properties: dict[str, Any], stage: str, arns: dict[str, str]) -> str:
    attributes = {
        "VisibilityTimeout": str(_VISIBILITY_SECONDS),
        "MessageRetentionPeriod": str(properties["MessageRetentionPeriod"]),
    }
    if policy := properties.get("RedrivePolicy"):
        dead, _ = policy["deadLetterTargetArn"]["Fn::GetAtt"]
        attributes["RedrivePolicy"] = json.dumps(
            {"deadLetterTargetArn": arns[dead], "maxReceiveCount": policy["maxReceiveCount"]}
        )
    name = _named(properties["QueueName"], stage)
    url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def local_bucket(name: dict[str, str], stage: str) -> str:
    """Spell a bucket's name without the account, which only AWS knows."""
    return _named(name, stage).replace("-${AWS::AccountId}", "").replace("-${AWS::Region}", "")


def _named(name: dict[str, str], stage: str) -> str:
    return name["Fn::Sub"].replace("${Stage}", stage)
