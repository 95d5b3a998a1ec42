"""The outside, built once a process: database, queues, HTTP, clocks, randomness.

Everything a use case meets of the world comes through here, so that a test or a simulator can put
another world in its place by building the rooms' use cases with its own.
"""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path

from pydantic import SecretStr

from chalicelib.edge import observe
from chalicelib.edge.auth import Authenticator, Issuer, Sessions
from chalicelib.edge.limits import Limiter
from chalicelib.edge.oidc import IssuerKeys
from chalicelib.edge.queue import SqsQueue, sqs_client
from chalicelib.edge.watch import Watch
from chalicelib.kernel.clock import Clock, SystemClock, sleep
from chalicelib.providers.port import Fate
from chalicelib.providers.transport import (
    NoAnswerError,
    NotSentError,
    Timeouts,
    UrllibTransport,
)
from chalicelib.settings import settings
from chalicelib.storage.batches import Batches
from chalicelib.storage.commit import Commits
from chalicelib.storage.counters import Counters
from chalicelib.storage.dynamo import DynamoTable, dynamodb_client
from chalicelib.storage.keys import LOG, MAIN
from chalicelib.storage.lake import Lake, S3Lake, s3_client
from chalicelib.storage.secrets import revealed
from chalicelib.storage.table import Table

randomness = os.urandom


@cache
def clock() -> Clock:
    """Return the machine's clock; in development its business time may be moved by a file."""
    path = settings().business_clock_file
    return SystemClock(moved_by(path)) if path else SystemClock()


@cache
def table() -> Table:
    """Return DynamoDB."""
    names = {MAIN: settings().main_table, LOG: settings().log_table}
    return DynamoTable(dynamodb_client(), names)


@cache
def commits() -> Commits:
    """Return the way every verb commits."""
    return Commits(
        table=table(), clock=clock(), pause=sleep, randomness=randomness, tell=_tell_committed
    )


@cache
def transport() -> UrllibTransport:
    """Return HTTP to strangers."""
    return UrllibTransport(clock())


@cache
def bookings_queue() -> SqsQueue:
    """Return the queue of verified notifications that met a throttle."""
    return SqsQueue(sqs_client(), settings().bookings_queue)


@cache
def commands_queue() -> SqsQueue:
    """Return the queue of work to be done with the outside world."""
    return SqsQueue(sqs_client(), settings().commands_queue)


@cache
def events_queue() -> SqsQueue:
    """Return the queue of what happened."""
    return SqsQueue(sqs_client(), settings().events_queue)


@cache
def settlements_queue() -> SqsQueue:
    """Return the queue of who is to be settled and paid."""
    return SqsQueue(sqs_client(), settings().settlements_queue)


@cache
def reconciliations_queue() -> SqsQueue:
    """Return the queue of days that somebody wants reconciled."""
    return SqsQueue(sqs_client(), settings().reconciliations_queue)


@cache
def dead_letters() -> Mapping[str, Callable[[], int]]:
    """Return who counts each queue's dead letters, by the queue's short name."""
    configured, client = settings(), sqs_client()
    named = {
        "bookings": configured.bookings_queue,
        "commands": configured.commands_queue,
        "events": configured.events_queue,
        "settlements": configured.settlements_queue,
        "reconciliations": configured.reconciliations_queue,
    }
    return {short: SqsQueue(client, f"{name}-dead").count for short, name in named.items()}


@cache
def lake() -> Lake:
    """Return the bucket of the numbered list's files."""
    return S3Lake(s3_client(), settings().lake_bucket)


@cache
def documents() -> Lake:
    """Return the bucket of what people hand in."""
    return S3Lake(s3_client(), settings().documents_bucket)


@cache
def batches() -> Batches:
    """Return the way many writes are made."""
    return Batches(table=table(), commits=commits())


@cache
def sessions() -> Sessions:
    """Return shoppers' sessions."""
    configured = settings()
    return Sessions(
        secret(configured.session_key), clock=clock(), ttl_seconds=configured.session_ttl_seconds
    )


@cache
def authenticator() -> Authenticator:
    """Return who lets callers in."""
    configured = settings()
    keys = IssuerKeys(configured.oidc_issuer, fetch=_fetch, clock=clock())
    issuer = Issuer(configured.oidc_issuer, configured.oidc_audience, keys=keys, clock=clock())
    return Authenticator(sessions=sessions(), issuer=issuer)


@cache
def watch() -> Watch:
    """Return who stands at the door and counts."""
    configured = settings()
    limiter = Limiter(
        counts=Counters(table(), randomness),
        clock=clock(),
        rates=configured.rate_limits,
        enabled=configured.rate_limits_enabled,
    )
    return Watch(limiter=limiter, trusted_proxies=configured.trusted_proxies)


def secret(value: SecretStr) -> str:
    """Return a secret setting in clear, fetched if it is only named."""
    return revealed(value.get_secret_value())


def tell_fate(provider: str, fate: Fate) -> None:
    """Count what became of a call to a provider."""
    observe.count("ProviderCall", provider=provider, fate=fate)


def _tell_committed(event: str) -> None:
    observe.count("Committed", event=event)


def _fetch(address: str) -> bytes:
    """GET a public document, or raise `OSError`."""
    try:
        answer = transport().send(
            "GET", address, {"Accept": "application/json"}, b"", Timeouts().within(3)
        )
    except (NotSentError, NoAnswerError) as error:
        raise OSError(str(error)) from None
    if answer.status != HTTPStatus.OK:
        raise OSError(f"answered {answer.status}")
    return answer.body


def moved_by(path: Path) -> Callable[[], timedelta]:
    """Read seconds from a file, again whenever it changes; no file is no offset."""
    seen: tuple[int, timedelta] = (-1, timedelta())

    def offset() -> timedelta:
        nonlocal seen
        try:
            changed = path.stat().st_mtime_ns
            if changed != seen[0]:
                seen = (changed, timedelta(seconds=int(path.read_text() or "0")))
        except (FileNotFoundError, ValueError):
            return timedelta()
        return seen[1]

    return offset
