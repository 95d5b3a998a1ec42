"""`make deployed`: docs/deploy.md, followed on an empty embedded AWS with nothing but itself.

A copy of the project stands where nothing was deployed from before. The document's own commands
run there, as they are written; then a new version with other settings is deployed over it, and
holds the same books; a purchase is played, to its payout; a message that fails eight times ends
among the dead letters, and is given another chance; and the document's last commands undo it all.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import botocore.session

from local.demo import say, settings_for, tell
from local.deployed_story import Deployed, DeployedStory
from local.deploying.document import Block, DocumentError, Shell, blocks
from local.emulator import free_port
from local.environment import EMULATED
from local.sandbox.keys import environment as sandbox_environment
from local.sandbox.keys import load_or_create
from local.stack import tail
from local.story import StoryError

_ROOT = Path(__file__).parent.parent
_DOCUMENT = Path("docs") / "deploy.md"
_UNDO = "Undo"
_SECONDS_MAX = 540
_LEFT = shutil.ignore_patterns(
    ".git",
    ".venv*",
    ".*_cache",
    ".cloud",
    ".secrets",
    ".data",
    "build",
    "__pycache__",
    "deployments",
)
_TABLES = {"MAIN_TABLE": "shoukuan-dev-main", "LOG_TABLE": "shoukuan-dev-log"}
_REGION = "us-east-1"
_AGAIN = "make deploy STAGE=dev YES=1\nAPI=$(make -s address STAGE=dev)"
_TRIES, _VISIBLE_SECONDS = 8, 1


def main() -> int:
    """Follow the document; return the exit code."""
    began = time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended all the same
    ports = {name: str(free_port()) for name in ("AWS_PORT", "SANDBOX_PORT")}
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        copy = _copied(Path(folder))
        try:
            with Shell(copy, kept | ports, _SECONDS_MAX) as shell:
                _follow(shell, copy, ports)
        except (DocumentError, StoryError) as error:
            print(f"\nFAILED: {error}", file=sys.stderr)
            print(tail(copy / ".cloud" / "aws.log"), file=sys.stderr)
            return 1
    print(f"\nFollowed and undone in {time.monotonic() - began:.0f} seconds.")
    return 0


def _copied(folder: Path) -> Path:
    """Copy the project, with the times of its files: what is set up need not be again."""
    copy = folder / "shoukuan"
    shutil.copytree(_ROOT, copy, ignore=_LEFT)
    for name in (".venv", ".venv-emulator"):
        (copy / name).symlink_to((_ROOT / name).resolve())
    return copy


def _follow(shell: Shell, copy: Path, ports: dict[str, str]) -> None:
    written = blocks((_ROOT / _DOCUMENT).read_text())
    undo = [block for block in written if block.heading == _UNDO]
    for block in written:
        if block not in undo:
            shell.follow(block)
    story = _story(shell, copy, ports)
    try:
        before = _books(story, shell)
        _deploy_again(shell, copy)
        _same(before, _books(story, shell), "a new version")
        print("\n── A purchase, in the deployed account\n")
        kept = before["clearing"]
        sold = tell(story, "direct", kept_before=kept)
        _poisoned(shell, story, sold.order_id)
        before = _books(story, shell)
    finally:
        story.close()
    for block in undo:
        shell.follow(block)
    shell.follow(Block("Deployed again over what was left", _AGAIN, stays=False))
    story = _story(shell, copy, ports)
    try:
        _same(before, _books(story, shell), "a stack that was removed and made again")
    finally:
        story.close()


def _story(shell: Shell, copy: Path, ports: dict[str, str]) -> DeployedStory:
    cloud = copy / ".cloud"
    aws, gateway = (f"http://127.0.0.1:{port}" for port in ports.values())
    lake = f"shoukuan-dev-lake-000000000000-{_REGION}"
    os.environ |= EMULATED | _TABLES | {"AWS_ENDPOINT_URL": aws, "LAKE_BUCKET": lake}
    told = sandbox_environment(load_or_create(cloud), gateway)
    deployed = Deployed(shell.value("API"), gateway, aws, cloud / "clock", told)
    return DeployedStory(deployed, say=say)


def _books(story: DeployedStory, shell: Shell) -> dict[str, Any]:
    """Read what must survive: an order, and what the provider owes us."""
    story.ticked()
    operator = story.operator()
    account = operator.get("/v1/ledger/accounts/provider:wechatpay:clearing").body
    order = operator.get(f"/v1/orders/{shell.value('ORDER')}").body
    (balance,) = account["balances"]
    return {"order": order, "clearing": balance["balance"]["amount"]}


def _same(before: dict[str, Any], after: dict[str, Any], what: str) -> None:
    if before != after:
        raise StoryError(f"{what} does not hold the same books: {before}, and then {after}")
    print(f"  the books are the same under {what}")


def _deploy_again(shell: Shell, copy: Path) -> None:
    """Deploy another version, told other things."""
    with (copy / "app.py").open("a") as code:
        code.write("\n# one more line is another version\n")
    with (copy / "deploy" / "dev.env").open("a") as settings:
        settings.writelines(f"{name}={value}\n" for name, value in settings_for("direct").items())
    shell.follow(Block("Another version", _AGAIN, stays=False))


def _poisoned(shell: Shell, story: DeployedStory, order_id: str) -> None:
    """Let a command fail as often as it may, and redrive it when what was wrong is right again."""
    print("\n── A message fails eight times, and is given another chance")
    client: Any = botocore.session.get_session().create_client("sqs")
    url = client.get_queue_url(QueueName="shoukuan-dev-commands")["QueueUrl"]
    soon = {"VisibilityTimeout": str(_VISIBLE_SECONDS)}  # eight times three minutes are too long
    client.set_queue_attributes(QueueUrl=url, Attributes=soon)
    fault = {"path": "/wxa/sec/order/get_order", "kind": "error_500", "times": _TRIES}
    story.sandbox.post("/control/faults", fault)
    merchant = story.operator().get(f"/v1/orders/{order_id}").body["merchant_id"]
    entries = story.operator().get(f"/v1/merchants/{merchant}/entries").body["items"]
    (payment,) = [entry["key"] for entry in entries if entry["kind"] == "payment_captured"]
    body = f'{{"command":"check_receipt","payment_id":"{payment.partition("/")[2]}"}}'
    client.send_message(QueueUrl=url, MessageBody=body)
    story.awaited(lambda: story.waiting("commands-dead") == (1, 0) or None, "not dead", 90)
    print(f"  after {_TRIES} tries it is a dead letter")
    redrive = "STAGE=dev QUEUE=commands make redrive"
    shell.follow(Block("Redriven", redrive, stays=False))
    story.ticked()
    if story.waiting("commands-dead") != (0, 0):
        raise StoryError("what was redriven is dead again")
    left = story.sandbox.get("/control/faults").body["items"]
    if left:
        raise StoryError(f"it was not tried so often: {left}")
    print("  and is done")


if __name__ == "__main__":
    sys.exit(main())
