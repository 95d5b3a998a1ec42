"""`make undeploy STAGE=dev`: the stack is removed; tables, buckets, logs and secrets stay.

Refused while a message waits in a queue. A later `make deploy` adopts the tables, buckets and logs
again, with all that they hold.
"""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from local.deploy import stack_name
from local.deploying import queues
from local.deploying.cloud import DeployError, cloud
from local.deploying.stacks import Stacks


def main() -> int:
    """Remove a stage's stack; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", required=True)
    parser.add_argument("--yes", action="store_true")
    asked = parser.parse_args()
    try:
        stays = undeploy(asked.stage, yes=asked.yes)
    except (DeployError, BotoCoreError, ClientError) as error:
        print(f"not removed: {error}", file=sys.stderr)
        return 1
    print("removed" + "".join(f"\n  stays      {name}" for name in stays))
    return 0


def undeploy(stage: str, *, yes: bool) -> list[str]:
    """Remove a stage's stack; return the names of what stays."""
    there = cloud()
    stacks = Stacks(there, stack_name(stage), poll_seconds=there.poll_seconds)
    print(f"{stacks.name} is removed from {there.place()}; tables, buckets, logs and secrets stay")
    client = there.client("sqs")
    urls = queues.urls_of(client, stacks.name)
    queues.assert_empty(client, urls)
    if not yes and not _named(stacks.name):
        raise DeployError("its name was not typed")
    kept = stacks.remove()
    queues.remove(client, urls)
    gone = {url.rpartition("/")[2] for url in urls}
    return [name for name in kept if name.rpartition("/")[2] not in gone]


def _named(name: str) -> bool:
    return sys.stdin.isatty() and input(f"  type {name} to remove it: ").strip() == name


if __name__ == "__main__":
    sys.exit(main())
