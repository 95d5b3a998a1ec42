"""Our conditions, changes and commits as SQL.

A commit is two statements of one transaction, sent together. `take` gives it every key for itself,
in one order for all: a row that stands is locked, and where none stands one is inserted. `decide`
then reads the rows as they are, judges every condition, and writes all or nothing. Since both see
keys that no other commit can have, there is nothing to be serialised again, and no deadlock.

    take    key stands?     row lock                       key free?   insert what would stand there
    decide  all hold        update, delete                             keep it, or delete (a check)
            one fails       nothing                                    delete it
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.storage.conditions import (
    ITEM_ABSENT,
    Add,
    AllOf,
    AnyOf,
    AtLeast,
    AtMost,
    Change,
    Condition,
    Equals,
    Missing,
    Not,
    OneOf,
    Present,
    Remove,
    Set,
)
from chalicelib.storage.postgres.texts import spelled, to_json
from chalicelib.storage.table import Action, Check, Delete, Put, Update
from chalicelib.storage.values import Value

_NAME = re.compile(r"^[a-z][a-z0-9_]{0,40}$")
_KEY_NAMES = {"pk", "sk"}

Parameter = str | int | list[str] | list[str | None] | None

TAKE = """
WITH known AS (
  UPDATE shoukuan.commits SET at = now() WHERE token = $1::text RETURNING digest
), asked AS MATERIALIZED (
  SELECT tbl, pk, sk, body, n
  FROM unnest($4::text[], $5::text[], $6::text[], $7::text[])
    WITH ORDINALITY AS a (tbl, pk, sk, body, n)
  WHERE NOT EXISTS (SELECT 1 FROM known)
), born AS (
  INSERT INTO shoukuan.items AS i (tbl, pk, sk, body)
  SELECT tbl, pk, sk, body::jsonb FROM asked ORDER BY n
  ON CONFLICT (tbl, pk, sk) DO UPDATE SET body = i.body WHERE false
  RETURNING tbl, pk, sk
), noted AS (
  INSERT INTO shoukuan.commits (token, digest, attempt, born)
  SELECT $1::text, $2::text, $3::text, ARRAY(
    SELECT a.n FROM asked AS a JOIN born AS b ON (b.tbl, b.pk, b.sk) = (a.tbl, a.pk, a.sk)
  )
  WHERE NOT EXISTS (SELECT 1 FROM known)
)
SELECT digest FROM known
"""
"""Take every key, unless the token is known; then say of which request.

