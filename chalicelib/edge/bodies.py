"""Reading what strangers send: strict JSON, and every wrong field named at once."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from chalicelib.edge.problems import BodyTooLargeError, UnsupportedMediaTypeError
from chalicelib.kernel.errors import InvalidBodyError
from chalicelib.kernel.strict_json import NotStrictJsonError, read_object

BODY_BYTES_MAX = 256 * 1024
_ERRORS_MAX = 100  # beyond these a body is not a mistake; the answer stays small
_FIELD_CHARACTERS_MAX = 200

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
        raise InvalidBodyError("some fields are wrong", **_listed(_wrong_fields(error))) from None


def read_query(model: type[Model], parameters: Mapping[str, Sequence[str]]) -> Model:
    """Read query parameters, which are all text and each given once, into a model."""
    wrong = [
        {"field": name, "reason": "given more than once"}
        for name, values in parameters.items()
        if len(values) > 1
    ]
    try:
        query = model.model_validate_strings(
            {name: values[-1] for name, values in parameters.items() if values}
        )
    except ValidationError as error:
        wrong += _wrong_fields(error)
    if wrong:
        raise InvalidQueryError("some parameters are wrong", **_listed(wrong))
    return query


def _wrong_fields(error: ValidationError) -> list[dict[str, str]]:
    return [
        {"field": ".".join(str(part) for part in wrong["loc"]), "reason": wrong["msg"]}
        for wrong in error.errors(include_url=False, include_context=False, include_input=False)
    ]


def _listed(wrong: list[dict[str, str]]) -> dict[str, Any]:
    """Return the facts of a refusal: what is wrong, and how much more of it there is."""
    errors = [one | {"field": one["field"][:_FIELD_CHARACTERS_MAX]} for one in wrong[:_ERRORS_MAX]]
    more = len(wrong) - len(errors)
    return {"errors": errors} | ({"more_errors": more} if more else {})
