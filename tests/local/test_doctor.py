"""`make doctor` and `make redrive`: what they print, how they end, and that they never hang."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from moto import mock_aws

from chalicelib.health.model import Check, CheckName, Report, State
from local import doctor, redrive
from local.emulator import free_port
from tests.fakes.clock import START

SECONDS_MAX = 20  # of which starting is the most on a busy machine
ROOT = Path(__file__).parent.parent.parent
RESOURCES = json.loads((ROOT / ".chalice" / "resources.json").read_text())["Resources"]


def run(module: str, *words: str, **changes: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: text for name, text in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-m", module, *words],
        env=kept | {"DATA_DIR": "/nowhere"} | changes,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def away(port: int) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
        "WECHATPAY_BASE_URL": f"http://127.0.0.1:{port}",
        "WECHATPAY_PUBLIC_KEY_ID": "PUB_KEY_ID_1",
    }


@pytest.mark.parametrize("module", ["local.doctor", "local.redrive"])
def test_without_a_stack_it_says_so_in_one_line(module: str) -> None:
    seen = run(module, QUEUE="events")
    assert (seen.returncode, seen.stdout) == (1, "")
    assert seen.stderr.count("\n") == 1
    assert "no stack runs here" in seen.stderr


def test_who_takes_calls_and_never_answers_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # the backlog takes them
        began = time.monotonic()
        seen = run("local.doctor", "--json", **away(mute.getsockname()[1]))
        assert time.monotonic() - began < SECONDS_MAX
    checks = {check["name"]: check for check in json.loads(seen.stdout)["checks"]}
    assert checks["sequencer"]["says"] == "unreachable: storage_busy"
    assert checks["dead_letters_events"]["says"] == "unreachable: queue_unavailable"
    assert seen.returncode == 1


def test_when_nothing_can_be_reached_it_says_so_soon() -> None:
    began = time.monotonic()
    seen = run("local.doctor", "--json", **away(free_port()))
    assert time.monotonic() - began < SECONDS_MAX
    assert seen.returncode == 1
    report = json.loads(seen.stdout)
    assert report["state"] == "failing"
    checks = {check["name"]: check for check in report["checks"]}
    assert set(checks) == {name.value for name in CheckName}
    assert checks.pop("public_key")["state"] == "ok", "nobody need be asked"
    assert {check["state"] for check in checks.values()} == {"failing"}
    assert {check["figure"] for check in checks.values()} == {None}
    assert all(check["advice"] for check in checks.values())


def check(name: CheckName, state: State) -> Check:
    return Check(
        name=name,
        state=state,
        figure=2,
        unit="refunds",
        says="2 refunds wait",
        since=START if state is not State.OK else None,
        about=("rfd_1", "rfd_2"),
        advice="Fund it.",
        run_book="docs/operations.md#a",
    )


REPORT = Report(
    state=State.FAILING,
    at=START,
    checks=(
        check(CheckName.REFUNDS_WAITING, State.FAILING),
        check(CheckName.SUSPENSE, State.OK),
    ),
)


def test_advice_is_printed_where_something_is_to_be_done() -> None:
    plain = doctor.table(REPORT, "here", colour=False)
    assert plain.splitlines() == [
        "failing at 2026-11-24T08:00:00.000000Z, here",
        "",
        "  failing  refunds_waiting               2 refunds wait",
        "           since 2026-11-24T08:00:00Z",
        "           rfd_1, rfd_2",
        "           Fund it.",
        "           docs/operations.md#a",
        "  ok       suspense                      2 refunds wait",
    ]
    assert "\033[31mfailing\033[0m" in doctor.table(REPORT, "here", colour=True)


@pytest.mark.parametrize(
    ("terminal", "no_color", "colour"),
    [(True, None, True), (True, "1", False), (True, "", True), (False, None, False)],
)
def test_colour_is_for_a_terminal_and_for_who_wants_it(
    monkeypatch: pytest.MonkeyPatch, *, terminal: bool, no_color: str | None, colour: bool
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert doctor.colourful(terminal=terminal) is colour


@pytest.mark.parametrize(("state", "code"), [("ok", 0), ("warning", 0), ("failing", 1)])
def test_it_ends_by_how_things_stand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str, code: int
) -> None:
    class Examined:
        def examine(self) -> Report:
            return REPORT.evolve(state=State(state))

    monkeypatch.setattr(sys, "argv", ["doctor"])
    monkeypatch.setattr(doctor, "look_where_it_runs", lambda: "here")
    monkeypatch.setattr(doctor, "_examine", Examined)
    assert doctor.main() == code
    assert capsys.readouterr().out.startswith(state)


def test_redrive_knows_every_queue_that_has_dead_letters() -> None:
    names = [
        one["Properties"]["QueueName"]["Fn::Sub"]
        for one in RESOURCES.values()
        if one["Type"] == "AWS::SQS::Queue"
    ]
    alive = sorted(name for name in names if not name.endswith("-dead"))
    assert alive == [f"shoukuan-${{Stage}}-{queue}" for queue in redrive.QUEUES]
    assert sorted(names) == sorted([*alive, *(f"{name}-dead" for name in alive)])


@pytest.mark.parametrize("asked", ["", "everything", "commands-dead"])
def test_redrive_wants_a_queue_it_knows(asked: str) -> None:
    seen = run("local.redrive", QUEUE=asked)
    assert (seen.returncode, seen.stdout) == (2, "")
    for queue in (*redrive.QUEUES, "all"):
        assert f"QUEUE={queue}" in seen.stderr


@pytest.mark.parametrize("asked", [*redrive.QUEUES, "all"])
def test_redrive_moves_what_is_dead_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], asked: str
) -> None:
    monkeypatch.setenv("QUEUE", asked)
    monkeypatch.setattr(redrive, "look_where_it_runs", lambda: "here")
    with mock_aws():
        client: Any = get_session().create_client("sqs")
        for queue in redrive.QUEUES:
            for name in (queue, f"{queue}-dead"):
                client.create_queue(QueueName=f"shoukuan-local-{name}")
            dead = client.get_queue_url(QueueName=f"shoukuan-local-{queue}-dead")["QueueUrl"]
            client.send_message(QueueUrl=dead, MessageBody=queue)
        assert redrive.main() == 0
        moved = [queue for queue in redrive.QUEUES if waiting(client, queue)]
        left = [queue for queue in redrive.QUEUES if waiting(client, f"{queue}-dead")]
    wanted = list(redrive.QUEUES) if asked == "all" else [asked]
    assert moved == wanted
    assert left == [queue for queue in redrive.QUEUES if queue not in wanted]
    assert capsys.readouterr().out.count("1 messages of") == len(wanted)


def test_redrive_goes_on_with_the_others_when_a_queue_is_not_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUEUE", "all")
    monkeypatch.setattr(redrive, "look_where_it_runs", lambda: "here")
    with mock_aws():
        client: Any = get_session().create_client("sqs")
        for name in ("settlements", "settlements-dead"):
            client.create_queue(QueueName=f"shoukuan-local-{name}")
        assert redrive.main() == 1
    said = capsys.readouterr()
    assert "0 messages of settlements" in said.out
    assert said.err.count("can't be redriven") == 4


def waiting(client: Any, queue: str) -> bool:
    address = client.get_queue_url(QueueName=f"shoukuan-local-{queue}")["QueueUrl"]
    return bool(client.receive_message(QueueUrl=address).get("Messages"))
