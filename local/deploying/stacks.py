"""One stack in CloudFormation: proposed, executed, waited for, explained, removed."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.kernel.clock import Pause, sleep
from local.deploying.changes import Change, changes_of
from local.deploying.cloud import Cloud, DeployError

_POLL_SECONDS = 2.0
_POLLS_A_WORD = 15
_PROPOSAL_SECONDS_MAX = 300
_FOR_THE_FIRST_TIME = {None, "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}
_STUCK = {
    "ROLLBACK_COMPLETE": "its creation failed: `make undeploy`, then deploy again",
    "ROLLBACK_FAILED": "its creation failed: `make undeploy`, then deploy again",
    "CREATE_FAILED": "its creation failed: `make undeploy`, then deploy again",
    "DELETE_FAILED": "it could not be removed: `make undeploy` says why",
    "UPDATE_ROLLBACK_FAILED": "it could not roll back: continue its rollback in the console",
}
_NOTHING = ("didn't contain changes", "No updates are to be performed")
_ALARMS = {"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"}
_AS_CONSEQUENCE = ("cancelled", "were in progress")


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm of the stack."""

    logical_id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Watch:
    """What rolls a deployment back: alarms, watched for so many minutes after it."""

    alarms: Mapping[str, str] = field(default_factory=dict)  # type by ARN, the first first
    minutes: int = 0

    def configuration(self) -> dict[str, Any]:
        """Spell it for CloudFormation; without alarms there is nothing to wait for."""
        triggers = [{"Arn": arn, "Type": kind} for arn, kind in self.alarms.items()]
        return {
            "RollbackTriggers": triggers,
            "MonitoringTimeInMinutes": self.minutes if triggers else 0,
        }


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change set that waits for a word."""

    id: str
    stack_id: str
    creates: bool
    changes: list[Change]


@dataclass
class Stacks:
    """CloudFormation's view of one stack."""

    cloud: Cloud
    name: str
    pause: Pause = sleep
    poll_seconds: float = field(default=_POLL_SECONDS)

    def __post_init__(self) -> None:
        self.client = self.cloud.client("cloudformation")

    def described(self) -> dict[str, Any] | None:
        """Return the stack, or None."""
        try:
            (stack,) = self.client.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise DeployError(f"CloudFormation refuses: {error}") from None
        return dict(stack)

    def outputs(self) -> dict[str, str]:
        """Return what the stack says of itself."""
        stack = self.described() or {}
        return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}

    def propose(self, url: str, parameters: Mapping[str, str], watch: Watch) -> Proposal | None:
        """Let CloudFormation say what would change; None if nothing would.

        A first creation adopts the tables and buckets that an earlier stack left.
        """
        status = (self.described() or {}).get("StackStatus")
        self._assert_ready(status)
        creates = status in _FOR_THE_FIRST_TIME
        how = _how_created(emulated=self.cloud.emulated) if creates else {}
        try:
            answer = self.client.create_change_set(
                StackName=self.name,
                ChangeSetName=f"deploy-{time.time_ns()}",
                ChangeSetType="CREATE" if creates else "UPDATE",
                TemplateURL=url,
                Parameters=[
                    {"ParameterKey": name, "ParameterValue": value}
                    for name, value in parameters.items()
                ],
                Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
                RollbackConfiguration=watch.configuration(),
                Tags=[{"Key": "application", "Value": "shoukuan"}],
                **how,
            )
        except ClientError as error:
            raise DeployError(f"CloudFormation refuses: {error}") from None
        return self._proposed(Proposal(answer["Id"], answer["StackId"], creates, []))

    def withdraw(self, proposal: Proposal) -> None:
        """Leave no trace of a proposal, nor of the empty stack that it stood in."""
        self.client.delete_change_set(ChangeSetName=proposal.id)
        if proposal.creates:
            self.client.delete_stack(StackName=proposal.stack_id)

    def execute(self, proposal: Proposal) -> None:
        """Do it and wait; raise `DeployError` with what explains it when it comes to nothing."""
        before = {event["EventId"] for event in self._events(proposal.stack_id)}
        self.client.execute_change_set(ChangeSetName=proposal.id)
        good = "CREATE_COMPLETE" if proposal.creates else "UPDATE_COMPLETE"
        self._end(proposal.stack_id, good, before)

    def remove(self) -> list[str]:
        """Delete the stack and wait; return the resources that stay, as their names."""
        stack = self.described()
        if stack is None:
            return []
        stack_id = stack["StackId"]
        before = {event["EventId"] for event in self._events(stack_id)}
        self.client.delete_stack(StackName=stack_id)
        self._end(stack_id, "DELETE_COMPLETE", before)
        events = self._new(stack_id, before)
        skipped = [event for event in events if event["ResourceStatus"] == "DELETE_SKIPPED"]
        return sorted(event["PhysicalResourceId"] for event in skipped)

    def alarms(self) -> list[Alarm]:
        """Return the stack's alarms."""
        pages = self.client.get_paginator("list_stack_resources").paginate(StackName=self.name)
        return [
            Alarm(one["LogicalResourceId"], one["PhysicalResourceId"], one["ResourceType"])
            for page in pages
            for one in page["StackResourceSummaries"]
            if one["ResourceType"] in _ALARMS and one.get("PhysicalResourceId")
        ]

    def _proposed(self, asked: Proposal) -> Proposal | None:
        waited = 0.0
        while True:
            pages = list(self._pages(asked.id))
            status, reason = pages[0]["Status"], pages[0].get("StatusReason", "")
            if status == "CREATE_COMPLETE":
                changes = changes_of(change for page in pages for change in page["Changes"])
                return Proposal(asked.id, asked.stack_id, asked.creates, changes)
            if status == "FAILED" or waited > _PROPOSAL_SECONDS_MAX:
                self.withdraw(asked)
                if any(words in reason for words in _NOTHING):
                    return None
                raise DeployError(f"CloudFormation proposes nothing: {reason or status}")
            self.pause(self.poll_seconds)
            waited += self.poll_seconds

    def _pages(self, change_set: str) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = self.client.describe_change_set(ChangeSetName=change_set, **token)
            yield page
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    def _assert_ready(self, status: str | None) -> None:
        if status in _STUCK:
            raise DeployError(f"{self.name} is {status}: {_STUCK[status]}")
        if status and status.endswith("_IN_PROGRESS") and status not in _FOR_THE_FIRST_TIME:
            raise DeployError(f"{self.name} is {status}: somebody deploys it at this moment")

    def _end(self, stack_id: str, good: str, before: set[str]) -> None:
        status, told = "", 0
        while not status or status.endswith("_IN_PROGRESS"):
            self.pause(self.poll_seconds)
            (stack,) = self.client.describe_stacks(StackName=stack_id)["Stacks"]
            if (status := stack["StackStatus"]) == good:
                return
            told += 1
            if told % _POLLS_A_WORD == 0:
                done = [one for one in self._new(stack_id, before) if _is_done(one)]
                print(f"  {status}, {len(done)} resources done", flush=True)
        new = self._new(stack_id, before)
        why = "\n".join(f"  {line}" for line in (*self._found_wrong(stack_id), *explained(new)))
        where = self.cloud.console(stack_id)
        raise DeployError(f"{self.name} ended as {status}\n{why or '  no event says why'}\n{where}")

    def _new(self, stack_id: str, before: set[str]) -> list[dict[str, Any]]:
        return [event for event in self._events(stack_id) if event["EventId"] not in before]

    def _events(self, stack_id: str) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        return [event for page in pages for event in page["StackEvents"]]

    def _found_wrong(self, stack_id: str) -> list[str]:
        """Return what CloudFormation found wrong before it began; not every region can say."""
        try:
            pages = self.client.get_paginator("describe_events").paginate(StackName=stack_id)
            events = [event for page in pages for event in page["OperationEvents"]]
        except ClientError:
            return []
        wrong = [event for event in events if event["EventType"] == "VALIDATION_ERROR"]
        latest = wrong[-1]["OperationId"] if wrong else None
        return [
            f"{event['LogicalResourceId']}  {event['ValidationStatusReason']}"
            for event in wrong
            if event["OperationId"] == latest
        ]


def _how_created(*, emulated: bool) -> dict[str, Any]:
    """Say how a first creation goes: taken back when it fails, and with what was there before.

    The embedded AWS's validation takes a bucket that is adopted for one whose name is taken.
    """
    how = {"OnStackFailure": "DELETE", "ImportExistingResources": True}
    return how | {"DisableValidation": True} if emulated else how


def _is_done(event: Mapping[str, Any]) -> bool:
    return event["ResourceStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"}


def explained(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what went wrong, the first first, without what only followed from it."""
    lines = []
    for event in reversed(events):
        reason = event.get("ResourceStatusReason", "")
        failed = (
            event["ResourceStatus"].endswith("FAILED") or "ROLLBACK_IN" in (event["ResourceStatus"])
        )
        if failed and reason and not any(words in reason for words in _AS_CONSEQUENCE):
            lines.append(f"{event['LogicalResourceId']}  {event['ResourceStatus']}: {reason}")
    return lines
