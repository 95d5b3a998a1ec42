"""A deployment on the embedded AWS: proposed, refused, executed, explained, removed, adopted."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from local.deploy import Asked, agreed
from local.deploying import artifacts, queues
from local.deploying.changes import Kind
from local.deploying.cloud import Cloud, DeployError
from local.deploying.room import assert_room
from local.deploying.stacks import Alarm, Stacks, Watch, explained
from local.deploying.watched import FIRST, TRIGGERS_MAX, watch
from local.undeploy import undeploy

pytestmark = pytest.mark.emulator

KEPT = {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
Propose = Callable[[dict[str, Any]], Any]


def table(key: str = "pk") -> dict[str, Any]:
    return KEPT | {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "kept",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        },
    }


def bucket(cloud: Cloud) -> dict[str, Any]:
    """Name a bucket as nobody else does: their names are everybody's."""
    properties = {"BucketName": f"kept-{cloud.account}"}
    return KEPT | {"Type": "AWS::S3::Bucket", "Properties": properties}


def queue(seconds: int = 30) -> dict[str, Any]:
    properties = {"QueueName": "ours", "VisibilityTimeout": seconds}
    return {"Type": "AWS::SQS::Queue", "Properties": properties}


BROKEN = {
    "Type": "AWS::Lambda::EventInvokeConfig",
    "Properties": {"FunctionName": "nobody", "Qualifier": "$LATEST"},
}


@pytest.fixture
def cloud(emulator_client: Any) -> Cloud:
    account = os.environ["AWS_ACCESS_KEY_ID"]
    return Cloud("us-east-1", "aws", account, os.environ["AWS_ENDPOINT_URL"])


@pytest.fixture
def stacks(cloud: Cloud) -> Stacks:
    return Stacks(cloud, "shoukuan-test", poll_seconds=0.05)


@pytest.fixture
def propose(cloud: Cloud, stacks: Stacks) -> Propose:
    deploys = artifacts.ready_bucket(cloud)

    def proposed(resources: dict[str, Any]) -> Any:
        body = json.dumps({"Resources": resources}).encode()
        key = artifacts.uploaded(cloud, deploys, "test", body, "json")
        return stacks.propose(artifacts.url(cloud, deploys, key), {}, Watch())

    return proposed


def test_nothing_happens_before_it_is_executed(
    cloud: Cloud, stacks: Stacks, propose: Propose
) -> None:
    proposal = propose({"Table": table()})
    assert [change.kind for change in proposal.changes] == [Kind.ADDED]
    assert cloud.client("dynamodb").list_tables()["TableNames"] == []
    stacks.withdraw(proposal)
    assert (stacks.described() or {}).get("StackStatus") != "REVIEW_IN_PROGRESS"
    stacks.execute(propose({"Table": table()}))
    assert cloud.client("dynamodb").list_tables()["TableNames"] == ["kept"]


def test_the_same_again_is_nothing(stacks: Stacks, propose: Propose) -> None:
    stacks.execute(propose({"Table": table()}))
    assert propose({"Table": table()}) is None
    assert stacks.described() is not None


def test_a_key_that_changes_endangers_its_table(stacks: Stacks, propose: Propose) -> None:
    stacks.execute(propose({"Table": table(), "Queue": queue()}))
    proposal = propose({"Table": table("other")})
    dangerous = {change.logical_id for change in proposal.changes if change.endangers_data}
    assert dangerous == {"Table", "Queue"}
    stacks.withdraw(proposal)
    described = stacks.described()
    assert described is not None
    assert described["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    ("yes", "allow", "says"),
    [
        (True, False, "ALLOW_REPLACEMENT=1"),
        (False, True, "nobody said yes"),
        (True, True, None),
    ],
)
def test_agreeing_for_machines_does_not_put_data_at_risk(
    stacks: Stacks, propose: Propose, *, yes: bool, allow: bool, says: str | None
) -> None:
    stacks.execute(propose({"Table": table(), "Queue": queue()}))
    proposal = propose({"Table": table()})
    asked = Asked("test", yes=yes, allow_replacement=allow, minutes=0)
    if says is None:
        agreed(stacks, proposal, asked)
        stacks.execute(proposal)
    else:
        with pytest.raises(DeployError, match=says):
            agreed(stacks, proposal, asked)
    resources = stacks.client.list_stack_resources(StackName=stacks.name)
    there = {one["LogicalResourceId"] for one in resources["StackResourceSummaries"]}
    assert there == ({"Table"} if says is None else {"Table", "Queue"})


def test_a_first_deployment_that_fails_leaves_no_stack_and_says_why(
    stacks: Stacks, propose: Propose
) -> None:
    proposal = propose({"Queue": queue(), "Broken": BROKEN})
    with pytest.raises(DeployError, match=r"(?s)Broken.*CREATE_FAILED.*console\.aws"):
        stacks.execute(proposal)
    stacks.execute(propose({"Queue": queue()}))


