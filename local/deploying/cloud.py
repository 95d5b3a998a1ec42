"""The account that is deployed to: AWS in any partition, or the embedded one."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import botocore.config
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

_CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class DeployError(RuntimeError):
    """Not deployed; the sentence is for a person."""


@dataclass(frozen=True)
class Cloud:
    """One account in one region."""

    region: str
    partition: str
    account: str
    endpoint: str | None = None

    def client(self, service: str) -> Any:
        """Return a client that tries again by itself: nobody waits here for milliseconds."""
        config = botocore.config.Config(retries={"mode": "standard", "total_max_attempts": 8})
        return botocore.session.get_session().create_client(
            service, region_name=self.region, endpoint_url=self.endpoint, config=config
        )

    @cached_property
    def emulated(self) -> bool:
        """Tell whether it is the embedded AWS."""
        return self.endpoint is not None and urlsplit(self.endpoint).hostname in _LOOPBACK

    @property
    def poll_seconds(self) -> float:
        """Return how often it may be asked how far it is."""
        return 0.2 if self.emulated else 2.0

    def place(self) -> str:
        """Name it, for people."""
        where = f"account {self.account} in {self.region}"
        return f"{where} of the embedded AWS at {self.endpoint}" if self.emulated else where

    def console(self, stack_id: str) -> str:
        """Return where a stack is looked at."""
        host = f"{self.region}.{_CONSOLES.get(self.partition, _CONSOLES['aws'])}"
        page = f"#/stacks/events?stackId={quote(stack_id, safe='')}"
        return f"https://{host}/cloudformation/home?region={self.region}{page}"

    def alarm_arn(self, name: str) -> str:
        """Spell an alarm's ARN."""
        return f"arn:{self.partition}:cloudwatch:{self.region}:{self.account}:alarm:{name}"


def cloud() -> Cloud:
    """Return where this process's own AWS settings point to; raise `DeployError` if nowhere."""
    session = botocore.session.get_session()
    region = os.environ.get("AWS_REGION") or session.get_config_variable("region")
    if not region:
        raise DeployError("name a region: AWS_REGION=ap-east-1, or cn-north-1 in China")
    endpoint = os.environ.get("AWS_ENDPOINT_URL") or None
    try:
        partition = str(session.get_partition_for_region(region))
        unknown = Cloud(region, partition, "", endpoint)
        account = str(unknown.client("sts").get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise DeployError(f"AWS does not know who asks: {error}") from None
    return Cloud(region, partition, account, endpoint)
