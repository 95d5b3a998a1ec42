"""`make cold-start`: what a fresh process costs until its first answer, as the package deploys it.

Each run is a process of its own that unpacks nothing, loads the function out of the zip's content
with its unchecked bytecode, and answers one event; its user and system time are what the kernel
counted. AWS is a server on loopback that says yes, and secrets come from it as they do when
deployed. The runs of the functions take turns, so that a busy machine slows all of them. What
Python does when a process ends is not counted: Lambda never lets one end.

The bare function has a route, Chalice, and botocore's client of DynamoDB, and nothing else; its
first request writes one item, as a notification makes one commit.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.nod import Nod
from benchmarks.signed import notification
from chalicelib.edge.auth import Sessions
from chalicelib.kernel.clock import SystemClock
from chalicelib.kernel.ids import MemberId
from local.package import OUT
from local.packaging.archive import compile_folder
from local.sandbox.keys import SandboxKeys, environment

RUNS = 11
LIMITS = {"notification": 1.5, "api": 2.0}
"""How many bare functions each may cost."""

_BARE = """
import botocore.config
import botocore.session
from chalice.app import Chalice

app = Chalice(app_name="bare")
client = botocore.session.get_session().create_client("dynamodb")

@app.route("/first", methods=["POST"], content_types=["*/*"])
def first():
    app.current_request.raw_body
    client.put_item(TableName="main", Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    return {}
"""
_CHILD = """
import sys
from app import app
import json, os, resource
event = json.loads(open(sys.argv[1]).read())
answer = app(event, None)
usage = resource.getrusage(resource.RUSAGE_SELF)
assert answer["statusCode"] == int(sys.argv[2]), answer
print(usage.ru_utime + usage.ru_stime, file=sys.stderr, flush=True)
os._exit(0)
"""
_AWS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_MEMBER = MemberId.parse("mem_01K0000000000000000000000M")
_SESSION_KEY = "s" * 40
_SECRETS = {"SESSION_KEY", "WECHATPAY_PRIVATE_KEY", "WECHATPAY_API_V3_KEY", "WECHAT_APP_SECRET"}
_SECRETS |= {"WECHATPAY_PUBLIC_KEY"}


@dataclass(frozen=True, slots=True)
class Start:
    """A function's first event, and how it is answered."""

    folder: Path
    event: Path
    status: int
    environment: Mapping[str, str]

    def cpu_seconds(self) -> float:
        """Run it in a fresh process; return the process's user and system time."""
        command = [sys.executable, "-P", "-c", _CHILD, str(self.event), str(self.status)]
        told = subprocess.run(
            command,
            check=False,
            capture_output=True,
            text=True,
            env=dict(self.environment),
            cwd=self.folder,
        )
        if told.returncode:
            raise RuntimeError(f"{self.event.stem} was not answered:\n{told.stderr}")
        return float(told.stderr.split()[-1])


def measured(zipped: Path, *, runs: int = RUNS) -> dict[str, list[float]]:
    """Return the CPU seconds of each function's runs, taken in turn."""
    with tempfile.TemporaryDirectory() as text, Nod() as aws:
        starts = _starts(Path(text), zipped, aws)
        taken: dict[str, list[float]] = {name: [] for name in starts}
        for start in starts.values():
            start.cpu_seconds()  # once for the disk
        for _ in range(runs):
            for name, start in starts.items():
                taken[name].append(start.cpu_seconds())
    return taken


def ratios(taken: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return each function's median as a multiple of the bare one's."""
    bare = statistics.median(taken["bare"])
    return {name: statistics.median(taken[name]) / bare for name in LIMITS}


def main() -> int:
    """Print what each function's cold start costs; return 1 when one is over its limit."""
    taken = measured(OUT / "deployment.zip")
    found = ratios(taken)
    print(f"CPU of a fresh process until its first answer, median of {RUNS}\n")
    for name, runs in taken.items():
        spread = f"{min(runs) * 1000:.0f} to {max(runs) * 1000:.0f}"
        ratio = f"{found[name]:.2f} of at most {LIMITS[name]}" if name in LIMITS else "1"
        print(f"  {name:14} {statistics.median(runs) * 1000:6.0f} ms ({spread})   {ratio}")
    return int(any(found[name] > limit for name, limit in LIMITS.items()))


def _starts(folder: Path, zipped: Path, aws: Nod) -> dict[str, Start]:
    packed, bare = folder / "packed", folder / "bare"
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(packed)
    shutil.copytree(packed / "chalice", bare / "chalice")
    (bare / "app.py").write_text(_BARE)
    compile_folder(bare)
    keys = SandboxKeys.generate(datetime.now(UTC))
    settings = environment(keys, "http://127.0.0.1:1") | {"SESSION_KEY": _SESSION_KEY}
    aws.secrets = {name: settings[name] for name in _SECRETS if name in settings}
    common = _AWS | {"AWS_ENDPOINT_URL": aws.url, "PATH": os.environ["PATH"]}
    alone = common | {"PYTHONPATH": str(bare)}
    ours = common | settings | {name: f"secret:{name}" for name in aws.secrets}
    ours |= {"PYTHONPATH": str(packed), "PYDANTIC_DISABLE_PLUGINS": "__all__"}
    for name, event in _events(keys).items():
        (folder / f"{name}.json").write_text(json.dumps(event))
    heard, asked = folder / "notification.json", folder / "api.json"
    return {
        "bare": Start(bare, folder / "bare.json", 200, alone),
        "notification": Start(packed, heard, 204, ours | {"API_PART": "notifications"}),
        "api": Start(packed, asked, 404, ours | {"API_PART": "rooms"}),
    }


def _events(keys: SandboxKeys) -> dict[str, dict[str, Any]]:
    """Return each function's first event: a payment's notification, a shopper who asks."""
    sent = notification(
        keys,
        payment_id="pay_01K0000000000000000000000A",
        attach="ord_01K0000000000000000000000B/mer_01K0000000000000000000000C",
        total=1999,
    )
    token, _ = Sessions(_SESSION_KEY, clock=SystemClock(), ttl_seconds=3600).open(_MEMBER)
    bearer, order = {"Authorization": f"Bearer {token}"}, "ord_01K0000000000000000000000B"
    return {
        "bare": _event("POST", "/first", {"Content-Type": "application/json"}, "{}"),
        "notification": _event(
            "POST", "/v1/notifications/wechatpay", sent.headers, sent.body.decode()
        ),
        "api": _event("GET", "/v1/orders/{order_id}", bearer, None, order_id=order),
    }


def _event(
    method: str, path: str, headers: Mapping[str, str], body: str | None, **parameters: str
) -> dict[str, Any]:
    return {
        "resource": path,
        "path": path.format(**parameters),
        "httpMethod": method,
        "headers": dict(headers),
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": path,
            "httpMethod": method,
            "requestId": "bench",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": body,
        "isBase64Encoded": False,
    }


if __name__ == "__main__":
    sys.exit(main())
