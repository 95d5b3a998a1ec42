"""Bills that are long, damaged, or no bills at all."""

import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from io import RawIOBase
from typing import BinaryIO, cast

from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from chalicelib.providers.bills import BillBrokenError, BillKind, BillLine, BillTotals
from chalicelib.providers.wechatpay.billrows import WeChatBill
from tests.providers.bill_texts import DAY, PAYMENTS, TEXTS, read, refused
from tests.providers.far_side import MCH_ID

KINDS = list(BillKind)


class Made(RawIOBase):
    """A bill that is made while it is read, a line at a time."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines

    @override
    def readline(self, size: int | None = -1) -> bytes:
        return next(self._lines, b"")


def of_rows(number: int) -> Iterator[bytes]:
    header, row, *_, names, _ = PAYMENTS.splitlines(keepends=True)
    yield header.encode()
    for _ in range(number):
        yield row.encode()
    yield names.encode()
    sums = [yuan(number * fen) for fen in (1499, 0, 0, 8, 1999, 0)]
    yield f"`{number},`{',`'.join(sums)}".encode()


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"


def peak(number: int) -> int:
    bill = WeChatBill(BillKind.PAYMENTS, DAY, MCH_ID, cast("BinaryIO", Made(of_rows(number))))
    tracemalloc.start()
    try:
        assert sum(1 for _ in bill.lines()) == number == bill.totals().lines
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_long_bill_takes_no_more_memory_than_a_short_one() -> None:
    peak(200)  # whatever is made once is made now
    assert peak(20_000) < peak(200) + 20_000


@st.composite
def damaged(draw: st.DrawFn) -> tuple[BillKind, bytes]:
    """Return a true bill in which some bytes were cut out or put in."""
    kind = draw(st.sampled_from(KINDS))
    text = TEXTS[kind].encode()
    pieces = st.sampled_from([b"", b",`", b"`", b",", b"\n", b"\r\n", b"0", b"-", b"1", b"\xff"])
    for _ in range(draw(st.integers(1, 3))):
        begin = draw(st.integers(0, len(text)))
        end = begin + draw(st.integers(0, 40))
        text = text[:begin] + draw(st.one_of(pieces, st.binary(max_size=4))) + text[end:]
    return kind, text


def says(kind: BillKind, text: bytes) -> list[Decimal]:
    """Return by other means what a bill's last row says of its amounts."""
    *_, names, cells = text.decode().replace("\r", "").rstrip("\n").split("\n")
    said = dict(zip(names.split(","), cells[1:].split(",`"), strict=True))
    match kind:
        case BillKind.PAYMENTS:
            wanted = ["订单总金额", "手续费总金额"]
        case BillKind.REFUNDS:
            wanted = ["申请退款总金额", "手续费总金额"]
        case BillKind.FLOWS:
            wanted = ["收入金额", "支出金额"]
        case _:
            wanted = ["分账总金额"]
    return [Decimal(said[name]) * 100 for name in wanted if name in said]


def comes_to(kind: BillKind, lines: list[BillLine], totals: BillTotals) -> list[int]:
    amounts = sum(line.amount for line in lines)
    match kind:
        case BillKind.FLOWS:
            return [totals.closing - totals.opening]
        case BillKind.SHARES:
            return [amounts]
        case _:
            return [amounts, sum(line.fee for line in lines)]


@given(damaged())
def test_a_damaged_bill_adds_up_or_is_refused(given_bill: tuple[BillKind, bytes]) -> None:
    kind, text = given_bill
    try:
        lines, totals = read(kind, text)
    except BillBrokenError:
        assert isinstance(refused(kind, text)["line"], int)
        return
    assert totals.lines == len(lines)
    said = says(kind, text)
    if kind is BillKind.FLOWS:
        said = [said[0] - said[1]]
    if said:  # the bill of shares may name its totals as it likes
        assert said == comes_to(kind, list(lines), totals)


@given(st.sampled_from(KINDS), st.one_of(st.binary(max_size=600), st.text().map(str.encode)))
def test_any_bytes_are_no_bill(kind: BillKind, text: bytes) -> None:
    assert isinstance(refused(kind, text)["line"], int)
