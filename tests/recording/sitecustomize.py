"""Writes down what each function asks of AWS; Python imports this where it is on the path.

    RECORDED_CALLS=folder PYTHONPATH=tests/recording python -m pytest tests/stories

The handlers of all functions share a few processes there. So each function gets its own of
everything that is built once a process, as it does on Lambda; else the first to need a secret or a
client would be the only one seen to ask for it.
"""

import contextvars
import functools
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

_FOLDER = os.environ.get("RECORDED_CALLS")
_FUNCTION: contextvars.ContextVar[str] = contextvars.ContextVar("function", default="")
_seen: set[str] = set()


def _write(service: str, operation: str, request: Any) -> None:
    said = json.dumps([_FUNCTION.get(), service, operation, request], default=str, sort_keys=True)
    if said not in _seen:
        _seen.add(said)
        with Path(f"{_FOLDER}/{os.getpid()}.jsonl").open("a") as lines:
            lines.write(said + "\n")


def _of_dynamodb(operation: str, request: dict[str, Any]) -> Any:
    """Keep tables, verbs and partitions, not what is written."""
    match operation:
        case "TransactWriteItems":
            return [
                [verb, one["TableName"], (one.get("Item") or one.get("Key"))["pk"]["S"]]
                for action in request["TransactItems"]
                for verb, one in action.items()
            ]
        case "BatchGetItem":
            return [
                [table, key["pk"]["S"]]
                for table, asked in request["RequestItems"].items()
                for key in asked["Keys"]
            ]
        case "BatchWriteItem":
            return [
                [table, (one.get("Item") or one.get("Key"))["pk"]["S"]]
                for table, asked in request["RequestItems"].items()
                for wanted in asked
                for one in wanted.values()
            ]
        case "Query":
            return [[request["TableName"], request["ExpressionAttributeValues"][":pk"]["S"]]]
        case _:
            return [[request["TableName"], request["Key"]["pk"]["S"]]]


def _told(service: str, operation: str, request: dict[str, Any]) -> Any:
    match service:
        case "dynamodb":
            return _of_dynamodb(operation, request)
        case "sqs":
            return request.get("QueueName") or request["QueueUrl"].rpartition("/")[2]
        case "s3":
            return [request["Bucket"], request.get("Key") or request.get("Prefix", "")]
        case _:
            return None


def _cache_of_each_function(function: Callable[..., Any]) -> Callable[..., Any]:
    kept: dict[str, Callable[..., Any]] = {}

    @functools.wraps(function)
    def asked(*given: Any, **named: Any) -> Any:
        own = kept.setdefault(_FUNCTION.get(), functools.lru_cache(maxsize=None)(function))
        return own(*given, **named)

    def cache_clear() -> None:
        kept.clear()

    _put(asked, "cache_clear", cache_clear)
    return asked


def _put(owner: Any, name: str, value: Any) -> None:
    """Put something in place of a library's own, for this process."""
    setattr(owner, name, value)


def _within(name: Callable[..., str], call: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(call)
    def named(self: Any, event: Any, context: Any) -> Any:
        token = _FUNCTION.set(name(self, event))
        try:
            return call(self, event, context)
        finally:
            _FUNCTION.reset(token)

    return named


def _record() -> None:
    _put(functools, "cache", _cache_of_each_function)
    from botocore import client  # noqa: PLC0415  only where something is recorded
    from chalice.app import Chalice, EventSourceHandler  # noqa: PLC0415
    from pydantic import SecretStr  # noqa: PLC0415

    ask: Callable[..., Any] = vars(client.BaseClient)["_make_api_call"]
    submit, reveal = ThreadPoolExecutor.submit, SecretStr.get_secret_value
    secrets = {text: name for name, text in os.environ.items()}

    def asked(self: Any, operation: str, request: dict[str, Any]) -> Any:
        service = self.meta.service_model.service_name
        if _FUNCTION.get():
            _write(service, operation, _told(service, operation, request))
        return ask(self, operation, request)

    def submitted(self: Any, call: Any, /, *given: Any, **named: Any) -> Any:
        return submit(self, contextvars.copy_context().run, call, *given, **named)

    def revealed(self: SecretStr) -> str:
        text = reveal(self)
        if _FUNCTION.get():
            _write("secretsmanager", "GetSecretValue", secrets.get(text, "unknown"))
        return text

    _put(client.BaseClient, "_make_api_call", asked)
    _put(ThreadPoolExecutor, "submit", submitted)
    _put(SecretStr, "get_secret_value", revealed)
    of_path = _within(lambda _app, event: f"API {event['resource']}", Chalice.__call__)
    _put(Chalice, "__call__", of_path)
    of_job = _within(lambda job, _event: str(job.func.__name__), EventSourceHandler.__call__)
    _put(EventSourceHandler, "__call__", of_job)


if _FOLDER:
    _record()
