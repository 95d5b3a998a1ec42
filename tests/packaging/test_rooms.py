"""A function starts with what it uses: the rooms that each entry enters, in a fresh process."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from chalicelib import hearing
from local.packaging.functions import FUNCTIONS

ROOT = Path(__file__).parent.parent.parent
PROBE = """
import importlib, sys
importlib.import_module(sys.argv[1])
loaded = [name.split(".") for name in sys.modules if name.startswith("chalicelib.")]
for kind in ("wiring", "usecases"):
    print(" ".join(sorted({name[1] for name in loaded if name[2:3] == [kind]})))
heavy = ("joserfc", "pydantic_settings", "boto3", "requests")
print(" ".join(name for name in heavy if name in sys.modules))
"""

ENTRIES = {
    "app": ("", ""),
    "chalicelib.hearing": ("", ""),
    "chalicelib.commands": ("", ""),
    "chalicelib.books.jobs": ("books", "books orders settlement"),
    "chalicelib.complaints.jobs": ("complaints", "complaints disputes escrow refunds"),
    "chalicelib.delivery.jobs": ("delivery", "delivery escrow"),
    "chalicelib.disputes.jobs": ("disputes", "disputes escrow refunds"),
    "chalicelib.escrow.jobs": ("escrow", "escrow"),
    "chalicelib.health.jobs": ("health", "health"),
    "chalicelib.orders.jobs": ("orders", "orders"),
    "chalicelib.payments.jobs": ("payments", "payments"),
    "chalicelib.reconciliation.jobs": (
        "payments reconciliation refunds settlement",
        "payments reconciliation refunds settlement",
    ),
    "chalicelib.refunds.jobs": ("refunds", "refunds"),
    "chalicelib.settlement.jobs": ("settlement", "settlement"),
}
"""Whose wiring an entry loads, and whose use cases: its own room's, and those it is made of."""


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_enters_its_own_room(entry: str) -> None:
    entered, heavy = started(entry, "rooms")
    assert entered == ENTRIES[entry]
    assert heavy == "", "a library that this function does not need"


def test_a_notification_enters_the_room_that_all_of_them_pass() -> None:
    assert started("app", "notifications") == (("payments", "payments"), "")


def started(entry: str, part: str) -> tuple[tuple[str, str], str]:
    """Import an entry in a fresh process; return whom it entered, and what it should not load."""
    told = subprocess.run(
        [sys.executable, "-c", PROBE, entry],
        check=True,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"API_PART": part},
    )
    wired, used, heavy = told.stdout.splitlines()
    return (wired, used), heavy


def test_every_functions_entry_is_looked_at(
    resources: dict[str, dict[str, dict[str, str]]],
) -> None:
    handlers = {resources[name]["Properties"]["Handler"] for name in FUNCTIONS}
    assert {handler.rpartition(".")[0] for handler in handlers} == ENTRIES.keys()


def test_to_what_a_room_listens_is_what_it_says() -> None:
    told = {room: set(import_module(f"chalicelib.{room}.model").HEARD) for room in hearing.HEARD_BY}
    assert told == hearing.HEARD_BY


def test_there_is_no_room_of_another_name() -> None:
    with pytest.raises(AssertionError, match="kitchen"):
        hearing.listener("kitchen")
