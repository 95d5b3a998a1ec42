"""A day of twenty thousand lines with a hundred differences: just those are found.

`make bench` does the same with a million. DuckDB joins the same files in its own way, and agrees.
"""

import gzip
import tracemalloc
from collections import Counter
from pathlib import Path

import duckdb
import pytest

from benchmarks.large_day import DAY, SEEN, Expected
from benchmarks.reconciling import bills_in, comparing, found_in, written
from chalicelib.ledger.segments import LakeBrokenError
from chalicelib.providers.bills import BillBrokenError, BillKind
from chalicelib.providers.wechatpay.billrows import LAYOUTS
from chalicelib.reconciliation.model import Outcome
from chalicelib.reconciliation.usecases.compare import Compared
from chalicelib.reconciliation.usecases.run import quietly

LINES = 20_000


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Expected]:
    folder = tmp_path_factory.mktemp("day")
    return folder, written(folder, LINES)


@pytest.fixture(scope="module")
def compared(day: tuple[Path, Expected]) -> Compared:
    return comparing(day[0]).compare(DAY, quietly)


def test_just_the_hundred_are_found(compared: Compared) -> None:
    assert sum(SEEN.values()) == len(compared.found) == 100
    assert found_in(compared) == Counter(SEEN)


def test_all_else_matches_and_adds_up(day: tuple[Path, Expected], compared: Compared) -> None:
    _, expected = day
    assert {name: lines for name, (lines, _) in compared.counts.items()} == expected.counts
    assert (compared.fees, compared.frozen) == (expected.fees, expected.frozen)
    assert compared.flows is not None
    assert compared.flows.closing == expected.closing
    assert [bill.kind for bill in compared.bills] == list(BillKind)[:3]


def test_every_difference_says_where_it_stands(compared: Compared) -> None:
    for found in compared.found:
        if found.outcome is Outcome.MISSING_THERE:
            assert found.entry.startswith("captured/pay_")
        else:
            assert (found.bill, found.line, found.reference) > ("", 1, "")
    assert len({found.key for found in compared.found}) == 100


def test_a_day_is_compared_twice_with_the_same_words(
    day: tuple[Path, Expected], compared: Compared
) -> None:
    again = comparing(day[0]).compare(DAY, quietly)
    assert again == compared


def test_how_far_it_is_is_told(day: tuple[Path, Expected]) -> None:
    told: list[tuple[str, int]] = []
    comparing(day[0]).compare(DAY, lambda what, lines: told.append((what, lines)))
    ends = dict(told)
    assert told == sorted(told, key=lambda one: (list(ends).index(one[0]), one[1]))
    assert ends["ours"] == day[1].ours
    assert ends["payments"] + ends["refunds"] == LINES


_THEIRS = """
create table {kind} as
select string_split(substr(line, 2), ',`') as cell from read_csv(
  '{file}', header = false, delim = '\t', quote = '', escape = '', columns = {{'line': 'varchar'}}
)
where line like '`%' and len(string_split(line, ',`')) = {width}
"""


_OURS = """
create table ours as
select entry->>'kind' as kind, coalesce(facts->>'number', entry->>'reference') as key,
  cast(entry->'postings'->0->'amount'->>'amount' as bigint) as amount
from read_json('{folder}/log/*/*.jsonl', format = 'newline_delimited',
  columns = {{'entry': 'json', 'facts': 'json'}})
where entry->>'kind' is not null
"""
_DRAWN = "select count(*) from flows where cell[{note}] = '提现'"


def columns(kind: BillKind) -> dict[str, int]:
    """Return where DuckDB finds each column, from 1: as the day's writer ordered them."""
    return {column: at for at, column in enumerate(sorted(LAYOUTS[kind].columns), 1)}


def opened(folder: Path) -> duckdb.DuckDBPyConnection:
    """Return a database of the three bills' cells and the lake's entries, as texts."""
    connection = duckdb.connect()
    for kind in list(BillKind)[:3]:
        file, width = folder / f"{kind}.csv.gz", len(columns(kind))
        connection.execute(_THEIRS.format(kind=kind, file=file, width=width))
    connection.execute(_OURS.format(folder=folder))
    return connection


