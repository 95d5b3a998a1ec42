"""`make deploy STAGE=dev`: what `make package` wrote, into the account that AWS_* names.

Nothing happens before the change set was shown and agreed to; YES=1 agrees for machines. Data is
never put at risk by that: what would replace or remove a table, bucket or queue is refused unless
ALLOW_REPLACEMENT=1 says so. Exit 0 when it is deployed or nothing was to change, 1 when not.
"""

import argparse
import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.deploying import artifacts, emulated, room, wanted
from local.deploying.changes import rendered
from local.deploying.cloud import Cloud, DeployError, cloud
from local.deploying.stacks import Proposal, Stacks, Watch
from local.deploying.watched import watch
from local.packaging.parameters import named_after, secret_name

_ROOT = Path(__file__).parent.parent
_UNKNOWN = "https://address-not-known-yet.invalid"
"""Stands for the API's own address until the stack that gives it is there."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the caller wants."""

    stage: str
    yes: bool
    allow_replacement: bool
    minutes: int


def main() -> int:
    """Deploy a stage; return the exit code."""
    try:
        deploy(_arguments())
    except (DeployError, wanted.SettingsRefusedError) as refused:
        print(f"not deployed: {refused}", file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"not deployed, AWS refuses: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nCloudFormation goes on by itself with what it has begun", file=sys.stderr)
        return 1
    return 0


def deploy(asked: Asked) -> None:
    """Upload, propose, show, ask, do; raise `DeployError` when it comes to nothing."""
    there = cloud()
    stacks = Stacks(there, stack_name(asked.stage), poll_seconds=there.poll_seconds)
    print(f"{stacks.name} to {there.place()}")
    template, code = artifacts.packaged(_ROOT / "build" / "package")
    told = settings_of(there, stacks, asked.stage, template["Parameters"])
    parameters = _parameters(asked.stage, told, template)
    room.assert_room(there, template, parameters)
    bucket = artifacts.ready_bucket(there)
    key = artifacts.uploaded(there, bucket, asked.stage, code, "zip")
    template = artifacts.with_code(template, bucket, key)
    template = artifacts.with_names(template, there, asked.stage)
    if there.emulated:
        template = emulated.expanded(template, there.region)
    body = json.dumps(template, sort_keys=True).encode()
    key = artifacts.uploaded(there, bucket, asked.stage, body, "json")
    url = artifacts.url(there, bucket, key)
    guard = _guard(there, stacks, asked)
    if (proposal := stacks.propose(url, parameters, guard)) is None:
        print("  nothing is to change")
    else:
        agreed(stacks, proposal, asked)
        stacks.execute(proposal)
    _give_address(there, stacks, url, parameters)
    _print_end(there, stacks)


def stack_name(stage: str) -> str:
    """Name a stage's stack."""
    return f"shoukuan-{stage}"


def settings_of(
    there: Cloud, stacks: Stacks, stage: str, parameters: Collection[str]
) -> dict[str, str]:
    """Return a stage's settings, as the functions will see them; refuse what can't be right."""
    told = wanted.read(Path("deploy") / f"{stage}.env", parameters)
    if not told.get("PUBLIC_BASE_URL"):
        own_domain = told.get("DOMAIN_NAME")
        outputs = stacks.outputs()
        known = emulated.address(there, outputs) if outputs else _UNKNOWN
        told["PUBLIC_BASE_URL"] = f"https://{own_domain}" if own_domain else known
    wanted.checked(stage, told)
    client = there.client("secretsmanager")
    missing = [name for name in wanted.secrets_of(told) if not _is_kept(client, stage, name)]
    if missing:
        raise DeployError(f"{', '.join(missing)}: not kept yet, `make secrets STAGE={stage}` does")
    return told


def _is_kept(client: Any, stage: str, setting: str) -> bool:
    """Tell whether a secret is there; its value is not looked at."""
    try:
        client.describe_secret(SecretId=secret_name(stage, setting))
    except client.exceptions.ResourceNotFoundException:
        return False
    return True


def _parameters(stage: str, told: Mapping[str, str], template: Mapping[str, Any]) -> dict[str, str]:
    """Say every parameter: what is no longer told goes back to its default."""
    values = {named_after(name): value for name, value in told.items() if value}
    values |= {"Stage": stage}
    return {
        name: values.get(name, str(declared.get("Default", "")))
        for name, declared in template["Parameters"].items()
    }


def _guard(there: Cloud, stacks: Stacks, asked: Asked) -> Watch:
    """Let the alarms that stand already roll the deployment back."""
    if not stacks.outputs():
        return Watch()
    guard, ringing = watch(there, stacks.alarms(), asked.minutes)
    if ringing:
        print(f"  ringing already, so not watched: {', '.join(ringing)}")
    names = [arn.rpartition(":")[2] for arn in guard.alarms]
    if names:
        print(f"  rolled back if one rings within {asked.minutes} minutes: {', '.join(names)}")
    return guard


def agreed(stacks: Stacks, proposal: Proposal, asked: Asked) -> None:
    """Show what would change; return only if it is agreed to."""
    print("\n".join(rendered(proposal.changes)))
    danger = [change.logical_id for change in proposal.changes if change.endangers_data]
    if danger and not asked.allow_replacement:
        stacks.withdraw(proposal)
        raise DeployError(
            f"data would be replaced or removed with {', '.join(danger)};"
            " ALLOW_REPLACEMENT=1 if that is what you want"
        )
    if not asked.yes and not _said_yes():
        stacks.withdraw(proposal)
        raise DeployError("nobody said yes")


def _said_yes() -> bool:
    if not sys.stdin.isatty():
        return False
    return input("  do it? yes/no: ").strip().lower() in {"yes", "y", "是"}


def _give_address(there: Cloud, stacks: Stacks, url: str, parameters: Mapping[str, str]) -> None:
    """Tell the functions the API's own address, which nobody knew before the stack was there."""
    if parameters["PublicBaseUrl"] != _UNKNOWN:
        return
    own = emulated.address(there, stacks.outputs())
    print(f"  the API's own address is told to the functions: {own}")
    proposal = stacks.propose(url, {**parameters, "PublicBaseUrl": own}, Watch())
    if proposal is not None:
        stacks.execute(proposal)


def _print_end(there: Cloud, stacks: Stacks) -> None:
    outputs = stacks.outputs()
    for name, value in sorted(outputs.items()):
        print(f"  {name:20} {value}")
    print(f"deployed {emulated.address(there, outputs)}")


def _arguments() -> Asked:
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", required=True)
    parser.add_argument("--yes", action="store_true")
    parser.add_argument("--allow-replacement", action="store_true")
    parser.add_argument("--minutes", type=int, default=15)
    return Asked(**vars(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
