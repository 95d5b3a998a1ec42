"""The words in which `allowed.py` says what a function may do, and how IAM spells them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

MAIN, LOG = "MainTable", "LogTable"
LAKE, DOCUMENTS = "LakeBucket", "DocumentsBucket"
OUTBOX = ("P#*",)
"""The outbox's partitions: all of the table `log` that anybody but the sequencer writes."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Some actions on one thing: a table, a queue, a bucket or a secret, by its logical name.

    `within` narrows it to some partitions of a table, or some names in a bucket; `in_commits` to
    what is part of a transaction, so that nothing is written beside a commit.
    """

    service: str
    actions: frozenset[str]
    on: str
    within: tuple[str, ...] = ()
    in_commits: bool = False

    def allows(self, action: str, on: str, names: Iterable[str], *, in_commit: bool) -> bool:
        """Tell whether IAM would let this call pass, with these partitions or names."""
        return (
            (action, on) in {(f"{self.service}:{one}", self.on) for one in self.actions}
            and (in_commit or not self.in_commits)
            and all(
                any(fnmatchcase(name, pattern) for pattern in self.within or ("*",))
                for name in names
            )
        )

    def statement(self) -> dict[str, Any]:
        """Spell it for IAM."""
        spelled: dict[str, Any] = {
            "Effect": "Allow",
            "Action": [f"{self.service}:{action}" for action in sorted(self.actions)],
            "Resource": self._resource(),
        }
        if conditions := self._conditions():
            spelled["Condition"] = conditions
        return spelled

    def _resource(self) -> Any:
        match self.service:
            case "secretsmanager":  # six random characters stand at the end of each
                name = f"secret:shoukuan/${{Stage}}/{self.on}-??????"
                return {"Fn::Sub": f"arn:${{AWS::Partition}}:secretsmanager:{_HERE}:{name}"}
            case "s3" if self.actions & {"GetObject", "PutObject"}:
                return [{"Fn::Sub": f"${{{self.on}.Arn}}/{name}"} for name in self.within]
            case _:
                return {"Fn::GetAtt": [self.on, "Arn"]}

    def _conditions(self) -> dict[str, Any]:
        match self.service:
            case "dynamodb":
                conditions: dict[str, Any] = {}
                if self.within:
                    rows = {"dynamodb:LeadingKeys": list(self.within)}
                    conditions["ForAllValues:StringLike"] = rows
                if self.in_commits:
                    commit = {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}
                    conditions["ForAnyValue:StringEquals"] = commit
                return conditions
            case _:
                return {}


_HERE = "${AWS::Region}:${AWS::AccountId}"


def reads(table: str, *actions: str, within: tuple[str, ...] = ()) -> Grant:
    """Read a table."""
    return Grant("dynamodb", frozenset(actions), table, within)


def commits(*verbs: str) -> tuple[Grant, Grant]:
    """Write state in commits, and each commit's row into the outbox."""
    return (
        Grant("dynamodb", frozenset(verbs), MAIN, in_commits=True),
        Grant("dynamodb", frozenset({"PutItem"}), LOG, OUTBOX, in_commits=True),
    )


def notes(*verbs: str) -> Grant:
    """Write notes in commits that nobody else hears of."""
    return Grant("dynamodb", frozenset(verbs), MAIN, in_commits=True)


def sends(*queues: str) -> tuple[Grant, ...]:
    """Put messages into queues."""
    actions = frozenset({"GetQueueUrl", "SendMessage"})
    return tuple(Grant("sqs", actions, f"{queue}Queue") for queue in queues)


def works(queue: str) -> Grant:
    """Take messages out of a queue, as Lambda does in the function's name."""
    actions = frozenset({"DeleteMessage", "GetQueueAttributes", "ReceiveMessage"})
    return Grant("sqs", actions, f"{queue}Queue")


def counts_dead(*queues: str) -> tuple[Grant, ...]:
    """Count dead letters."""
    actions = frozenset({"GetQueueAttributes", "GetQueueUrl"})
    return tuple(Grant("sqs", actions, f"{queue}QueueDeadLetters") for queue in queues)


def keeps(bucket: str, *names: str) -> Grant:
    """Write files."""
    return Grant("s3", frozenset({"PutObject"}), bucket, names)


def gets(bucket: str, *names: str) -> Grant:
    """Read files."""
    return Grant("s3", frozenset({"GetObject"}), bucket, names)


def lists(bucket: str) -> Grant:
    """List files; who may not is told *forbidden* of a file that is not there, instead of so."""
    return Grant("s3", frozenset({"ListBucket"}), bucket)


def knows(*secrets: str) -> tuple[Grant, ...]:
    """Read secrets."""
    return tuple(Grant("secretsmanager", frozenset({"GetSecretValue"}), name) for name in secrets)


def document(grants: Iterable[Grant], *, logs: str, also: Iterable[Mapping[str, Any]]) -> Any:
    """Return a policy: the grants, and lines in the function's own group of logs."""
    written = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": {"Fn::GetAtt": [logs, "Arn"]},
    }
    statements = [*(grant.statement() for grant in grants), *also, written]
    return {"Version": "2012-10-17", "Statement": statements}


def stream_of(table: str) -> list[dict[str, Any]]:
    """Return what Lambda needs to be rung by a table's stream."""
    actions = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"]
    return [
        {
            "Effect": "Allow",
            "Action": [f"dynamodb:{action}" for action in actions],
            "Resource": {"Fn::Sub": f"${{{table}.Arn}}/stream/*"},
        }
    ]
