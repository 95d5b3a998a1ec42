"""The table port on DynamoDB's low-level client.

Retries are ours alone (`commit.py`): the client is built with none, or a budget could not hold.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
)

from chalicelib import aws
from chalicelib.storage.conditions import Condition, Expression
from chalicelib.storage.table import (
    Action,
    Check,
    Delete,
    Page,
    Put,
    Reason,
    ReasonCode,
    StoreSilentError,
    StoreThrottledError,
    TransactionCancelledError,
    Update,
)
from chalicelib.storage.values import Item, Key, Wire, item_from_wire, item_to_wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CONNECT_SECONDS = 0.5
READ_SECONDS = 1.0
ATTEMPT_SECONDS_MAX = CONNECT_SECONDS + READ_SECONDS

_GET_MANY_ROUNDS_MAX = 5
_WRITE_BATCH_ROUNDS_MAX = 5

_NOTHING_HAPPENED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "TransactionInProgressException",
    "LimitExceededException",
    "ServiceUnavailable",
}
_MAY_HAVE_HAPPENED = {"InternalServerError", "InternalFailure", "500", "502", "503", "504"}
_REASONS = {
    "None": ReasonCode.NONE,
    "ConditionalCheckFailed": ReasonCode.CONDITION,
    "TransactionConflict": ReasonCode.CONFLICT,
    "DuplicateItem": ReasonCode.CONFLICT,
    "ThrottlingError": ReasonCode.THROTTLED,
    "ProvisionedThroughputExceeded": ReasonCode.THROTTLED,
}


def dynamodb_client(*, connect: float = CONNECT_SECONDS, read: float = READ_SECONDS) -> Any:
    """Build a client without retries and with short timeouts; addresses come by environment."""
    return aws.client(
        "dynamodb",
        connect_timeout=connect,
        read_timeout=read,
        retries={"total_max_attempts": 1},
        max_pool_connections=32,
        # Requests are rendered from values of our own, and a contract suite holds them to the
        # engines; checking each against the service's model again costs a tenth of a commit's CPU.
        parameter_validation=False,
        user_agent="shoukuan",  # a fixed one is not spelled anew for every call
    )


class DynamoTable:
    """Both tables, by their logical names."""

    def __init__(self, client: "DynamoDBClient", names: Mapping[str, str]) -> None:
        self._client = client
        self._names = dict(names)
        self._logical = {name: logical for logical, name in self._names.items()}

    def get(self, key: Key) -> Item | None:
        """Return an item without its key attributes, or None; one strong read."""
        answer = self._ask(
            "get_item", TableName=self._names[key.table], Key=key.wire(), ConsistentRead=True
        )
        return _without_key(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        """Return the items that exist; keys that DynamoDB left unprocessed are asked again."""
        asked: Wire = {}
        for key in dict.fromkeys(keys):
            of_table = asked.setdefault(self._names[key.table], {"ConsistentRead": True})
            of_table.setdefault("Keys", []).append(key.wire())
        found: dict[Key, Item] = {}
        for _ in range(_GET_MANY_ROUNDS_MAX):
            if not asked:
                return found
            answer = self._ask("batch_get_item", RequestItems=asked)
            for name, rows in answer["Responses"].items():
                for row in rows:
                    key = Key(self._logical[name], row["pk"]["S"], row["sk"]["S"])
                    found[key] = _without_key(row)
            asked = answer.get("UnprocessedKeys") or {}
        if asked:
            raise StoreThrottledError("some keys stayed unread")
        return found

    def query(
        self,
        table: str,
        pk: str,
        *,
        between: tuple[str, str] | None = None,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page:
        """Return rows of one partition in the order of their sort keys."""
        request: Wire = {
            "TableName": self._names[table],
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": {":pk": {"S": pk}},
            "Limit": limit,
            "ScanIndexForward": not newest_first,
            "ConsistentRead": True,
        }
        if between is not None:
            low, high = between
            request["KeyConditionExpression"] += " AND sk BETWEEN :low AND :high"
            request["ExpressionAttributeValues"] |= {":low": {"S": low}, ":high": {"S": high}}
        if after is not None:
            request["ExclusiveStartKey"] = Key(table, pk, after).wire()
        answer = self._ask("query", **request)
        rows = tuple(
            (Key(table, row["pk"]["S"], row["sk"]["S"]), _without_key(row))
            for row in answer["Items"]
        )
        last = answer.get("LastEvaluatedKey")
        return Page(rows=rows, next_sk=last["sk"]["S"] if last else None)

    def write_batch(self, puts: Sequence[Put], deletes: Sequence[Key]) -> None:
        """Put and delete up to 25 items; those that DynamoDB left unprocessed are asked again."""
        asked: Wire = {}
        for put in puts:
            assert put.condition is None, "a batch knows no conditions"
            item = put.key.wire() | item_to_wire(put.item)
            asked.setdefault(self._names[put.key.table], []).append({"PutRequest": {"Item": item}})
        for key in deletes:
            request = {"DeleteRequest": {"Key": key.wire()}}
            asked.setdefault(self._names[key.table], []).append(request)
        for _ in range(_WRITE_BATCH_ROUNDS_MAX):
            if not asked:
                return
            answer = self._ask("batch_write_item", RequestItems=asked)
            asked = answer.get("UnprocessedItems") or {}
        if asked:
            raise StoreThrottledError("some items stayed unwritten")

    def transact(self, actions: Sequence[Action], token: str) -> None:
        """Do all or nothing; the same token within ten minutes is not done twice."""
        self._ask(
            "transact_write_items",
            TransactItems=[self._rendered(action) for action in actions],
            ClientRequestToken=token,
        )

    def _rendered(self, action: Action) -> Wire:
        expression = Expression()
        request: Wire = {"TableName": self._names[action.key.table]}
        match action:
            case Put(key, item):
                verb = "Put"
                request["Item"] = key.wire() | item_to_wire(item)
            case Update(key, changes):
                verb = "Update"
                request["Key"] = key.wire()
                request["UpdateExpression"] = expression.update(changes)
            case Check(key):
                verb = "ConditionCheck"
                request["Key"] = key.wire()
            case Delete(key):
                verb = "Delete"
                request["Key"] = key.wire()
        if action.condition is not None:
            request |= _conditioned(expression, action.condition)
        return {verb: request | expression.parameters()}

    def _ask(self, operation: str, **request: Any) -> Any:
        try:
            return getattr(self._client, operation)(**request)
        except ClientError as error:
            raise _verdict(error) from error
        except (ConnectTimeoutError, EndpointConnectionError) as error:
            raise StoreThrottledError("the database could not be reached") from error
        except (ReadTimeoutError, ConnectionClosedError, HTTPClientError) as error:
            raise StoreSilentError("the database did not answer") from error


def _conditioned(expression: Expression, condition: Condition) -> Wire:
    return {
        "ConditionExpression": expression.condition(condition),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _without_key(row: Mapping[str, Any]) -> Item:
    return item_from_wire({name: row[name] for name in row if name not in {"pk", "sk"}})


def _verdict(error: ClientError) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "TransactionCanceledException":
        return _cancelled(error)
    if code in _NOTHING_HAPPENED:
        return StoreThrottledError(code)
    if code in _MAY_HAVE_HAPPENED or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return StoreSilentError(code)
    return error


def _cancelled(error: ClientError) -> Exception:
    reasons: list[Any] = list(error.response.get("CancellationReasons", []))
    codes = [str(reason.get("Code") or "None") for reason in reasons]
    if not all(code in _REASONS for code in codes):
        return error  # a malformed request is our bug, not a refusal
    return TransactionCancelledError(
        [
            Reason(
                code=_REASONS[code],
                old=_without_key(reason["Item"]) if reason.get("Item") else None,
            )
            for code, reason in zip(codes, reasons, strict=True)
        ]
    )
