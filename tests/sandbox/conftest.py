"""One set of keys for all, a sandbox on a free port for each."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from threading import enumerate as living

import pytest

from local.sandbox import SandboxKeys, build, serve
from tests.sandbox.daybook import paid, paid_to_sub, refund, share, transfer
from tests.sandbox.shop import Clock, Mailbox, Shop

RETRIES = tuple(timedelta(milliseconds=step) for step in (10, 10, 20))


@pytest.fixture(scope="session")
def keys() -> SandboxKeys:
    return SandboxKeys.generate(datetime.now(UTC))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    box = Mailbox()
    yield box
    box.close()


@pytest.fixture
def shop(keys: SandboxKeys, clock: Clock, mailbox: Mailbox) -> Iterator[Shop]:
    """A shop before a running sandbox; both see the same clock."""
    before = set(living())
    server, address = serve(build(keys, now=clock, retries=RETRIES))
    shop = Shop(keys, address, clock, mailbox.url)
    yield shop
    shop.pool.clear()
    server.stop()
    left = {thread.name for thread in set(living()) - before if thread.is_alive()}
    assert not {name for name in left if not name.startswith("Thread-")}, left


@pytest.fixture
def day(shop: Shop, clock: Clock) -> Shop:
    """A day with two of everything, over."""
    shop.control("settings", fee_basis_points=100)
    for number in ("1", "2"):
        paid(shop, f"order_{number}")
        refund(shop, f"order_{number}", f"refund_{number}", 300)
    for number in ("1", "2"):
        share(shop, paid_to_sub(shop, f"sub_order_{number}"), f"split_{number}", {"m1": 100})
    transfer(shop, "transfer1", "confirmed")
    clock.forward(days=1)
    return shop