_JOINED = """
with there as (
  select {key} as key, count(*) as lines, min(cast({amount} as decimal(18, 5)) * 100) as amount,
    bool_or({failed}) as failed, min({fee_is_right}) as fee_is_right
  from {bill} group by 1
), here as (
  select key, count(*) as entries, min(amount) as amount from ours where kind = '{entry}' group by 1
)
select
  case when lines > 1 or entries > 1 then 'duplicate' when entries is null then 'missing_here'
    when lines is null then 'missing_there' when there.amount <> here.amount then 'amount'
    when failed then 'state' when not fee_is_right then 'fee' else 'matched' end as outcome,
  count(*)
from there full outer join here using (key) group by 1
"""


def joined(
    lake: duckdb.DuckDBPyConnection, kind: BillKind, entry: str, **how: str
) -> dict[str, int]:
    at = columns(kind)
    cells = {name: f"cell[{at[column]}]" for name, column in how.items() if column in at}
    spelled = {name: text.format(**cells) for name, text in how.items()} | cells
    return dict(lake.execute(_JOINED.format(bill=kind, entry=entry, **spelled)).fetchall())


def test_duckdb_finds_the_same(day: tuple[Path, Expected], compared: Compared) -> None:
    lake = opened(day[0])
    payments = joined(
        lake,
        BillKind.PAYMENTS,
        "payment_captured",
        key="微信订单号",
        amount="订单金额",
        fee="手续费",
        rate="费率",
        failed="false",
        fee_is_right=(
            "cast({fee} as decimal(18, 5)) = round(cast({amount} as decimal(18, 5))"
            " * cast(rtrim({rate}, '%') as decimal(5, 2)) * 0.01, 2)"  # exact: no float
        ),
    )
    refunds = joined(
        lake,
        BillKind.REFUNDS,
        "refund_paid",
        key="商户退款单号",
        amount="申请退款金额",
        state="退款状态",
        failed="{state} = 'FAIL'",
        fee_is_right="true",
    )
    sums: Counter[str] = Counter()
    for name, (lines, _) in compared.counts.items():
        sums[name[1]] += lines
    note = columns(BillKind.FLOWS)["业务类型"]
    ((drawn,),) = lake.execute(_DRAWN.format(note=note)).fetchall()
    assert Counter(payments) + Counter(refunds) + Counter(missing_here=drawn) == sums


def test_a_bill_that_breaks_at_its_end_is_believed_in_nothing(tmp_path: Path) -> None:
    """The last total is wrong: thousands of lines were read, and none of them counts."""
    written(tmp_path, 1000)
    file = tmp_path / "payments.csv.gz"
    text = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(text.replace(b"\n`960,`", b"\n`961,`")))
    with pytest.raises(BillBrokenError):
        comparing(tmp_path).compare(DAY, quietly)
    assert not (tmp_path / "bills").exists()


def test_a_segment_that_is_missing_is_seen(tmp_path: Path) -> None:
    written(tmp_path, 5000)
    middle = sorted((tmp_path / "manifest" / f"day={DAY}").iterdir())[1]
    middle.unlink()
    with pytest.raises(LakeBrokenError, match="gap"):
        comparing(tmp_path).compare(DAY, quietly)


def test_twice_as_many_lines_take_no_more_memory(tmp_path: Path) -> None:
    """Of the bills: what is sorted takes what one run does, however many runs there are."""

    def peak(lines: int) -> int:
        folder = tmp_path / str(lines)
        folder.mkdir()
        written(folder, lines)
        bills = bills_in(folder)
        with (folder / "kept").open("w+b") as file:
            tracemalloc.start()
            bills.fetch(BillKind.PAYMENTS, DAY, file)
            assert sum(1 for _ in bills.read(BillKind.PAYMENTS, DAY, file).lines())
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return most

    peak(500)
    assert peak(8_000) < peak(4_000) + 100_000
