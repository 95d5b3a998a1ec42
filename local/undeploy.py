"""`make undeploy STAGE=dev`: the stack is removed; tables, buckets and secrets stay.

A later `make deploy` adopts the tables and buckets again, with all that they hold.
"""

import argparse
import sys

from botocore.exceptions import BotoCoreError, ClientError

from local.deploy import stack_name
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
    print(f"{stacks.name} is removed from {there.place()}; tables, buckets and secrets stay")
    if not yes and not _named(stacks.name):
        raise DeployError("its name was not typed")
    return stacks.remove()


def _named(name: str) -> bool:
    return sys.stdin.isatty() and input(f"  type {name} to remove it: ").strip() == name


if __name__ == "__main__":
    sys.exit(main())
