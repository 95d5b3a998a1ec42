"""The bucket of what is deployed: ours alone, encrypted, every version kept, never public."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.deploying.cloud import Cloud, DeployError

_NOT_FOUND = {"404", "NoSuchBucket", "NotFound"}
_NAMES = {"TableName", "BucketName", "LogGroupName"}
_CODE = "AWS::Serverless::Function"


def ready_bucket(cloud: Cloud) -> str:
    """Create the account's deployment bucket, or find it; either way make it as it must be."""
    client, name = cloud.client("s3"), f"shoukuan-deploy-{cloud.account}-{cloud.region}"
    owner = {"Bucket": name, "ExpectedBucketOwner": cloud.account}
    try:
        client.head_bucket(**owner)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_FOUND:
            raise DeployError(f"bucket {name} is not ours to use: {error}") from None
        client.create_bucket(Bucket=name, **_located(cloud.region))
    client.put_public_access_block(
        **owner,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )
    by_s3 = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    client.put_bucket_encryption(**owner, ServerSideEncryptionConfiguration={"Rules": [by_s3]})
    client.put_bucket_versioning(**owner, VersioningConfiguration={"Status": "Enabled"})
    client.put_bucket_policy(**owner, Policy=json.dumps(_encrypted_only(cloud, name)))
    return name


def uploaded(cloud: Cloud, bucket: str, stage: str, body: bytes, kind: str) -> str:
    """Keep something under the hash of its content, and return its key."""
    client, key = cloud.client("s3"), f"{stage}/{hashlib.sha256(body).hexdigest()}.{kind}"
    there = client.list_objects_v2(Bucket=bucket, Prefix=key, ExpectedBucketOwner=cloud.account)
    if not there.get("KeyCount"):
        client.put_object(Bucket=bucket, Key=key, Body=body, ExpectedBucketOwner=cloud.account)
    return key


def url(cloud: Cloud, bucket: str, key: str) -> str:
    """Return where CloudFormation reads it, in whichever partition."""
    return f"{cloud.client('s3').meta.endpoint_url}/{bucket}/{key}"


def with_code(template: Mapping[str, Any], bucket: str, key: str) -> dict[str, Any]:
    """Return the template with every function's code where it was uploaded."""
    told: dict[str, Any] = json.loads(json.dumps(template))
    for resource in told["Resources"].values():
        if resource["Type"] == _CODE:
            resource["Properties"]["CodeUri"] = {"Bucket": bucket, "Key": key}
    return told


def with_names(template: Mapping[str, Any], cloud: Cloud, stage: str) -> dict[str, Any]:
    """Return the template with the names of what is kept written out.

    CloudFormation adopts what an earlier stack has left only by a name that it need not compute.
    """
    told: dict[str, Any] = json.loads(json.dumps(template))
    values = {
        "${Stage}": stage,
        "${AWS::AccountId}": cloud.account,
        "${AWS::Region}": cloud.region,
    }
    for resource in told["Resources"].values():
        for name in _NAMES & set(resource["Properties"]):
            if isinstance(computed := resource["Properties"][name], dict):
                text = str(computed["Fn::Sub"])
                for variable, value in values.items():
                    text = text.replace(variable, value)
                assert "$" not in text, f"a name can't be written out: {text}"
                resource["Properties"][name] = text
    return told


def packaged(folder: Path) -> tuple[dict[str, Any], bytes]:
    """Read what `make package` wrote."""
    template: dict[str, Any] = json.loads((folder / "sam.json").read_text())
    return template, (folder / "deployment.zip").read_bytes()


def _located(region: str) -> dict[str, Any]:
    """Name the region, which only the oldest one must not be."""
    if region == "us-east-1":
        return {}
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


def _encrypted_only(cloud: Cloud, bucket: str) -> dict[str, Any]:
    arn = f"arn:{cloud.partition}:s3:::{bucket}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "EncryptedOnTheWay",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [arn, f"{arn}/*"],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ],
    }
