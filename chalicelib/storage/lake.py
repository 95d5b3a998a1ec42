"""The lake: a bucket of files that are written once, for analysis and for rebuilding."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import aws
from chalicelib.kernel.errors import TryAgainError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class LakeUnavailableError(TryAgainError):
    """The bucket did not take or give a file."""

    code = "lake_unavailable"


class Lake(Protocol):
    """Files by name; a name is written again only with the same bytes."""

    def put(self, name: str, body: bytes) -> None:
        """Keep a file, or raise `LakeUnavailableError`."""

    def put_file(self, name: str, file: BinaryIO) -> None:
        """Keep a file of any size, read from its beginning, or raise `LakeUnavailableError`."""

    def get(self, name: str) -> bytes:
        """Return a file's bytes, or raise `LakeUnavailableError` or `KeyError`."""

    def names(self, prefix: str) -> Iterator[str]:
        """Return the names that begin so, in their order, or raise `LakeUnavailableError`."""


def s3_client() -> Any:
    """Build a client with short timeouts; addresses come by environment."""
    return aws.client(
        "s3", connect_timeout=0.5, read_timeout=5.0, retries={"total_max_attempts": 3}
    )


class S3Lake:
    """The lake on S3."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, name: str, body: bytes) -> None:
        """Keep a file, or raise `LakeUnavailableError`."""
        try:
            self._client.put_object(Bucket=self._bucket, Key=name, Body=body)
        except (BotoCoreError, ClientError) as error:
            raise LakeUnavailableError("the lake did not take it; try again") from error

    def put_file(self, name: str, file: BinaryIO) -> None:
        """Keep a file of any size, read from its beginning, or raise `LakeUnavailableError`."""
        file.seek(0)
        try:
            self._client.put_object(Bucket=self._bucket, Key=name, Body=file)
        except (BotoCoreError, ClientError) as error:
            raise LakeUnavailableError("the lake did not take it; try again") from error

    def get(self, name: str) -> bytes:
        """Return a file's bytes, or raise `LakeUnavailableError` or `KeyError`."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchKey":
                raise KeyError(name) from None
            raise LakeUnavailableError("the lake did not give it; try again") from error
        except BotoCoreError as error:
            raise LakeUnavailableError("the lake did not give it; try again") from error

    def names(self, prefix: str) -> Iterator[str]:
        """Return the names that begin so, in their order, or raise `LakeUnavailableError`."""
        pages = self._client.get_paginator("list_objects_v2")
        try:
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                yield from (found["Key"] for found in page.get("Contents", []))
        except (BotoCoreError, ClientError) as error:
            raise LakeUnavailableError("the lake did not list it; try again") from error
