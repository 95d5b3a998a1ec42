"""`make address STAGE=dev`: where a deployed API answers, and nothing else on the line."""

import argparse
import sys

from local.deploy import stack_name
from local.deploying.cloud import DeployError, cloud
from local.deploying.emulated import address
from local.deploying.stacks import Stacks


def main() -> int:
    """Print the address; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", required=True)
    stage = parser.parse_args().stage
    try:
        there = cloud()
        outputs = Stacks(there, stack_name(stage)).outputs()
    except DeployError as error:
        print(error, file=sys.stderr)
        return 1
    if not outputs:
        print(f"{stack_name(stage)} is not deployed to {there.place()}", file=sys.stderr)
        return 1
    print(address(there, outputs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
