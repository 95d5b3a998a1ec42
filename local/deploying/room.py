"""Whether the account has room for what is kept free: a new one often has not."""

from collections.abc import Mapping
from typing import Any

from local.deploying.cloud import Cloud, DeployError

_UNRESERVED_MIN = 100  # Lambda's own: so many must stay for everybody


def reserved(template: Mapping[str, Any], parameters: Mapping[str, str]) -> int:
    """Return how many executions at once the template keeps for functions of its own."""
    asked = [
        one["Properties"]["ReservedConcurrentExecutions"]
        for one in template["Resources"].values()
        if "ReservedConcurrentExecutions" in one["Properties"]
    ]
    return sum(int(parameters[one["Ref"]] if isinstance(one, dict) else one) for one in asked)


def assert_room(cloud: Cloud, template: Mapping[str, Any], parameters: Mapping[str, str]) -> None:
    """Raise `DeployError` before CloudFormation would fail half way for want of a quota."""
    wanted = reserved(template, parameters) + _UNRESERVED_MIN
    settings = cloud.client("lambda").get_account_settings()
    if (limit := int(settings["AccountLimit"]["ConcurrentExecutions"])) < wanted:
        raise DeployError(
            f"this account may run {limit} functions at once and {wanted} are needed: ask for more"
            " under Service Quotas, Lambda, Concurrent executions"
        )
