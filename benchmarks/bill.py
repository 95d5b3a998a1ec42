"""`make costs`: what a month on AWS costs at so many orders; ORDERS=1000,100000 for others.

Write units and round trips of each verb are the measured ones (`verbs.py`, which a test holds to
the meter); prices are a table that you change (`prices.json`). What is neither, because it depends
on a shop, is an assumption, named below and printed with the result.
Every round trip is taken for a read unit, commits too, so that reads are rather too many.
"""

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from pathlib import Path

from benchmarks.verbs import BUDGETS
from server.schedules import schedules_of

MONTH_MINUTES = 30 * 24 * 60
_MILLION, _GB = Decimal(1_000_000), Decimal(1_000_000_000)
_HERE = Path(__file__).parent

PURCHASE = (
    *("place order, 1 line", "start payment", "payment notified", "ship", "confirm receipt"),
    *("hear of a new order", "ask about a payment", "hear of a shipment", "report shipment"),
)
"""What one order takes that goes well, from the tap to the receipt."""

PAYOUT = ("settle merchant", "hear of a payout", "send payout", "payout confirmed")
_NUMBERED, _NUMBERED_ROWS = "number 300 commits of 100 orders", 300
_ROWS_AN_ORDER = 6  # placed, started, captured, shipped, reported, released: the demo prints them
_REQUESTS_AN_ORDER = 6  # sign in, order, pay, notification, ship, receive


@dataclass(frozen=True, slots=True)
class Assumed:
    """What depends on the shop, or was not measured on AWS."""

    looks_an_order: int = 10  # further requests: products, lists, the order again
    orders_a_payout: int = 10  # orders that one merchant's settlement gathers
    refunded_percent: int = 3
    api_milliseconds: int = 100  # of a warm function of 1 GB
    job_milliseconds: int = 200  # of a function of half a GB
    kept_kb: int = 12  # of one order, for ever: its items, its entries, its lines of the lake
    logged_kb: int = 6  # of one order, in all functions
    metrics: int = 60  # names of metrics that are counted
    alarms: int = 50
    busy_minutes_percent: int = 40  # minutes in which the sequencer has something to number


def main() -> int:
    """Print the table; return the exit code."""
    orders = [int(text) for text in os.environ.get("ORDERS", "1000,100000,10000000").split(",")]
    prices = json.loads((_HERE / "prices.json").read_text())
    columns = [bill(count, prices, Assumed()) for count in orders]
    print(f"{'a month, in ' + prices['currency']:34}" + "".join(f"{n:>14,}" for n in orders))
    for line in columns[0]:
        print(f"  {line:32}" + "".join(f"{column[line]:>14.2f}" for column in columns))
    totals = [sum(column.values(), Decimal(0)) for column in columns]
    print(f"{'in all':34}" + "".join(f"{total:>14.2f}" for total in totals))
    print(f"{'for one order':34}" + "".join(
        f"{total / count:>14.5f}" for total, count in zip(totals, orders, strict=True)
    ))  # fmt: skip
    print("\nMeasured: write units and round trips of", ", ".join((*PURCHASE, *PAYOUT)) + ";")
    print(f"{_NUMBERED}.")
    said = {field.name: getattr(Assumed(), field.name) for field in fields(Assumed)}
    print("Assumed: " + ", ".join(f"{name} {value}" for name, value in said.items()) + ".")
    print("Prices: " + prices["assumed"])
    return 0


def bill(orders: int, prices: Mapping[str, str], assumed: Assumed) -> dict[str, Decimal]:
    """Return a month's lines at so many orders."""
    price = {name: Decimal(text) for name, text in prices.items() if name.count("_")}
    payouts, refunds = orders // assumed.orders_a_payout, orders * assumed.refunded_percent // 100
    writes, trips = _units(PURCHASE)
    out_writes, out_trips = _units(PAYOUT)
    back_writes, back_trips = _units(("refund out of the hold", "send refund", "refund paid"))
    rows = orders * _ROWS_AN_ORDER + payouts * len(PAYOUT) + refunds * 3
    numbering = Decimal(BUDGETS[_NUMBERED].write_units) / _NUMBERED_ROWS
    written = orders * writes + payouts * out_writes + refunds * back_writes + rows * numbering
    read = orders * (trips + assumed.looks_an_order) + payouts * out_trips + refunds * back_trips
    rounds = min(rows, MONTH_MINUTES * 60 * assumed.busy_minutes_percent // 100)
    scheduled = _scheduled_runs()
    requests = orders * (_REQUESTS_AN_ORDER + assumed.looks_an_order)
    messages = Decimal(rows) / 10 + orders * 2  # events come ten together; commands one by one
    jobs = scheduled + messages + rounds
    seconds = (
        requests * Decimal(assumed.api_milliseconds) + jobs * assumed.job_milliseconds / 2
    ) / 1000
    kept = orders * Decimal(assumed.kept_kb) * 1000 / _GB
    polling = Decimal(5 * 3 * MONTH_MINUTES)  # five queues, each asked about every 20 seconds
    return {
        "DynamoDB, written": written / _MILLION * price["dynamodb_million_write_units"],
        "DynamoDB, read": (read + rounds * 16) / _MILLION * price["dynamodb_million_read_units"],
        "DynamoDB, a month kept and backed": kept
        * (price["dynamodb_gb_month"] + price["dynamodb_backup_gb_month"]),
        "API Gateway": requests / _MILLION * price["api_gateway_million_requests"],
        "Lambda, requests": (requests + jobs) / _MILLION * price["lambda_million_requests"],
        "Lambda, time": seconds / _MILLION * price["lambda_million_gb_seconds"],
        "SQS": (messages * 3 + polling) / _MILLION * price["sqs_million_requests"],
        "S3, the lake": rounds / _MILLION * price["s3_million_puts"] + kept * price["s3_gb_month"],
        "CloudWatch, logs": orders * Decimal(assumed.logged_kb) * 1000 / _GB * price["logs_gb"],
        "CloudWatch, metrics and alarms": assumed.metrics * price["metric_month"]
        + assumed.alarms * price["alarm_month"],
        "Secrets Manager": 7 * price["secret_month"],
    }


def _units(verbs: tuple[str, ...]) -> tuple[int, int]:
    """Return the write units and the round trips of verbs, one after the other."""
    budgets = [BUDGETS[verb] for verb in verbs]
    return sum(one.write_units for one in budgets), sum(one.round_trips for one in budgets)


def _scheduled_runs() -> int:
    """Return how often schedules run in a month, as the application declares them."""
    from app import app  # noqa: PLC0415  it reads the environment

    return sum(MONTH_MINUTES * 60 // int(one.every.total_seconds()) for one in schedules_of(app))


if __name__ == "__main__":
    sys.exit(main())
