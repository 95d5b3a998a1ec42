"""HTTP as the sandbox sees it: a request with its exact bytes, an answer, a table of routes."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, unquote
from wsgiref.types import WSGIEnvironment

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html; charset=utf-8"
ABSOLUTE = re.compile(r"^https?://[^/]*")  # how a client behind a proxy spells a target


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; header names are in lower case."""

    method: str
    target: str  # path and query exactly as sent: a signature covers these bytes
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]
    body: bytes
    remote: str

    @classmethod
    def from_environ(cls, environ: WSGIEnvironment) -> Self:
        """Read a request from its WSGI environment."""
        target = ABSOLUTE.sub("", environ["REQUEST_URI"])
        path, _, query = target.partition("?")
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name in {"CONTENT_TYPE", "CONTENT_LENGTH"}
        }
        return cls(
            method=environ["REQUEST_METHOD"],
            target=target,
            path=unquote(path),
            query=tuple(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=environ["wsgi.input"].read(),
            remote=environ["REMOTE_ADDR"],
        )

    def header(self, name: str) -> str:
        """Return a header's value, empty when absent."""
        return self.headers.get(name.lower(), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def adding(self, headers: Mapping[str, str]) -> "Answer":
        """Return this answer with more headers."""
        return Answer(self.status, self.body, {**self.headers, **headers})

    @property
    def status_line(self) -> str:
        """Spell the status as WSGI wants it."""
        return f"{self.status} {HTTPStatus(self.status).phrase}"


def compact(value: Any) -> bytes:
    """Spell JSON once: the bytes that are signed are the bytes that are sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def json_answer(status: int, value: Any) -> Answer:
    """Answer with JSON."""
    return Answer(status, compact(value), {"Content-Type": JSON_TYPE})


class RefusalError(Exception):
    """A request refused in WeChat Pay's words: `{"code", "message", "detail"}`."""

    def __init__(self, status: int, code: str, message: str, **detail: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.detail = status, code, message, detail

    def answer(self) -> Answer:
        """Spell the refusal as an answer."""
        shape = {"code": self.code, "message": self.message}
        return json_answer(self.status, shape | ({"detail": self.detail} if self.detail else {}))


def param_error(
    name: str, issue: str, *, value: Any = None, location: str = "body"
) -> RefusalError:
    """Refuse one wrong parameter, naming it."""
    facts = {"field": name, "issue": issue, "location": location}
    if value is not None:
        facts["value"] = value
    return RefusalError(400, "PARAM_ERROR", f"参数错误：{issue}", **facts)


def strict_json(body: bytes) -> Any:
    """Read JSON about which no two parsers can disagree: no duplicate keys, no NaN."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        if len(set(keys)) < len(keys):
            raise ValueError("a key occurs twice")
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(body.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise param_error("", f"body is not valid JSON: {error}") from error


Handler = Callable[..., Answer]


class Routes:
    """A table of `METHOD /path/{name}` → handler; a handler gets the request and the names."""

    def __init__(self, table: Mapping[str, Handler]) -> None:
        self._table: list[tuple[str, re.Pattern[str], Handler]] = []
        for key, handler in table.items():
            method, path = key.split(" ")
            pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
            self._table.append((method, re.compile(pattern), handler))

    def find(self, request: Request) -> Callable[[], Answer]:
        """Return the bound handler, or refuse with 404 or 405."""
        allowed: list[str] = []
        for method, pattern, handler in self._table:
            if not (match := pattern.fullmatch(request.path)):
                continue
            if method == request.method:
                return partial(handler, request, **match.groupdict())
            allowed.append(method)
        if allowed:
            return lambda: _not_allowed(allowed)
        raise RefusalError(404, "RESOURCE_NOT_EXISTS", "没有这个接口", path=request.path)


def _not_allowed(allowed: list[str]) -> Answer:
    refusal = RefusalError(405, "METHOD_NOT_ALLOWED", "请求方法不对", allowed=allowed)
    return refusal.answer().adding({"Allow": ", ".join(allowed)})
