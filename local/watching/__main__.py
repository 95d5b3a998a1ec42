"""`make watching`: write the tables' alarms and the dashboard into `.chalice/resources.json`."""

import json
import sys
from pathlib import Path
from typing import Any

from local.watching import dashboard
from local.watching.alarm import TOPIC, Resource, logical_id
from local.watching.alarms import alarms

DECLARATION = Path(__file__).parent.parent.parent / ".chalice" / "resources.json"
_MADE = "shoukuan:watching"
_PARAMETER = {
    "Type": "String",
    "Default": "",
    "Description": "SNS topic that alarms go to; without one they only change colour",
}
_CONDITION = {"Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmTopicArn"}, ""]}]}


def main() -> int:
    """Write."""
    declared = json.loads(DECLARATION.read_text())
    DECLARATION.write_text(json.dumps(written(declared), indent=2) + "\n")
    return 0


def written(declared: dict[str, Any]) -> dict[str, Any]:
    """Return the declaration with what the tables say; what they said before and no more is gone.

    Alarms that stand beside their queues get somebody to tell.
    """
    kept = {
        name: one
        for name, one in declared["Resources"].items()
        if one.get("Metadata", {}).get(_MADE) is not True
    }
    for one in kept.values():
        if one["Type"] == "AWS::CloudWatch::Alarm":
            one["Properties"] |= {"AlarmActions": TOPIC, "OKActions": TOPIC}
    made = {logical_id(alarm.name): alarm.resource() for alarm in alarms()}
    made["Dashboard"] = dashboard.resource()
    assert not kept.keys() & made.keys(), "a name is taken"
    return {
        "Parameters": declared["Parameters"] | {"AlarmTopicArn": _PARAMETER},
        "Conditions": declared.get("Conditions", {}) | {"HasAlarmTopic": _CONDITION},
        "Resources": kept | {name: _marked(one) for name, one in made.items()},
    }


def _marked(resource: Resource) -> Resource:
    return {"Type": resource["Type"], "Metadata": {_MADE: True}, **resource}


if __name__ == "__main__":
    sys.exit(main())
