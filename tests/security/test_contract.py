"""What the document promises is what is answered, whatever is sent: no 5xx, no other status.

schemathesis makes requests out of the document and calls the real door in process, as somebody who
may, about things that exist: else it would see 401 and 404 alone.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import Case, checks
from schemathesis.core import NOT_SET
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from chalicelib.edge.problems import STATUS
from chalicelib.front import described
from chalicelib.kernel.errors import Kind
from tests.edge.calls import listening
from tests.fakes.premises import premises
from tests.security.test_matrix import OWNERS, ROWS, SCOPE_OF, SCOPES, filled
from tests.security.world import World

SCHEMA = schemathesis.openapi.from_dict(described())
OPERATIONS = {
    f"{found.ok().method.upper()} {found.ok().path}": found.ok()
    for found in SCHEMA.get_all_operations()
    if isinstance(found, Ok)
}
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
EXAMPLES, EXAMPLES_SLOW = 15, 400


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with listening(), premises() as opened:
        SCHEMA.app = opened.door
        yield World(opened)


def those_who_may(route: str) -> list[str | None]:
    if not SCOPES[route]:
        return [None]
    return [who for who in OWNERS[ROWS[route].whose] if SCOPE_OF[who] in SCOPES[route]]


def cases(route: str, world: World) -> st.SearchStrategy[Case[Any]]:
    """Draw requests of a route: by who may, mostly about what exists, mostly as described."""
    operation = OPERATIONS[route]
    own = world.own(getattr(world, ROWS[route].order))
    words = {name: own[name] for name in own if f"{{{name}}}" in route}
    positive, negative = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
    return st.one_of(
        operation.as_strategy(positive, path_parameters=words or None),
        operation.as_strategy(negative, path_parameters=words or None),
        operation.as_strategy(negative),
    )


def conforms(route: str, world: World, examples: int) -> None:
    table = world.premises.table
    saved = table.saved()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data(), who=st.sampled_from(those_who_may(route)))
    def run(data: st.DataObject, who: str | None) -> None:
        case = data.draw(cases(route, world))
        headers = {"Authorization": f"Bearer {world.tokens[who]}"} if who else {}
        table.restore(saved)
        response = case.call(headers=headers, app=world.premises.door)
        case.validate_response(response, checks=CHECKS)

    with listening():
        run()
    table.restore(saved)


def test_every_route_is_tried() -> None:
    assert set(OPERATIONS) == set(SCOPES)


@pytest.mark.parametrize("route", OPERATIONS)
def test_a_good_request_is_answered_as_the_document_says(world: World, route: str) -> None:
    row, own = ROWS[route], world.own(getattr(world, ROWS[route].order))
    who = those_who_may(route)[0]
    saved = world.premises.table.saved()
    case = OPERATIONS[route].Case(
        path_parameters={name: own[name] for name in own if f"{{{name}}}" in route},
        headers={"Idempotency-Key": world.premises.key()},
        body=NOT_SET if row.body is None else filled(row.body, own),
        media_type=None if row.body is None else row.media,
    )
    headers = {"Authorization": f"Bearer {world.tokens[who]}"} if who else {}
    with listening():
        response = case.call(headers=headers, app=world.premises.door)
    world.premises.table.restore(saved)
    assert response.status_code == row.status
    case.validate_response(response, checks=CHECKS)


@pytest.mark.parametrize("route", OPERATIONS)
def test_every_answer_is_one_that_the_document_promises(world: World, route: str) -> None:
    conforms(route, world, EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("route", OPERATIONS)
def test_so_it_is_however_long_one_looks(world: World, route: str) -> None:
    conforms(route, world, EXAMPLES_SLOW)


def test_an_undocumented_answer_is_seen(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check can fail: let a route answer what nobody declared, and it does."""
    monkeypatch.setitem(STATUS, Kind.INVALID, 410)
    with pytest.raises(FailureGroup, match="410"):
        conforms("GET /v1/orders/{order_id}", world, EXAMPLES)
