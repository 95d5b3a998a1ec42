"""The outside, built once a process: database, queues, HTTP, clocks, randomness.

Everything a use case meets of the world comes through here, so that a test or a simulator can put
another world in its place by building the rooms' use cases with its own.

Each thing is imported where it is built: a function starts with what it uses, and this page is the
one door through which the libraries for the rest would come.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import SecretStr

from chalicelib.edge import observe
from chalicelib.kernel.clock import Clock, SystemClock, sleep
from chalicelib.settings import settings
from chalicelib.storage.keys import LOG, MAIN
from chalicelib.storage.secrets import Renewed, Vault, from_secrets_manager

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from procrastinate import App

    from chalicelib.edge.auth import Authenticator, Issuer, Sessions
    from chalicelib.edge.queue import ManyQueue
    from chalicelib.edge.watch import Watch
    from chalicelib.providers.port import Called
    from chalicelib.providers.transport import UrllibTransport
    from chalicelib.storage.batches import Batches
    from chalicelib.storage.commit import Commits, Effort
    from chalicelib.storage.lake import Lake
    from chalicelib.storage.table import Table

randomness = os.urandom
Built = TypeVar("Built")


@cache
def clock() -> Clock:
    """Return the machine's clock; in development its business time may be moved by a file."""
    path = settings().business_clock_file
    return SystemClock(moved_by(path)) if path else SystemClock()


@cache
def table() -> "Table":
    """Return DynamoDB, or the PostgreSQL that `STORAGE_URL` names."""
    configured = settings()
    if configured.storage_url is None:
        from chalicelib.storage.dynamo import DynamoTable, dynamodb_client

        names = {MAIN: configured.main_table, LOG: configured.log_table}
        return DynamoTable(dynamodb_client(), names)
    from chalicelib.storage.postgres.table import PostgresTable  # not in the zip

    return PostgresTable(
        secret(configured.storage_url),
        connections_max=configured.storage_connections_max,
        prepared=configured.storage_prepared,
    )


@cache
def commits() -> "Commits":
    """Return the way every verb commits."""
    from chalicelib.storage.commit import Commits

    return Commits(
        table=table(), clock=clock(), pause=sleep, randomness=randomness, tell=_tell_commit
    )


@cache
def transport() -> "UrllibTransport":
    """Return HTTP to strangers."""
    from chalicelib.providers.transport import UrllibTransport

    return UrllibTransport(clock())


@cache
def bookings_queue() -> "ManyQueue":
    """Return the queue of verified notifications that met a throttle."""
    return _queue(settings().bookings_queue)


@cache
def commands_queue() -> "ManyQueue":
    """Return the queue of work to be done with the outside world."""
    return _queue(settings().commands_queue)


@cache
def events_queue() -> "ManyQueue":
    """Return the queue of what happened."""
    return _queue(settings().events_queue)


@cache
def settlements_queue() -> "ManyQueue":
    """Return the queue of who is to be settled and paid."""
    return _queue(settings().settlements_queue)


@cache
def reconciliations_queue() -> "ManyQueue":
    """Return the queue of days that somebody wants reconciled."""
    return _queue(settings().reconciliations_queue)


@cache
def dead_letters() -> Mapping[str, Callable[[], int]]:
    """Return who counts each queue's dead letters, by the queue's short name."""
    configured = settings()
    named = {
        "bookings": configured.bookings_queue,
        "commands": configured.commands_queue,
        "events": configured.events_queue,
        "settlements": configured.settlements_queue,
        "reconciliations": configured.reconciliations_queue,
    }
    return {short: _queue(f"{name}-dead").count for short, name in named.items()}


def _queue(name: str) -> "ManyQueue":
    """Return a queue where the tables are: beside DynamoDB on SQS, else in the same PostgreSQL."""
    url = settings().storage_url
    if url is None:
        from chalicelib.edge.queue import SqsQueue

        return SqsQueue(_sqs(), name)
    from chalicelib.edge.pgqueue import PostgresQueue  # not in the zip

    return PostgresQueue(_door(secret(url)), name)


@cache
def _door(url: str) -> "App":
    from chalicelib.edge.pgqueue import connect  # not in the zip

    return connect(url)


