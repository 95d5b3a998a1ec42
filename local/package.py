"""`make package`: the deployable template and zip, validated, merged and linted.

Chalice writes the functions, `.chalice/resources.json` adds the tables, queues and dead letter
queues, and what Chalice can't say (partial batches, parameters) is patched in here.
"""

import argparse
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

from chalice.cli.factory import CLIFactory
from chalice.deploy.validate import validate_configuration

from local.deploying import wanted

_ROOT = Path(__file__).parent.parent
_OUT = _ROOT / "build" / "package"
_MERGED = _ROOT / ".chalice" / "resources.json"
ZIP_BYTES_MAX = 15 * 1024 * 1024

_FEEDS = {
    "BookQueued": "BookingsQueue",
    "RunCommands": "CommandsQueue",
    "HearEvents": "EventsQueue",
    "RunSettlements": "SettlementsQueue",
    "RunReconciliations": "ReconciliationsQueue",
}
_SORTING = ("ReconcileClosedDays", "RunReconciliations")
_SORTING_MEGABYTES = 10_240  # a day's bills, and their lines sorted on disk
_BELL = "SequenceWhenRung"
_RUNG_BY = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "P#"}]}}}}
"""Only new rows of the outbox ring; what the sequencer itself writes does not."""


class PackageError(RuntimeError):
    """The package is not fit to be deployed."""


def main() -> int:
    """Package a stage; return the exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", default="dev")
    stage = parser.parse_args().stage
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # Chalice asks; nothing is called
    try:
        package(stage)
    except (PackageError, subprocess.CalledProcessError) as error:
        print(f"not packaged: {error}", file=sys.stderr)
        return 1
    return 0


def package(stage: str) -> None:
    """Validate, package, patch, lint, and look into the zip."""
    validate_configuration(CLIFactory(str(_ROOT)).create_config_obj(chalice_stage_name=stage))
    _run("chalice", "package", "--stage", stage, "--merge-template", str(_MERGED), str(_OUT))
    path = _OUT / "sam.json"
    template = json.loads(path.read_text())
    patch(template, stage)
    path.write_text(json.dumps(template, indent=2) + "\n")
    _run("cfn-lint", str(path))
    size = check_zip(_OUT / "deployment.zip")
    kinds = sorted({resource["Type"] for resource in template["Resources"].values()})
    print(f"{path.relative_to(_ROOT)}: {len(template['Resources'])} resources, cfn-lint clean")
    print("  " + ", ".join(kinds))
    print(f"build/package/deployment.zip: {size // 1024} KB of at most {ZIP_BYTES_MAX // 1024}")


def patch(template: dict[str, Any], stage: str) -> None:
    """Say what Chalice can't: partial batches, order of creation, settings as parameters."""
    resources = template["Resources"]
    parameters = template.setdefault("Parameters", {})
    parameters["Stage"] = {"Type": "String", "Default": stage}
    parameters |= wanted.parameters()
    for function, queue in _FEEDS.items():
        resources[function]["DependsOn"] = [queue]
        (source,) = resources[function]["Properties"]["Events"].values()
        source["Properties"]["FunctionResponseTypes"] = ["ReportBatchItemFailures"]
    for function in _SORTING:
        resources[function]["Properties"]["EphemeralStorage"] = {"Size": _SORTING_MEGABYTES}
    _hang_bell(resources[_BELL])
    for resource in resources.values():
        if resource["Type"] == "AWS::Serverless::Function":
            variables = resource["Properties"]["Environment"]["Variables"]
            variables |= wanted.environment(stage) | _BUCKETS


_BUCKETS = {
    "LAKE_BUCKET": {"Ref": "LakeBucket"},
    "DOCUMENTS_BUCKET": {"Ref": "DocumentsBucket"},
}


def _hang_bell(function: dict[str, Any]) -> None:
    """Let the table's stream ring the sequencer, one at a time; a ring that fails comes again."""
    function["Properties"]["ReservedConcurrentExecutions"] = 1
    (source,) = function["Properties"]["Events"].values()
    source["Properties"] |= {
        "Stream": {"Fn::GetAtt": ["LogTable", "StreamArn"]},
        "FilterCriteria": {"Filters": [{"Pattern": json.dumps(_RUNG_BY)}]},
        "MaximumRecordAgeInSeconds": 120,  # the schedule does what an old ring would have done
        "MaximumRetryAttempts": 5,
    }


def check_zip(path: Path) -> int:
    """Look into the zip: small enough, ours inside, and nothing of tests or laptops."""
    with zipfile.ZipFile(path) as zipped:
        tops = {name.partition("/")[0] for name in zipped.namelist()}
    missing = {"app.py", "chalicelib", "chalice", "cryptography", "pydantic"} - tops
    strange = {"tests", "local", "benchmarks", "boto3", "botocore", "requests", "moto"} & tops
    size = path.stat().st_size
    if missing or strange:
        raise PackageError(
            f"the zip lacks {missing or 'nothing'}, and holds {strange or 'nothing'}"
        )
    if size > ZIP_BYTES_MAX:
        raise PackageError(f"the zip has {size} bytes")
    return size


def _run(program: str, *arguments: str) -> None:
    command = [str(Path(sys.executable).parent / program), *arguments]
    subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    sys.exit(main())
