"""The page that says who answers where is what the rooms declare."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from chalicelib.directory import NOTIFIED, doors, routes
from chalicelib.front import APIS

ROOT = Path(__file__).parent.parent.parent
PROBE = """
import json, sys
from app import app
from chalice.test import Client
served = sorted(f"{method} {path}" for path, methods in app.routes.items() for method in methods)
before = sorted(name for name in sys.modules if name.startswith("chalicelib."))
with Client(app) as client:
    answer = client.http.get(sys.argv[1]) if sys.argv[1:] else None
print(json.dumps([served, before, answer and [answer.status_code, answer.json_body]]))
"""


def probed(part: str | None, *asked: str) -> list[object]:
    environment = {name: value for name, value in os.environ.items() if name != "API_PART"}
    if part is not None:
        environment["API_PART"] = part
    told = subprocess.run(
        [sys.executable, "-c", PROBE, *asked],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=environment,
    )
    answer: list[object] = json.loads(told.stdout.splitlines()[-1])
    return answer


def test_the_directory_is_what_the_rooms_declare() -> None:
    declared = {
        (api.name.split(".")[1], operation.method, operation.path)
        for api in APIS
        for operation in api.operations
    }
    assert set(routes()) == declared
    assert len(list(routes())) == len(declared)


def test_each_part_serves_its_own_routes_and_together_they_serve_all() -> None:
    everything, _, _ = probed(None)
    notifications, _, _ = probed("notifications")
    rooms, _, _ = probed("rooms")
    assert isinstance(notifications, list)
    assert isinstance(rooms, list)
    assert sorted(notifications + rooms) == everything
    assert all(NOTIFIED in route for route in notifications)


def test_no_room_is_entered_before_somebody_asks() -> None:
    _, loaded, _ = probed("rooms")
    assert isinstance(loaded, list)
    assert {str(name).split(".")[1] for name in loaded} <= {"directory", "edge", "kernel"}


def test_behind_a_door_its_room_answers() -> None:
    _, _, answer = probed("rooms", "/healthz")
    assert answer == [200, {"status": "ok"}]


def test_there_is_no_third_part() -> None:
    with pytest.raises(AssertionError, match="no part"):
        doors("kitchen")
