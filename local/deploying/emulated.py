"""What the embedded AWS needs done for it, and nothing more.

CloudFormation on AWS expands a serverless template by itself. The embedded one can't without AWS's
own library in its environment, where it would hide a package that the zip lacks; so that library
expands the template here. It knows no composite alarms and no arithmetic in alarms, so those are
left out: nothing but people looks at them. Its addresses are another's, too. All else is as on AWS.
"""

import importlib
import json
import os
from collections.abc import Mapping
from typing import Any

from local.deploying.cloud import Cloud, DeployError

_SERVERLESS = "AWS::Serverless-2016-10-31"


class _NoManagedPolicies:
    """Stands for IAM's list of managed policies: our template names none."""

    def load(self) -> dict[str, str]:
        return {}


def expanded(template: Mapping[str, Any], region: str) -> dict[str, Any]:
    """Return a serverless template as plain CloudFormation, as AWS itself would expand it."""
    os.environ["AWS_DEFAULT_REGION"] = region  # the library looks nowhere else
    assert template.get("Transform") == _SERVERLESS, "nothing else is to be expanded"
    try:
        library: Any = importlib.import_module("samtranslator.translator.transform")
    except ImportError:
        raise DeployError("aws-sam-translator is not installed: run `make setup`") from None
    plain: dict[str, Any] = library.transform(dict(template), {}, _NoManagedPolicies())
    plain.pop("Transform", None)
    left = {one["Type"] for one in plain["Resources"].values() if "::Serverless::" in one["Type"]}
    assert not left, f"not expanded: {left}"
    return narrowed(plain)


def narrowed(template: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the embedded AWS does not know, if nothing else stands on it."""
    out = {name for name, one in template["Resources"].items() if _unknown(one)}
    kept = {name: one for name, one in template["Resources"].items() if name not in out}
    told = json.dumps([kept, template.get("Outputs", {})])
    needed = sorted(name for name in out if f'"{name}"' in told or f"${{{name}" in told)
    assert not needed, f"left out, and needed: {needed}"
    return {**template, "Resources": kept}


def _unknown(resource: Mapping[str, Any]) -> bool:
    match resource["Type"]:
        case "AWS::CloudWatch::CompositeAlarm":
            return True
        case "AWS::CloudWatch::Alarm":
            return "Metrics" in resource["Properties"]
        case _:
            return False


def address(cloud: Cloud, outputs: Mapping[str, str]) -> str:
    """Return where the deployed API answers."""
    if cloud.emulated:
        stage = outputs["EndpointURL"].rstrip("/").rpartition("/")[2]
        return f"{cloud.endpoint}/restapis/{outputs['RestAPIId']}/{stage}/_user_request_"
    return outputs["EndpointURL"].rstrip("/")