def test_a_later_one_that_fails_goes_back(cloud: Cloud, stacks: Stacks, propose: Propose) -> None:
    stacks.execute(propose({"Queue": queue()}))
    with pytest.raises(DeployError, match=r"(?s)UPDATE_ROLLBACK_COMPLETE.*Broken"):
        stacks.execute(propose({"Queue": queue(60), "Broken": BROKEN}))
    client = cloud.client("sqs")
    url = client.get_queue_url(QueueName="ours")["QueueUrl"]
    told = client.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert told["Attributes"] == {"VisibilityTimeout": "30"}


def test_a_name_that_is_taken_is_told(cloud: Cloud, stacks: Stacks, propose: Propose) -> None:
    stacks.execute(propose({"Queue": queue()}))
    cloud.client("s3").create_bucket(Bucket=f"kept-{cloud.account}")
    with pytest.raises(DeployError, match=rf"Bucket  .*kept-{cloud.account}"):
        stacks.execute(propose({"Queue": queue(), "Bucket": bucket(cloud)}))


def test_what_stays_is_adopted_with_what_it_holds(
    cloud: Cloud, stacks: Stacks, propose: Propose
) -> None:
    stacks.execute(propose({"Table": table(), "Bucket": bucket(cloud)}))
    client = cloud.client("dynamodb")
    client.put_item(TableName="kept", Item={"pk": {"S": "money"}})
    assert stacks.remove() == ["kept", f"kept-{cloud.account}"]
    proposal = propose({"Table": table(), "Bucket": bucket(cloud), "Queue": queue()})
    kinds = [change.kind for change in proposal.changes]
    assert kinds == [Kind.ADDED, Kind.ADOPTED, Kind.ADOPTED]
    stacks.execute(proposal)
    assert client.get_item(TableName="kept", Key={"pk": {"S": "money"}})["Item"]


def test_a_stack_goes_only_when_its_queues_are_empty(
    cloud: Cloud, stacks: Stacks, propose: Propose
) -> None:
    kept = queue() | {"DeletionPolicy": "RetainExceptOnCreate"}
    kept["Properties"]["QueueName"] = "shoukuan-test-events"
    stacks.execute(propose({"Queue": kept}))
    client = cloud.client("sqs")
    urls = queues.urls_of(client, stacks.name)
    client.send_message(QueueUrl=urls[0], MessageBody="{}")
    with pytest.raises(DeployError, match="1 of shoukuan-test-events"):
        undeploy("test", yes=True)
    client.purge_queue(QueueUrl=urls[0])
    assert undeploy("test", yes=True) == []
    assert queues.urls_of(client, stacks.name) == []


def test_the_bucket_is_as_it_must_be_however_often_it_is_made(cloud: Cloud) -> None:
    name = artifacts.ready_bucket(cloud)
    assert artifacts.ready_bucket(cloud) == name
    client = cloud.client("s3")
    assert client.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    closed = client.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True}
    rules = client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert "aws:SecureTransport" in client.get_bucket_policy(Bucket=name)["Policy"]


def alarm(client: Any, name: str, state: str) -> None:
    client.put_metric_alarm(
        AlarmName=name,
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
    )
    client.set_alarm_state(AlarmName=name, StateValue=state, StateReason="told")


def test_five_alarms_watch_the_first_first_and_none_that_rings(cloud: Cloud) -> None:
    client, kind = cloud.client("cloudwatch"), "AWS::CloudWatch::Alarm"
    alarms = [Alarm(one, one.lower(), kind) for one in ("Another", *reversed(FIRST[:5]))]
    for one in alarms:
        alarm(client, one.name, "ALARM" if one.logical_id == FIRST[1] else "OK")
    guard, ringing = watch(cloud, alarms, 15)
    assert ringing == [FIRST[1].lower()]
    watched = [arn.rpartition(":")[2] for arn in guard.alarms]
    assert watched == [*(one.lower() for one in FIRST[:5] if one != FIRST[1]), "another"]
    assert len(watched) == TRIGGERS_MAX
    assert guard.configuration()["MonitoringTimeInMinutes"] == 15


def test_without_alarms_nobody_waits(cloud: Cloud) -> None:
    assert watch(cloud, [], 5) == (Watch(), [])
    assert Watch({}, 5).configuration() == {"RollbackTriggers": [], "MonitoringTimeInMinutes": 0}


@pytest.mark.parametrize(("asked", "room"), [(50, True), (100_000, False)])
def test_a_quota_that_is_too_small_is_told_before(cloud: Cloud, asked: int, *, room: bool) -> None:
    function = {"Properties": {"ReservedConcurrentExecutions": {"Ref": "AtOnce"}}}
    template = {"Resources": {"F": function, "G": {"Properties": {}}}}
    if room:
        assert_room(cloud, template, {"AtOnce": str(asked)})
    else:
        with pytest.raises(DeployError, match="Service Quotas"):
            assert_room(cloud, template, {"AtOnce": str(asked)})


def test_what_only_followed_is_not_told() -> None:
    events = [
        {"LogicalResourceId": "B", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": why}
        for why in ("Resource creation cancelled", "it exists")
    ]
    assert explained(events) == ["B  CREATE_FAILED: it exists"]