A known token is touched, so that the answer to a repeat is as durable as the first one was.
"""

_DECIDE = """
WITH found AS MATERIALIZED (
  SELECT a.n, i.tbl, i.pk, i.sk, a.n = ANY (c.born) AS born,
    CASE WHEN a.n = ANY (c.born) THEN NULL ELSE i.body END AS old
  FROM shoukuan.commits AS c
  CROSS JOIN unnest($3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS a (tbl, pk, sk, n)
  JOIN shoukuan.items AS i ON (i.tbl, i.pk, i.sk) = (a.tbl, a.pk, a.sk)
  WHERE c.token = $1::text AND c.attempt = $2::text
), judged AS MATERIALIZED (
  SELECT f.*, {passed} AS passed FROM found AS f
), verdict AS MATERIALIZED (
  SELECT coalesce(bool_and(passed), false) AS passed FROM judged
), changed AS (
  UPDATE shoukuan.items AS i SET body = {body} FROM judged AS j, verdict AS v
  WHERE v.passed AND NOT j.born AND j.n IN ({written})
    AND (i.tbl, i.pk, i.sk) = (j.tbl, j.pk, j.sk)
), removed AS (
  DELETE FROM shoukuan.items AS i USING judged AS j, verdict AS v
  WHERE (j.n IN ({deleted}) OR j.born AND j.n IN ({checked}) OR NOT v.passed AND j.born)
    AND (v.passed OR j.born)
    AND (i.tbl, i.pk, i.sk) = (j.tbl, j.pk, j.sk)
), forgotten AS (
  DELETE FROM shoukuan.commits AS c USING verdict AS v
  WHERE NOT v.passed AND c.token = $1::text AND c.attempt = $2::text
)
SELECT j.n, j.passed, CASE WHEN NOT j.passed THEN j.old::text END FROM judged AS j
"""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with numbered places, and what stands in them."""

    sql: str
    parameters: tuple[Parameter, ...]


class Rendering:
    """SQL whose values get numbered places as they are met."""

    def __init__(self, parameters: Sequence[Parameter] = ()) -> None:
        self.parameters: list[Parameter] = list(parameters)

    def condition(self, condition: Condition, item: str) -> str:
        """Render a condition on a JSONB expression that is NULL where there is no item.

        Every part is true or false, never NULL: what is missing compares false.
        """
        match condition:
            case Equals(attribute, value):
                stored = _stored(item, attribute)
                return f"coalesce({stored} = {self.json(value)}, false)"
            case AtLeast(attribute, value):
                return self._compared(item, attribute, ">=", value)
            case AtMost(attribute, value):
                return self._compared(item, attribute, "<=", value)
            case OneOf(attribute, values):
                assert values, "one of nothing is a slip"
                listed = self._place([to_json(value) for value in values])
                stored = _stored(item, attribute)
                return f"coalesce({stored} = ANY ({listed}::text[]::jsonb[]), false)"
            case Present(attribute):
                return _present(item, attribute)
            case Missing(attribute):
                return f"NOT {_present(item, attribute)}"
            case AllOf(parts):
                return self._joined(" AND ", parts, item)
            case AnyOf(parts):
                return self._joined(" OR ", parts, item)
            case Not(part):
                return f"NOT ({self.condition(part, item)})"

    def changed(self, changes: Sequence[Change], item: str) -> str:
        """Render what an item becomes; every change reads it as it was."""
        for removed in [one for one in changes if isinstance(one, Remove)]:
            item = f"({item} - {_name(removed.attribute)})"
        was, given = item, list[str]()
        for change in changes:
            match change:
                case Set(attribute, value):
                    given.append(f"{_name(attribute)}, {self.json(value)}")
                case Add(attribute, amount):
                    stored = f"coalesce(({was} -> {_name(attribute)})::numeric, 0)"
                    sum_of = f"{stored} + {self._place(str(amount))}::numeric"
                    given.append(f"{_name(attribute)}, {sum_of}")
                case Remove():
                    pass
        return f"{item} || jsonb_build_object({', '.join(given)})" if given else item

    def json(self, value: Value) -> str:
        """Render a value."""
        return f"{self._place(to_json(value))}::jsonb"

    def _compared(self, item: str, attribute: str, operator: str, value: int) -> str:
        """Compare numbers only; CASE is what keeps PostgreSQL from reading a text as one."""
        stored = _stored(item, attribute)
        compared = f"({stored})::numeric {operator} {self._place(str(value))}::numeric"
        return f"CASE WHEN jsonb_typeof({stored}) = 'number' THEN {compared} ELSE false END"

    def _joined(self, word: str, parts: Sequence[Condition], item: str) -> str:
        assert parts, "a conjunction of nothing is a slip"
        return word.join(f"({self.condition(part, item)})" for part in parts)

    def _place(self, value: Parameter) -> str:
        self.parameters.append(value)
        return f"${len(self.parameters)}"


@dataclass(frozen=True, slots=True)
class CommitStatements:
    """What one attempt to commit sends, and the request's digest; actions in the order of keys."""

    take: Statement
    decide: Statement
    digest: str


def commit_statements(actions: Sequence[Action], token: str, attempt: str) -> CommitStatements:
    """Render one attempt; the actions are sorted by key."""
    tables = [action.key.table for action in actions]
    pks = [spelled(action.key.pk) for action in actions]
    sks = [spelled(action.key.sk) for action in actions]
    bodies = [_if_alone(action) for action in actions]
    decide = _decided(actions, [token, attempt, tables, pks, sks])
    said = json.dumps([decide.sql, decide.parameters[2:], bodies])
    digest = hashlib.sha256(said.encode()).hexdigest()
    return CommitStatements(
        Statement(TAKE, (token, digest, attempt, tables, pks, sks, bodies)), decide, digest
    )


def _decided(actions: Sequence[Action], parameters: Sequence[Parameter]) -> Statement:
    rendering = Rendering(parameters)
    conditions: list[str] = []
    bodies: list[tuple[int, str]] = []
    numbers: dict[type[Action], list[int]] = {Delete: [], Check: []}
    for number, action in enumerate(actions, start=1):
        if action.condition is not None:
            judged = rendering.condition(action.condition, "f.old")
            conditions.append(f"WHEN {number} THEN {judged}")
        match action:
            case Put(_, _, condition) if condition == ITEM_ABSENT:
                pass  # what `take` inserted is all; where a row stands it is refused
            case Put(_, item):
                bodies.append((number, rendering.json(item)))
            case Update(_, changes):
                _assert_one_each(changes)
                bodies.append((number, rendering.changed(changes, "i.body")))
            case Delete() | Check():
                numbers[type(action)].append(number)
    cases = " ".join(f"WHEN {number} THEN {body}" for number, body in bodies)
    sql = _DECIDE.format(
        passed=f"CASE f.n {' '.join(conditions)} ELSE true END" if conditions else "true",
        body=f"CASE j.n {cases} END" if bodies else "i.body",
        written=_listed([number for number, _ in bodies]),
        deleted=_listed(numbers[Delete]),
        checked=_listed(numbers[Check]),
    )
    return Statement(sql, tuple(rendering.parameters))


def _if_alone(action: Action) -> str | None:
    """Return what stands there afterwards if nothing stood there before; None is nothing."""
    match action:
        case Put(_, item):
            return to_json(item)
        case Update(_, changes):
            made: dict[str, Value] = {}
            for change in changes:
                match change:
                    case Set(attribute, value):
                        made[attribute] = value
                    case Add(attribute, amount):
                        made[attribute] = amount
                    case Remove():
                        pass
            return to_json(made)
        case Check() | Delete():
            return None


def _assert_one_each(changes: Sequence[Change]) -> None:
    attributes = [change.attribute for change in changes]
    assert len(set(attributes)) == len(attributes), "one change an attribute"


def _stored(item: str, attribute: str) -> str:
    assert attribute not in _KEY_NAMES, "a key is compared by no condition of ours"
    return f"{item} -> {_name(attribute)}"


def _present(item: str, attribute: str) -> str:
    if attribute in _KEY_NAMES:  # every item has them
        return f"({item} IS NOT NULL)"
    return f"coalesce({item} ? {_name(attribute)}, false)"


def _name(attribute: str) -> str:
    assert _NAME.match(attribute), "attribute names are plain"
    return f"'{attribute}'"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "NULL"
