"""The list in DuckDB, and dead letters on their way again."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from moto import mock_aws

from chalicelib.kernel import trace
from chalicelib.ledger.segments import LakeBrokenError, ReadSegments
from local import lake_sql
from local.redrive import redrive
from tests.fakes.house import House
from tests.ledger.test_sequencer import purchase


def test_duckdb_sums_the_postings_to_the_balances(quick_house: House, tmp_path: Path) -> None:
    house = quick_house
    merchant_id = house.merchant()
    for _ in range(5):
        purchase(house, merchant_id)
        house.sequencer.run()
        house.clock.move(seconds=5)
    rows = lake_sql.copied(house.lake, tmp_path)
    assert rows == house.balances.head().n
    lake = lake_sql.opened(tmp_path)
    counted = lake.sql("select count(*), min(position), max(position) from log").fetchall()
    assert counted == [(rows, 1, rows)]
    sums = "select account, sum(if(side = 'debit', amount, -amount)) from postings group by account"
    found = dict(lake.sql(sums).fetchall())
    held = f"merchant:{merchant_id}:held"
    assert found == {"provider:wechatpay:clearing": 5 * 3998, held: -5 * 3998}
    kinds = "select kind, count(distinct key), min(day)::varchar from entries group by kind"
    assert lake.sql(kinds).fetchall() == [("payment_captured", 5, "2026-11-24")]


def test_a_trace_is_found_in_the_list_and_lines_of_old_have_none(
    quick_house: House, tmp_path: Path
) -> None:
    house, traced = quick_house, "a" * 32
    merchant_id = house.merchant()  # as before traces were kept
    house.sequencer.run()
    with trace.within(traced):
        purchase(house, merchant_id)
    house.clock.move(seconds=5)
    house.sequencer.run()
    lake_sql.copied(house.lake, tmp_path)
    lake = lake_sql.opened(tmp_path)
    found = lake.sql("select distinct trace, event from log where trace is not null").fetchall()
    assert {(traced, "order.placed"), (traced, "payment.captured")} <= set(found)
    assert {one for one, _ in found} == {traced}
    old = lake.sql("select distinct event from log where trace is null").fetchall()
    assert old == [("merchant.registered",)]
    read = {row.row.trace for _, rows in ReadSegments(house.lake).batches() for row in rows}
    assert read == {"", traced}


def test_a_lake_that_was_touched_is_not_opened(quick_house: House, tmp_path: Path) -> None:
    purchase(quick_house, quick_house.merchant())
    quick_house.sequencer.run()
    (name,) = quick_house.lake.names("log/")
    quick_house.lake.files[name] += b"{}\n"
    with pytest.raises(LakeBrokenError):
        lake_sql.copied(quick_house.lake, tmp_path)


def test_dead_letters_are_sent_again_and_none_is_lost() -> None:
    with mock_aws():
        client: Any = get_session().create_client("sqs")
        urls = [
            client.create_queue(QueueName=name)["QueueUrl"]
            for name in ("shoukuan-local-events", "shoukuan-local-events-dead")
        ]
        alive, dead = urls
        for number in range(23):
            client.send_message(QueueUrl=dead, MessageBody=json.dumps({"n": number}))
        assert redrive(client, "shoukuan-local-events") == 23
        assert redrive(client, "shoukuan-local-events") == 0
        found: set[int] = set()
        while messages := client.receive_message(QueueUrl=alive, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            found |= {json.loads(message["Body"])["n"] for message in messages}
        assert found == set(range(23))
