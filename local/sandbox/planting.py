"""How what was planned for a bill gets into it; its summary is made of what then stands there."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from local.sandbox import flow_lines, share_lines, trade_lines
from local.sandbox.flow_lines import Movement
from local.sandbox.plan import (
    Broken,
    Change,
    Difference,
    Dropped,
    Duplicated,
    Invented,
    OtherAmount,
    OtherFee,
    OtherState,
)
from local.sandbox.statement import EOL, Cell, Day, Layout, Line, Raw, StatementKind, encoded

STRANGER = "1900000999"
NEW_COLUMN = "新增列"
LAST_SECOND = timedelta(seconds=1)
SORTS = {
    StatementKind.TRADE_REFUND: trade_lines.REFUND,
    StatementKind.SHARES: share_lines.SHARE,
}


class NoSuchLineError(Exception):
    """What should be changed is not in the bill."""


def planted(
    kind: StatementKind,
    day: Day,
    mch_id: str,
    lines: Sequence[Line],
    differences: Sequence[Difference],
) -> tuple[list[Line], list[str]]:
    """Return the lines with what was planned, and the numbers that were nowhere found."""
    found, missing = list(lines), []
    for each in differences:
        try:
            if isinstance(each, Invented):
                found.append(_invented(kind, day, mch_id, found, each))
            else:
                _change(found, each)
        except NoSuchLineError:
            missing.append(each.number)
    return found, missing


def spoiled(layout: Layout, lines: Sequence[Line], broken: Broken | None) -> bytes:
    """Write a bill as badly as was planned."""
    match broken:
        case Broken.UNKNOWN_COLUMN:
            columns = (*layout.columns[:2], NEW_COLUMN, *layout.columns[2:])
            layout = replace(layout, columns=columns)
            lines = [line.saying(**{NEW_COLUMN: "新"}) for line in lines]
        case Broken.OTHER_MERCHANT:
            assert layout.merchant
            lines = _first(lines, layout.merchant, lambda _: STRANGER)
        case Broken.COMMA:
            lines = _first(lines, layout.note, lambda text: Raw(f"{text},大杯"))
        case Broken.NEWLINE:
            lines = _first(lines, layout.note, lambda text: Raw(f"{text}\n大杯"))
        case Broken.WRONG_DAY:
            lines = [_the_day_before(line) for line in lines]
        case _:
            pass
    return _file(layout.rows(lines), broken)


def _file(rows: list[str], broken: Broken | None) -> bytes:
    match broken:
        case Broken.TRUNCATED:
            *whole, last, _, _ = rows
            return encoded([*whole, last[: len(last) // 2]]).removesuffix(EOL.encode())
        case Broken.EXTRA_SUMMARY:
            return encoded([*rows, rows[-1]])
        case Broken.GBK:
            return encoded(rows).decode("utf-8-sig").encode("gbk", "replace")
        case _:
            return encoded(rows)


def _change(lines: list[Line], change: Change) -> None:
    """Change the first line that is meant."""
    match change:
        case Dropped(number=number):
            del lines[_place(lines, number, _has_amount)]
        case Duplicated(number=number):
            place = _place(lines, number, _has_amount)
            lines.insert(place, lines[place])
        case OtherAmount(number=number, amount=amount):
            place = _place(lines, number, _has_amount)
            lines[place] = _amounting(lines[place], amount)
        case OtherState(number=number, state=state):
            place = _place(lines, number, lambda line: line.sort.state is not None)
            lines[place] = lines[place].saying(**{lines[place].sort.state or "": state})
        case OtherFee(number=number, fee=fee):
            place = _place(lines, number, lambda line: line.sort.fee is not None)
            lines[place] = lines[place].saying(**{lines[place].sort.fee or "": fee})


def _place(lines: Sequence[Line], number: str, meant: Callable[[Line], bool]) -> int:
    for place, line in enumerate(lines):
        if line.number == number and meant(line):
            return place
    raise NoSuchLineError(number)


def _has_amount(line: Line) -> bool:
    return bool(line.sort.amounts)


def _amounting(line: Line, amount: int) -> Line:
    return line.saying(**dict.fromkeys(line.sort.amounts, amount))


def _invented(
    kind: StatementKind, day: Day, mch_id: str, lines: Sequence[Line], what: Invented
) -> Line:
    """Make a line up: like the first of its sort, where there is one."""
    at = day.end - LAST_SECOND
    if kind is StatementKind.FUNDFLOW:
        moved = Movement(at, "交易", "交易", what.amount, what.reference, what.number)
        return flow_lines.flow_line(moved)
    sort = SORTS.get(kind, trade_lines.PAYMENT)
    like = next((line for line in lines if line.sort == sort), None)
    blank = trade_lines.blank(mch_id) | {"交易时间": at}
    if kind is StatementKind.SHARES:
        blank = share_lines.blank(mch_id)
    cells = like.cells if like else blank
    line = Line(at, what.number, sort, cells | _names(kind, what, at))
    return _amounting(line, what.amount)


def _names(kind: StatementKind, what: Invented, at: datetime) -> dict[str, Cell]:
    match kind:
        case StatementKind.SHARES:
            return {
                "分账时间": at,
                "微信分账/回退单号": what.reference,
                "分账明细单号": what.reference,
                "商户分账/回退单号": what.number,
            }
        case StatementKind.TRADE_REFUND:
            return {
                "交易状态": "REFUND",
                "退款类型": "ORIGINAL",
                "退款状态": "SUCCESS",
                "退款申请时间": at,
                "退款成功时间": at,
                "微信退款单号": what.reference,
                "商户退款单号": what.number,
                "手续费": 0,
            }
        case _:
            return {
                "交易时间": at,
                "微信订单号": what.reference,
                "商户订单号": what.number,
                "手续费": 0,
            }


def _first(lines: Sequence[Line], column: str, said: Callable[[Cell], Cell]) -> list[Line]:
    first, *rest = lines
    return [first.saying(**{column: said(first.cells[column])}), *rest]


def _the_day_before(line: Line) -> Line:
    moved = {
        name: cell - timedelta(days=1)
        for name, cell in line.cells.items()
        if isinstance(cell, datetime)
    }
    return line.saying(**moved)