@cache
def _sqs() -> "SQSClient":
    from chalicelib.edge.queue import sqs_client

    client: SQSClient = sqs_client()
    return client


@cache
def lake() -> "Lake":
    """Return the bucket of the numbered list's files."""
    from chalicelib.storage.lake import S3Lake, s3_client

    return S3Lake(s3_client(), settings().lake_bucket)


@cache
def documents() -> "Lake":
    """Return the bucket of what people hand in."""
    from chalicelib.storage.lake import S3Lake, s3_client

    return S3Lake(s3_client(), settings().documents_bucket)


@cache
def batches() -> "Batches":
    """Return the way many writes are made."""
    from chalicelib.storage.batches import Batches

    return Batches(table=table(), commits=commits())


@cache
def vault() -> Vault:
    """Return where secrets are revealed."""
    return Vault(from_secrets_manager, clock().monotonic)


def renewed(build: Callable[[], Built]) -> Renewed[Built]:
    """Build once, and once more when a secret in it has changed: `@cache` for what holds one."""
    return Renewed(build, vault)


def look_again() -> bool:
    """Look whether a secret has changed, since something did not verify; tell whether one has."""
    return vault().look_again()


@renewed
def sessions() -> "Sessions":
    """Return shoppers' sessions."""
    from chalicelib.edge.auth import Sessions

    configured = settings()
    return Sessions(
        secret(configured.session_key),
        previous=secret(configured.session_key_previous),
        clock=clock(),
        ttl_seconds=configured.session_ttl_seconds,
    )


@cache
def _issuer() -> "Issuer":
    from chalicelib.edge.auth import Issuer
    from chalicelib.edge.oidc import IssuerKeys

    configured = settings()
    keys = IssuerKeys(configured.oidc_issuer, fetch=_fetch, clock=clock())
    return Issuer(configured.oidc_issuer, configured.oidc_audience, keys=keys, clock=clock())


@renewed
def authenticator() -> "Authenticator":
    """Return who lets callers in."""
    from chalicelib.edge.auth import Authenticator

    return Authenticator(
        sessions=sessions(),
        issuer=_issuer(),
        sessions_anew=lambda: sessions() if look_again() else None,
    )


@cache
def watch() -> "Watch":
    """Return who stands at the door and counts."""
    from chalicelib.edge.limits import Limiter
    from chalicelib.edge.watch import Watch
    from chalicelib.storage.counters import Counters

    configured = settings()
    limiter = Limiter(
        counts=Counters(table(), randomness),
        clock=clock(),
        rates=configured.rate_limits,
        enabled=configured.rate_limits_enabled,
    )
    return Watch(limiter=limiter, trusted_proxies=configured.trusted_proxies)


def secret(value: SecretStr | str | None) -> str:
    """Return a secret setting in clear, fetched if it is only named; empty where there is none."""
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return vault().reveal(text or "")


def tell_call(provider: str, called: "Called") -> None:
    """Count what became of a call to a provider; one line, on record whatever comes after it."""
    tries = [asdict(one) for one in called.tries]
    facts = {"method": called.method, "route": called.route, "tries": tries}
    with observe.one_line(apart=True):
        observe.count("ProviderCall", provider=provider, fate=called.fate, facts=facts)
        took = called.milliseconds
        observe.measure("ProviderMilliseconds", took, provider=provider)


def _tell_commit(effort: "Effort") -> None:
    with observe.one_line():
        if effort.event:
            observe.count("Committed", event=effort.event)
        observe.measure("CommitAttempts", effort.attempts, unit=observe.Unit.COUNT)
        observe.measure("CommitMilliseconds", effort.milliseconds)
        if effort.conflicts:
            observe.count("CommitConflicts", times=effort.conflicts)
        if effort.throttles:
            observe.count("CommitThrottles", times=effort.throttles)
        if effort.silences:
            observe.count("CommitSilences", times=effort.silences)
        if effort.exhausted:
            observe.count("CommitExhausted")


def _fetch(address: str) -> bytes:
    """GET a public document, or raise `OSError`."""
    from chalicelib.providers.transport import NoAnswerError, NotSentError, Timeouts

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
