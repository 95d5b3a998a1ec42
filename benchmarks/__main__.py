"""`make bench`: what verbs cost; a notification's own CPU; how the sequencer and the days grow.

Costs are counted, CPU is a ratio in one run. ORDERS says how far the list grows (100,000), LINES
how long a bill is compared (1,000,000).
"""

import contextlib
import gc
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import reconciling, sequencer, settling, stores
from benchmarks.bare import Bare
from benchmarks.meter import Meter
from benchmarks.signed import Notification, notification
from benchmarks.verbs import BUDGETS, measured
from chalicelib.storage import keys
from chalicelib.storage.dynamo import DynamoTable, dynamodb_client
from local.sandbox.keys import environment, load_or_create, public_text
from local.stack import Stack
from server.context import LambdaContext
from tests.fakes.house import House

_BATCH, _BATCHES = 50, 6
PAIRS = _BATCH * _BATCHES
_NAMES = {keys.MAIN: "shoukuan-local-main", keys.LOG: "shoukuan-local-log"}
RATIO_AIM = 1.3


def main() -> int:
    """Print both tables; return 1 when a verb costs more than its budget."""
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder)) as stack:
        os.environ |= stack.environment()
        os.environ |= environment(load_or_create(Path(folder)), stack.sandbox)
        over = _print_costs()
        _print_cpu(Path(folder))
    sequencer.measure(int(os.environ.get("ORDERS", "100000")))
    settling.measure()
    stores.measure()
    reconciling.measure(int(os.environ.get("LINES", "1000000")))
    return 1 if over else 0


def _print_costs() -> bool:
    client = dynamodb_client(connect=5, read=20)
    house = House(DynamoTable(client, _NAMES))
    print("Cost of each verb at the client (the provider's own call not counted)\n")
    print(f"  {'verb':34} {'round trips':>11} {'write units':>12}   budget")
    over = False
    for verb, reading in measured(house, Meter(client)):
        budget = BUDGETS[verb]
        fits = (
            reading.round_trips <= budget.round_trips and reading.write_units <= budget.write_units
        )
        over |= not fits
        print(
            f"  {verb:34} {reading.round_trips:11} {reading.write_units:12}"
            f"   {budget.round_trips} RT, {budget.write_units} WCU"
            f"{'' if fits else '  OVER'}"
        )
    return over


def _print_cpu(folder: Path) -> None:
    """Time the whole handler and the bare script on different payments, in turn."""
    from app import app  # noqa: PLC0415  its settings are in the environment only now

    sandbox_keys = load_or_create(folder)
    bare = Bare(
        dynamodb_client(connect=5, read=20),
        public_key=public_text(sandbox_keys.public_key_private),
        api_v3_key=sandbox_keys.api_v3_key,
    )
    table = DynamoTable(dynamodb_client(connect=5, read=20), _NAMES)
    house = House(table, randomness=os.urandom)
    merchant_id = house.merchant()

    def prepared() -> Notification:
        order = house.order_of(merchant_id)
        payment = house.payment(order)
        return notification(
            sandbox_keys,
            payment_id=payment.id,
            attach=f"{order.id}/{merchant_id}",
            total=order.total.amount,
        )

    def whole(sent: Notification) -> None:
        answer = app(_event(sent), LambdaContext())
        assert answer["statusCode"] == 204, answer  # noqa: PLR2004

    def least(sent: Notification) -> None:
        bare(sent.headers, sent.body)

    wholes, leasts = _in_turn(prepared, whole, least)
    ratios = [one / other for one, other in zip(wholes, leasts, strict=True)]
    print(f"\nCPU of one notification in this process, {PAIRS} pairs in turn\n")
    print(f"  whole handler   median {statistics.median(wholes) / 1e6:.3f} ms")
    print(f"  bare script     median {statistics.median(leasts) / 1e6:.3f} ms")
    print(
        f"  ratio           {statistics.median(wholes) / statistics.median(leasts):.2f}"
        f" of medians, {statistics.median(ratios):.2f} median of pairs (aim at most {RATIO_AIM})"
    )


def _in_turn(
    prepared: Callable[[], Notification],
    whole: Callable[[Notification], None],
    least: Callable[[Notification], None],
) -> tuple[list[int], list[int]]:
    wholes: list[int] = []
    leasts: list[int] = []
    for batch in range(_BATCHES + 1):
        sent = [(prepared(), prepared()) for _ in range(_BATCH)]
        gc.collect()
        gc.disable()
        for number, (first, second) in enumerate(sent):
            with contextlib.redirect_stdout(io.StringIO()):
                if number % 2:  # neither is always the one that finds the caches warm
                    took, other = _cpu(whole, first), _cpu(least, second)
                else:
                    other, took = _cpu(least, first), _cpu(whole, second)
            if batch > 0:  # the first warms up
                wholes.append(took)
                leasts.append(other)
        gc.enable()
    return wholes, leasts


def _cpu(run: Callable[[Notification], None], sent: Notification) -> int:
    began = time.process_time_ns()
    run(sent)
    return time.process_time_ns() - began


def _event(sent: Notification) -> dict[str, Any]:
    route = "/v1/notifications/wechatpay"
    return {
        "resource": route,
        "path": route,
        "httpMethod": "POST",
        "headers": sent.headers,
        "multiValueHeaders": {name: [value] for name, value in sent.headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": {
            "resourcePath": route,
            "httpMethod": "POST",
            "requestId": "bench",
            "identity": {"sourceIp": "127.0.0.1"},
        },
        "body": sent.body.decode(),
        "isBase64Encoded": False,
    }


if __name__ == "__main__":
    sys.exit(main())
