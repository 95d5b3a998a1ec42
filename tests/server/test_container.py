"""What the image holds, run as the image runs it, as far as that goes without a container engine.

The locked packages alone in an environment of their own; the copied source, owned by another user
and not to be written; a user that is nobody; the compose file's environment. Only a container's
walls are not there: a root that is read-only, no capabilities, limits.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.emulator import free_port
from local.lifeline import ROOT
from local.postgres import Postgres
from local.stack import Stack, answers
from local.story import Story

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.emulator]

NOBODY = 65_534
SECONDS_MAX = 60
COMPOSE = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]


@dataclass
class Image:
    """A folder with the packages and the source, and what runs of it."""

    folder: Path
    told: dict[str, str]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def command(self, *words: str) -> list[str]:
        python = str(self.folder / "venv" / "bin" / "python")
        user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]
        drop = ["setpriv", *user, "--bounding-set=-all", "--"] if os.getuid() == 0 else []
        return [*drop, python, "-m", "server", *words]

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*words),
            env=self.told,
            cwd=self.folder / "app",
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )

    def start(self, name: str, **changes: str) -> str:
        told, log = self.told | changes, (self.folder / f"{name}.log").open("ab")
        command = self.command(*COMPOSE[name]["command"])
        with log:
            self.running[name] = subprocess.Popen(
                command, env=told, cwd=self.folder / "app", stdout=log, stderr=log
            )
        return f"http://127.0.0.1:{told['PORT']}"

    def ended(self, name: str) -> int:
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        return process.wait(SECONDS_MAX)

    def lines(self, name: str) -> list[Any]:
        """Return what a process said; every line of it is JSON."""
        text = (self.folder / f"{name}.log").read_text()
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A bucket and a gateway; its own API is not asked."""
    with Stack(tmp_path_factory.mktemp("house")) as running:
        yield running


@pytest.fixture(scope="module")
def image(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    folder = tmp_path_factory.mktemp("image")
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    pip = [str(folder / "venv" / "bin" / "pip"), "install", "-q", "--require-hashes"]
    wanted = ["--only-binary=:all:", "-r", "requirements/container.txt"]
    subprocess.run([*pip, *wanted], cwd=ROOT, check=True, timeout=300)
    leaving = [pip[0], "uninstall", "-q", "--yes", "pip", "setuptools", "wheel"]
    subprocess.run(leaving, check=True)
    (folder / "app").mkdir()
    for name in ("chalicelib", "server"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / "app" / name, ignore=ignored)
    shutil.copy(ROOT / "app.py", folder / "app")
    for path in (folder, *folder.parents):
        if path.is_relative_to("/tmp/"):  # noqa: S108  pytest's folders are for their owner alone
            path.chmod(path.stat().st_mode | 0o055)
    with Postgres() as postgres:
        opened = Image(folder, told_of(stack, postgres.create_database("container"), folder))
        yield opened
        for process in opened.running.values():
            process.kill()
            process.wait()


def told_of(stack: Stack, url: str, folder: Path) -> dict[str, str]:
    """Return the compose file's environment, with values where it names files of secrets."""
    named = COMPOSE["serve"]["environment"]
    house = stack.environment()
    secrets = {name: house.get(name, "") for name, text in named.items() if "/run/secrets" in text}
    del secrets["AWS_SHARED_CREDENTIALS_FILE"]
    plain = {name: text for name, text in named.items() if "/run/secrets" not in text}
    gateway = {
        name: text
        for name, text in house.items()
        if name.startswith(("WECHAT", "OIDC", "AWS_ACCESS", "AWS_SECRET"))
    }
    own = {"HOST": "127.0.0.1", "AWS_ENDPOINT_URL_S3": stack.aws, "STORAGE_URL": url}
    stage = {"STAGE": "local", "DEVELOPMENT_PAYEES": "true", "PATH": os.environ["PATH"]}
    image = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1", "HOME": "/nonexistent"}
    return gateway | secrets | plain | own | stage | image | {"PYTHONPATH": str(folder / "app")}


def wait_until_up(address: str) -> None:
    deadline = time.monotonic() + SECONDS_MAX
    while not answers(f"{address}/healthz"):
        assert time.monotonic() < deadline, "it does not come up"
        time.sleep(0.1)


def test_a_payment_is_played_in_what_the_image_holds(stack: Stack, image: Image) -> None:
    for _ in range(2):
        migrated = image.run(*COMPOSE["migrate"]["command"])
        assert migrated.returncode == 0, migrated.stdout + migrated.stderr
    ports = {name: str(free_port()) for name in ("serve", "work", "tick")}
    api = f"http://127.0.0.1:{ports['serve']}"
    image.told["PUBLIC_BASE_URL"] = api
    for name, port in ports.items():
        wait_until_up(image.start(name, PORT=port))
        assert answers(f"http://127.0.0.1:{port}/readyz"), name

    stack.api = api
    story = Story(stack)
    merchant_id = story.registered("山月茶庄")
    merchant, shopper = story.merchant(merchant_id), story.shopper("xiaoming")
    order = story.order(shopper, merchant_id, story.product(merchant, "茶", 1999, 10), 2)
    payment = story.payment(shopper, order["id"])
    assert story.paid(payment["id"]) == [204]
    assert story.shown(shopper, order["id"])["state"] == "paid"
    assert story.entries_in(merchant, merchant_id, kind="payment_captured"), "it was numbered"
    story.shipped(merchant, order["id"])
    story.close()

    image.told["PORT"] = str(free_port())
    assert image.run("tick", "--once").returncode == 0
    assert image.run("tick", "--once", "sweep_refunds", "sweep_payouts").returncode == 0
    assert image.run("tick", "--once", "no_such").returncode == 2
    assert image.run("check").returncode == 1, "nobody listens there"
    for name in ports:
        assert image.ended(name) == 0, name
        assert image.lines(name), "it says what it does"
    assert not list((image.folder / "app").rglob("__pycache__")), "nothing was written"
