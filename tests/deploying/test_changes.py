"""A change set as people read it, and what of it is dangerous."""

from typing import Any

import pytest

from local.deploying.changes import Change, Kind, changes_of, rendered

TABLE, QUEUE, BUCKET = "AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::S3::Bucket"
ROLE = "AWS::IAM::Role"


def described(
    action: str, kind: str = TABLE, replacement: str | None = None, because: str = "KeySchema"
) -> dict[str, Any]:
    details = [{"Target": {"Attribute": "Properties", "Name": because}}]
    change: dict[str, Any] = {"Action": action, "LogicalResourceId": "It", "ResourceType": kind}
    if action == "Modify":
        change |= {"Replacement": replacement or "False", "Details": details}
    return {"Type": "Resource", "ResourceChange": change}


@pytest.mark.parametrize(
    ("change", "kind", "dangerous"),
    [
        (described("Add"), Kind.ADDED, False),
        (described("Import"), Kind.ADOPTED, False),
        (described("Modify"), Kind.CHANGED, False),
        (described("Modify", replacement="True"), Kind.REPLACED, True),
        (described("Modify", replacement="Conditional"), Kind.MAYBE_REPLACED, True),
        (described("Modify", QUEUE, "True"), Kind.REPLACED, True),
        (described("Modify", BUCKET, "Conditional"), Kind.MAYBE_REPLACED, True),
        (described("Modify", ROLE, "True"), Kind.REPLACED, False),
        (described("Remove"), Kind.REMOVED, True),
        (described("Remove", QUEUE), Kind.REMOVED, True),
        (described("Remove", ROLE), Kind.REMOVED, False),
    ],
)
def test_what_holds_data_is_never_replaced_or_removed_unnoticed(
    change: dict[str, Any], *, kind: Kind, dangerous: bool
) -> None:
    (found,) = changes_of([change])
    assert (found.kind, found.endangers_data) == (kind, dangerous)


def test_a_person_sees_danger_first_and_what_is_alike_once() -> None:
    alike = [Change(Kind.ADDED, f"Role{number}", ROLE) for number in range(5)]
    lines = rendered([*alike, Change(Kind.REPLACED, "MainTable", TABLE, ("KeySchema",))])
    assert lines == [
        "  ! replaced       MainTable, AWS::DynamoDB::Table (KeySchema)",
        "    added            5 AWS::IAM::Role: Role0, Role1, Role2 and 2 more",
    ]
