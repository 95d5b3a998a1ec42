"""Reading what strangers send: strict JSON, and every wrong field named at once."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from chalicelib.edge.problems import BodyTooLargeError, UnsupportedMediaTypeError
from chalicelib.kernel.errors import InvalidBodyError
from chalicelib.kernel.strict_json import NotStrictJsonError, read_object

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
    try:
        # One reading only, whatever the parser; a fraction is refused below, with its field.
        read_object(raw, bytes_max=BODY_BYTES_MAX, fractions=True)
        return model.model_validate_json(raw)
    except NotStrictJsonError as error:
        errors = [{"field": "", "reason": str(error)}]
        raise InvalidBodyError("the body can't be read", errors=errors) from None
    except ValidationError as error:
        raise InvalidBodyError("some fields are wrong", errors=_wrong_fields(error)) from None


def read_query(model: type[Model], parameters: Mapping[str, str]) -> Model:
    """Read query parameters, which are all text, into a model."""
    try:
        return model.model_validate_strings(dict(parameters))
    except ValidationError as error:
        raise InvalidQueryError("some parameters are wrong", errors=_wrong_fields(error)) from None


def _wrong_fields(error: ValidationError) -> list[dict[str, str]]:
    return [
        {"field": ".".join(str(part) for part in wrong["loc"]), "reason": wrong["msg"]}
        for wrong in error.errors(include_url=False, include_context=False, include_input=False)
    ]
