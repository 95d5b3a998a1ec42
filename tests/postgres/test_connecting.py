"""Connections are opened soon again after a mute network, and among many files."""

import os
import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic

import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from chalicelib.storage.postgres.table import PostgresTable
from chalicelib.storage.table import StoreThrottledError
from chalicelib.storage.values import Key

SOMETHING = Key("house", "a", "b")
BEYOND_SELECT = 1_100
SOON_SECONDS = 5.0


@contextmanager
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, hard), hard))
    with ExitStack() as files:
        files.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        for _ in range(BEYOND_SELECT):
            files.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        yield


def test_a_process_may_have_many_files_open(postgres_url: str) -> None:
    table = PostgresTable(postgres_url)
    with many_files():
        assert table.get(SOMETHING) is None
        assert table.get(SOMETHING) is None
    table.close()


def test_a_connect_that_nobody_answered_blocks_later_ones_for_seconds_only(
    postgres_url: str,
) -> None:
    """A mute host stands first in the address: it takes connections and never says a word."""
    told = conninfo_to_dict(postgres_url)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        hosts = {"host": "127.0.0.1,127.0.0.1", "port": f"{mute.getsockname()[1]},{told['port']}"}
        table = PostgresTable(make_conninfo(postgres_url, **hosts))
        began = monotonic()
        while True:
            try:
                assert table.get(SOMETHING) is None
                break
            except StoreThrottledError:
                if monotonic() - began > SOON_SECONDS:
                    pytest.fail("still behind the connect that nobody answered")
        table.close()
