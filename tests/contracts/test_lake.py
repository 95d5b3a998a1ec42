"""What a lake promises: one suite on the fake, on moto and on the embedded AWS."""

import itertools
import os
from collections.abc import Iterator

import botocore.exceptions
import pytest
from moto import mock_aws

from chalicelib.storage.lake import Lake, LakeUnavailableError, S3Lake, s3_client
from tests.conftest import ENGINES
from tests.fakes.lake import MemoryLake

_numbers = itertools.count(1)


@pytest.fixture(params=ENGINES)
def lake(request: pytest.FixtureRequest) -> Iterator[Lake]:
    """An empty lake on every engine."""
    match request.param:
        case "memory":
            yield MemoryLake()
        case "moto":
            with mock_aws():
                yield s3_lake()
        case _:
            request.getfixturevalue("emulator_client")
            yield s3_lake()


def s3_lake() -> S3Lake:
    client, name = s3_client(), f"lake-{os.getpid()}-{next(_numbers)}"
    client.create_bucket(Bucket=name)
    return S3Lake(client, name)


def test_a_file_comes_back_as_it_was_put_and_may_be_put_again(lake: Lake) -> None:
    for _ in range(2):
        lake.put("log/day=2026-11-24/1.jsonl", "一行\n".encode())
    assert lake.get("log/day=2026-11-24/1.jsonl") == "一行\n".encode()
    with pytest.raises(KeyError):
        lake.get("log/none")


def test_names_come_in_order_and_by_their_beginning(lake: Lake) -> None:
    for name in ("b/2", "a/3", "b/1", "c/1"):
        lake.put(name, b"x")
    assert list(lake.names("b/")) == ["b/1", "b/2"]
    assert list(lake.names("nothing")) == []


def test_more_names_than_a_page_holds() -> None:
    with mock_aws():
        lake = s3_lake()
        for number in range(1_005):
            lake.put(f"n/{number:04d}", b"")
        assert len(list(lake.names("n/"))) == 1_005


def test_a_lake_that_is_away_says_try_again() -> None:
    with mock_aws():
        lake = S3Lake(s3_client(), "no-such-bucket")
        for call in (
            lambda: lake.put("a", b""),
            lambda: lake.get("a"),
            lambda: list(lake.names("a")),
        ):
            with pytest.raises(LakeUnavailableError) as raised:
                call()
            assert isinstance(raised.value.__cause__, botocore.exceptions.ClientError)
