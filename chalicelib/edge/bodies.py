"""Reading what strangers send: strict JSON, and every wrong field named at once."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chalicelib.edge.problems import BodyTooLargeError, UnsupportedMediaTypeError
from chalicelib.kernel.errors import InvalidBodyError

BODY_BYTES_MAX = 256 * 1024

Model = TypeVar("Model", bound=BaseModel)


class InvalidQueryError(InvalidBodyError):
    """The query can't be read; `errors` lists every wrong parameter."""

    code = "invalid_query"


def read_body(model: type[Model], raw: bytes, content_type: str) -> Model:
    """Read a JSON body into a model, or raise listing every wrong field."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaTypeError("send the body as application/json")
    if len(raw) > BODY_BYTES_MAX:
        raise BodyTooLargeError("the body is too long", bytes_max=BODY_BYTES_MAX)
    _refuse_ambiguous(raw)
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        raise InvalidBodyError("some fields are wrong", errors=_wrong_fields(error)) from None


def read_query(model: type[Model], parameters: Mapping[str, str]) -> Model:
    """Read query parameters, which are all text, into a model."""
    try:
        return model.model_validate_strings(dict(parameters))
    except ValidationError as error:
        raise InvalidQueryError("some parameters are wrong", errors=_wrong_fields(error)) from None


def _refuse_ambiguous(raw: bytes) -> None:
    """Refuse what parsers disagree about: repeated keys, NaN, what is no object, odd encodings."""
    try:
        parsed = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _AmbiguousError) else "it is not JSON in UTF-8"
        raise _wrong_whole(reason) from None
    if not isinstance(parsed, dict):
        raise _wrong_whole("it is not an object")


class _AmbiguousError(ValueError):
    """A text that two parsers would read differently."""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise _AmbiguousError("a key is there twice")
    return read


def _refuse_constant(word: str) -> Any:
    raise _AmbiguousError(f"{word} is no JSON")


def _wrong_whole(reason: str) -> InvalidBodyError:
    return InvalidBodyError("the body can't be read", errors=[{"field": "", "reason": reason}])


def _wrong_fields(error: ValidationError) -> list[dict[str, str]]:
    return [
        {"field": ".".join(str(part) for part in wrong["loc"]), "reason": wrong["msg"]}
        for wrong in error.errors(include_url=False, include_context=False, include_input=False)
    ]
