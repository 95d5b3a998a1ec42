"""The document: written from the declarations, the same every time, and true."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field

from chalicelib.edge.auth import Authenticator
from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Answer, Api, Call
from chalicelib.edge.openapi import document
from chalicelib.edge.pages import Page
from chalicelib.front import APIS
from chalicelib.kernel.errors import Kind, PlatformError
from chalicelib.kernel.money import Money


class Colour(BaseModel):
    """A colour, as the first room knows it."""

    name: str = Field(examples=["青"])


def namesake() -> type[BaseModel]:
    class Colour(BaseModel):
        """A colour, as another room knows it."""

        red: int

    return Colour


class Paint(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    colour: Colour
    price: Money
    coats: int = 1


class Find(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: Kind | None = None
    limit: int = Field(default=20, ge=1)


class PaintIsWetError(PlatformError):
    kind = Kind.CONFLICT
    code = "paint_is_wet"


class PaintIsDryingError(PlatformError):
    kind = Kind.UNKNOWN_OUTCOME
    code = "paint_is_drying"


def nobody() -> Authenticator:
    raise AssertionError("nobody is asked")


OtherColour = namesake()
one = Api("tests.one", authenticator=nobody)
two = Api("tests.two", authenticator=nobody)


@two.post(
    "/walls/{wall}",
    scopes=[Scope.MERCHANT],
    body=Paint,
    answer=Colour,
    status=201,
    also=[202],
    idempotent=True,
    refusals=[PaintIsWetError, PaintIsDryingError],
)
def paint(_call: Call, wall: str, body: Paint) -> Colour | Answer:
    """Paint a wall.

    More about it.
    """
    raise AssertionError("it is described, and never called")


@one.get("/walls", query=Find, answer=Page[Colour])
def walls(_call: Call, query: Find) -> Page[Colour]:
    """List walls."""
    raise AssertionError("it is described, and never called")


@one.get("/other", answer=OtherColour)
def other(_call: Call) -> Any:
    """Show the other colour."""
    raise AssertionError("it is described, and never called")


@one.post("/told", raw=True, status=204)
def told(_call: Call) -> None:
    """Hear bytes."""
    raise AssertionError("it is described, and never called")


@pytest.fixture
def described() -> dict[str, Any]:
    return document([one, two], title="Walls", version="1")


def parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner)


def schema_of(described: dict[str, Any], content: Any) -> dict[str, Any]:
    reference = content["application/json"]["schema"]["$ref"]
    found: dict[str, Any] = described["components"]["schemas"][reference.rpartition("/")[2]]
    return found


def test_it_is_the_same_in_whatever_order_the_rooms_come(described: dict[str, Any]) -> None:
    again = document([two, one], title="Walls", version="1")
    assert json.dumps(described) == json.dumps(again)
    assert list(described["paths"]) == ["/other", "/told", "/walls", "/walls/{wall}"]


def test_a_route_is_described_whole(described: dict[str, Any]) -> None:
    operation = described["paths"]["/walls/{wall}"]["post"]
    assert operation["summary"] == "Paint a wall."
    assert (operation["security"], operation["x-scopes"]) == ([{"bearer": []}], ["merchant"])
    assert [(one["in"], one["name"]) for one in operation["parameters"]] == [
        ("path", "wall"),
        ("header", "Idempotency-Key"),
    ]
    body = schema_of(described, operation["requestBody"]["content"])
    assert (set(body["properties"]), set(body["required"])) == (
        {"colour", "price", "coats"},
        {"colour", "price"},
    )
    assert body["additionalProperties"] is False


def test_refusals_are_listed_by_code_the_usual_ones_too(described: dict[str, Any]) -> None:
    responses = described["paths"]["/walls/{wall}"]["post"]["responses"]
    assert {status: set(of.get("x-codes", ())) for status, of in responses.items()} == {
        "201": set(),
        "202": {"paint_is_drying"},
        "400": {"idempotency_key_required", "invalid_body", "invalid_id"},
        "401": {"unauthenticated"},
        "403": {"forbidden"},
        "409": {"paint_is_wet"},
        "413": {"body_too_large"},
        "414": {"address_too_long"},
        "415": {"unsupported_media_type"},
        "422": {"idempotency_key_reused"},
        "429": {"too_many_requests"},
        "431": {"headers_too_large"},
        "503": {"issuer_unreachable", "try_again"},
    }
    assert set(responses["202"]["content"]) == {"application/json", "application/problem+json"}
    assert "code" in described["components"]["schemas"]["Problem"]["required"]


def test_open_routes_ask_for_no_token(described: dict[str, Any]) -> None:
    operation = described["paths"]["/walls"]["get"]
    assert "security" not in operation
    assert set(operation["responses"]) == {"200", "400", "413", "414", "431", "503"}
    raw = described["paths"]["/told"]["post"]
    assert raw["requestBody"]["content"] == {"*/*": {}}
    assert "content" not in raw["responses"]["204"]


def test_query_parameters_stand_on_their_own(described: dict[str, Any]) -> None:
    kind, limit = described["paths"]["/walls"]["get"]["parameters"]
    assert (kind["name"], kind["in"], kind["required"]) == ("kind", "query", False)
    assert "conflict" in kind["schema"]["anyOf"][0]["enum"]
    assert (limit["schema"]["minimum"], limit["schema"]["default"]) == (1, 20)


def test_namesakes_are_told_apart(described: dict[str, Any]) -> None:
    shown = [
        schema_of(described, described["paths"][path][method]["responses"][status]["content"])
        for path, method, status in [("/other", "get", "200"), ("/walls/{wall}", "post", "201")]
    ]
    assert [set(schema["properties"]) for schema in shown] == [{"red"}, {"name"}]
    assert shown[1]["properties"]["name"]["examples"] == ["青"]


def house() -> dict[str, Any]:
    return document(APIS, title="House", version="1")


@pytest.mark.parametrize("write", [lambda: document([one, two], title="W", version="1"), house])
def test_every_reference_leads_somewhere(write: Any) -> None:
    written = write()
    names = set(written["components"]["schemas"])
    led = {part["$ref"] for part in parts(written) if "$ref" in part}
    assert led <= {f"#/components/schemas/{name}" for name in names}
    ids = [of["operationId"] for path in written["paths"].values() for of in path.values()]
    assert len(ids) == len(set(ids))
    assert all(of["summary"] for path in written["paths"].values() for of in path.values())


def test_no_answer_of_the_house_holds_a_fraction() -> None:
    assert not [part for part in parts(house()) if part.get("type") == "number"]
