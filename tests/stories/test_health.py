"""What is really stuck is named, over HTTP and by `make doctor`, with what to do about it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from chalicelib.health.model import CheckName
from local.control import Control
from local.stack import Stack, write_run_file
from local.story import Story
from tests.stories.conftest import QUICK
from tests.stories.queues import lay
from tests.stories.test_payment import TOTAL, Purchase, move_clock, run_tick
from tests.stories.test_refunds import ask, end, shown
from tests.stories.test_release import DAY, receive, ship

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Run a house of its own: its days pass, and what is stuck is ours."""
    folder = tmp_path_factory.mktemp("stuck")
    with Stack(folder, overrides=QUICK) as running, Control(running):
        yield running


@pytest.fixture(autouse=True)
def clock(story: Story) -> Iterator[None]:
    """Turn the clock back when a story has moved it."""
    yield
    move_clock(story, 0)


@pytest.fixture
def queues(story: Story) -> Any:
    """SQS beside the stack, with nothing dead in it."""
    client = get_session().create_client("sqs", endpoint_url=story.stack.aws)
    purge(client)
    yield client
    purge(client)


def purge(client: Any) -> None:
    for queue in ("bookings", "commands", "events", "reconciliations", "settlements"):
        client.purge_queue(QueueUrl=url(client, f"{queue}-dead"))


def url(client: Any, queue: str) -> Any:
    return client.get_queue_url(QueueName=f"shoukuan-local-{queue}")["QueueUrl"]


@pytest.fixture
def data_dir(stack: Stack) -> Iterator[str]:
    """Where a command beside the stack finds it."""
    path = stack.data_dir / "run.json"
    write_run_file(path, stack.described())
    yield str(stack.data_dir)
    path.unlink()


def run(module: str, data_dir: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", module],
        env=kept | {"DATA_DIR": data_dir} | changes,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def report(story: Story) -> dict[str, Any]:
    reply = story.operator().get("/v1/health/report")
    assert reply.status == 200
    states = [check["state"] for check in reply.body["checks"]]
    assert states == sorted(states, key=["failing", "warning", "ok"].index)
    assert reply.body["state"] == states[0]
    return {check["name"]: check for check in reply.body["checks"]}


def test_a_running_house_answers_every_check(story: Story, queues: Any) -> None:
    run_tick(story)
    checks = report(story)
    assert set(checks) == {name.value for name in CheckName}
    for name in ("clock", "public_key", "certificates", "sequencer", "dead_letters_events"):
        assert checks[name]["state"] == "ok", checks[name]
    assert not [name for name, check in checks.items() if "unreachable" in check["says"]]


def test_dead_letters_are_named_until_they_are_redriven(
    story: Story, queues: Any, data_dir: str
) -> None:
    for queue in ("events", "settlements"):
        lay(f"{queue}-dead", {"events": []})
    check = report(story)["dead_letters_events"]
    assert (check["state"], check["figure"]) == ("failing", 1)
    assert check["advice"].endswith("`make redrive QUEUE=events` within 14 days.")
    assert check["run_book"] == "docs/operations.md#dead-letters"
    seen = run("local.doctor", data_dir)
    assert (seen.returncode, seen.stderr) == (1, "")
    assert seen.stdout.startswith("failing")
    assert "dead_letters_events" in seen.stdout
    assert check["advice"] in seen.stdout
    assert "\033[" not in seen.stdout, "no colour where nobody looks"
    moved = run("local.redrive", data_dir, QUEUE="events")
    assert (moved.returncode, moved.stderr) == (0, "")
    assert moved.stdout.startswith("1 messages of events")
    run_tick(story)
    checks = report(story)
    assert checks["dead_letters_events"]["state"] == "ok"
    assert checks["dead_letters_settlements"]["state"] == "failing"


def test_money_in_suspense_and_its_refund_are_named(story: Story) -> None:
    purchase = Purchase(story)
    first, second = purchase.pay(), purchase.pay()
    assert story.paid(first) == [204]
    before = report(story)["suspense"]["figure"]
    assert story.paid(second) == [204]
    run_tick(story)
    run_tick(story)
    check = report(story)["suspense"]
    assert check["state"] in {"warning", "failing"}
    assert check["figure"] == before + TOTAL
    assert check["since"] is not None
    assert "by itself" in check["advice"]
    (refund,) = purchase.shopper.get(f"/v1/orders/{purchase.order_id}/refunds").body["items"]
    assert end(purchase, refund["id"], "abnormal") == [204]
    stuck = report(story)["refunds_stuck"]
    assert stuck["state"] == "failing"
    assert refund["id"] in stuck["about"]
    assert stuck["run_book"].endswith("#a-refund-needs-a-person")
    assert end(purchase, refund["id"]) == [204]
    run_tick(story)
    assert report(story)["suspense"]["figure"] == before


def test_a_refund_that_waits_is_named_by_both(story: Story, data_dir: str) -> None:
    purchase = Purchase(story)
    assert story.paid(purchase.pay()) == [204]
    ship(purchase)
    receive(purchase)
    day = story.day_over()
    story.settled(day)
    story.ticked()
    asked = ask(purchase)
    run_tick(story)
    assert shown(purchase, asked.body["id"])["state"] == "waiting"
    move_clock(story, DAY + 2 * 3600)
    check = report(story)["refunds_waiting"]
    assert check["state"] in {"warning", "failing"}
    assert asked.body["id"] in check["about"]
    assert "funding" in check["advice"]
    seen = run("local.doctor", data_dir, JSON="1")
    told = {one["name"]: one for one in json.loads(seen.stdout)["checks"]}
    assert told["refunds_waiting"]["about"] == check["about"]
    assert told["refunds_waiting"]["since"] == check["since"]
    secrets = story.stack.environment()
    for name in ("SESSION_KEY", "WECHATPAY_API_V3_KEY", "WECHAT_APP_SECRET"):
        assert secrets[name] not in seen.stdout + seen.stderr
    funded = story.operator().post(
        f"/v1/orders/{purchase.order_id}/refunds/{asked.body['id']}/funding", key="fund"
    )
    assert funded.status == 200, funded.body
    run_tick(story)
    assert asked.body["id"] not in report(story)["refunds_waiting"]["about"]
