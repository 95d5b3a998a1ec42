"""A bill's text: read whole as it is written, or refused whole, with the line and the column."""

from datetime import date

import pytest

from chalicelib.providers.bills import (
    BillBrokenError,
    BillKind,
    BillLine,
    BillTotals,
    LineKind,
    LineState,
)
from chalicelib.providers.wechatpay.billtext import LINE_BYTES_MAX
from tests.providers import bill_texts as texts
from tests.providers.bill_texts import (
    FLOWS,
    PAYMENTS,
    SHARES,
    TEXTS,
    changed,
    read,
    refused,
)

KINDS = list(BillKind)
P, R, F, S = BillKind.PAYMENTS, BillKind.REFUNDS, BillKind.FLOWS, BillKind.SHARES


def test_payments_are_read() -> None:
    (own, sellers), totals = read(P, PAYMENTS)
    assert own == BillLine(
        line=2,
        kind=LineKind.PAYMENT,
        number="pay_01KAMBPZR0000000000000000A",
        reference="4200002101202611240000000001",
        at="2026-11-24T10:00:00+08:00",
        amount=1999,
        fee=8,
        state=LineState.DONE,
        payment="pay_01KAMBPZR0000000000000000A",
        seller="",
        party="",
        rate="0.38%",
        note="",
    )
    assert (sellers.line, sellers.seller, sellers.amount, sellers.fee) == (
        3,
        "1911111111",
        10_000,
        60,
    )
    assert totals == BillTotals(2, 0, 0)


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("SUCCESS", LineState.DONE),
        ("PROCESSING", LineState.PENDING),
        ("CHANGE", LineState.PENDING),
        ("FAIL", LineState.FAILED),
    ],
)
def test_refunds_are_read(word: str, state: LineState) -> None:
    (line,), totals = read(R, changed(R, "PROCESSING", word))
    assert line == BillLine(
        line=2,
        kind=LineKind.REFUND,
        number="rfd_01KAMBPZR0000000000000000A",
        reference="50300000000000000000000000001",
        at="2026-11-24T09:00:00+08:00",
        amount=500,
        fee=-3,
        state=state,
        payment="pay_01KAMBPZR0000000000000000C",
        seller="1911111111",
        party="",
        rate="0.60%",
        note=word,
    )
    assert totals.lines == 1


def test_flows_are_read_and_the_account_may_owe() -> None:
    lines, totals = read(F, FLOWS)
    assert totals == BillTotals(4, -10_000, -9_109)
    assert [(line.kind, line.amount, line.number, line.note) for line in lines] == [
        (LineKind.LISTED, 1999, "pay_01KAMBPZR0000000000000000A", "交易"),
        (LineKind.FEE, 8, "pay_01KAMBPZR0000000000000000A", "扣除交易手续费"),
        (LineKind.OTHER, -1000, "", "提现"),
        (LineKind.TRANSFER, 100, "pyt01KAMBPZR0000000000000000A", "商家转账"),
    ]


def test_shares_are_read() -> None:
    lines, totals = read(S, SHARES)
    assert totals.lines == 2
    assert [(line.kind, line.amount, line.party, line.state) for line in lines] == [
        (LineKind.SHARE, 3000, "1900009191", LineState.DONE),
        (LineKind.UNFREEZE, 7000, "1911111111", LineState.PENDING),
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_bill_is_written_in_many_ways(kind: BillKind) -> None:
    text = TEXTS[kind]
    expected = read(kind, text)
    spelled = {
        "byte order mark": "\ufeff" + text,
        "CRLF": text.replace("\n", "\r\n"),
        "both": "\ufeff" + text.replace("\n", "\r\n"),
        "no end of the last line": text.removesuffix("\n"),
        "an empty line at the end": text + "\r\n",
        "other order": texts.turned(text),
    }
    assert {name: read(kind, one) for name, one in spelled.items()} == dict.fromkeys(
        spelled, expected
    )


@pytest.mark.parametrize(
    ("kind", "columns", "total"),
    [
        (P, ["应结订单金额", "代金券金额", "费率备注"], ("应结订单总金额,", "`2,`114.99", "`2")),
        (
            R,
            ["应结订单金额", "代金券金额", "费率备注", "退款成功时间"],
            ("应结订单总金额,", "`1,`0.00", "`1"),
        ),
    ],
)
def test_an_early_format_lacks_columns(
    kind: BillKind, columns: list[str], total: tuple[str, str, str]
) -> None:
    text = TEXTS[kind]
    for column in columns:
        text = texts.without(text, column)
    assert read(kind, text) == read(kind, TEXTS[kind])
    name, old, new = total
    assert read(kind, text.replace(name, "").replace(old, new)) == read(kind, TEXTS[kind])


def test_a_bill_without_rows_is_a_bill() -> None:
    header, *_, names, _ = PAYMENTS.splitlines()
    lines, totals = read(P, f"{header}\n{names}\n`0,`0.00,`0.00,`0.00,`0.00,`0.00,`0.00\n")
    assert (lines, totals) == ([], BillTotals(0, 0, 0))


@pytest.mark.parametrize(
    ("day", "time", "fits"),
    [
        ("2026-11-23", "22:59:59", False),
        ("2026-11-23", "23:00:00", True),
        ("2026-11-24", "00:00:00", True),
        ("2026-11-25", "00:59:59", True),
        ("2026-11-25", "01:00:00", False),
        ("2025-11-24", "10:00:00", False),
        ("2026-11-22", "23:59:59", False),
    ],
)
@pytest.mark.parametrize(
    ("kind", "old"),
    [
        (P, "`2026-11-24 10:00:00"),
        (R, "`2026-11-24 09:00:00"),
        (F, "`2026-11-24 11:00:00"),
        (S, "`2026-11-24 10:00:01"),
    ],
)
def test_a_line_is_of_its_day_or_within_an_hour_of_midnight(
    kind: BillKind, old: str, day: str, time: str, *, fits: bool
) -> None:
    text = changed(kind, old, f"`{day} {time}")
    if fits:
        lines, _ = read(kind, text)
        assert f"{day}T{time}+08:00" in {line.at for line in lines}
    else:
        assert refused(kind, text)["day"] == "2026-11-24"


def at(line: int, column: str | None) -> dict[str, object]:
    return {"line": line} | ({"column": column} if column else {})


BROKEN = [
    ("another merchant's", P, "`1900009191,`0", "`1900009192,`0", 2, "商户号"),
    ("another merchant's", R, "`1900009191", "`1900009192", 2, "商户号"),
    (
        "another merchant's",
        S,
        "`1900009191,`1911111111",
        "`1900009192,`1911111111",
        2,
        "分账发起方",
    ),
    ("an unknown column", P, "设备号", "设备", 1, "设备"),
    ("an unknown column", F, "业务凭证号\n", "业务凭证号,余额\n", 1, "余额"),
    ("a column is missing", P, "设备号,", "", 1, "设备号"),
    ("a column twice", P, "设备号", "商户号", 1, "商户号"),
    ("a column's case", P, "公众账号ID", "公众账号id", 1, "公众账号id"),
    ("a space in a column", P, "商户号", " 商户号", 1, " 商户号"),
    ("one cell fewer", P, "`OTHERS,", "", 2, "费率备注"),
    ("one cell more", P, "`OTHERS,", "`OTHERS,`,", 2, "费率备注"),
    ("a bare comma", P, "一杯拿铁", "一杯,拿铁", 2, "商品名称"),
    ("a backquote trick", P, "一杯拿铁", "一杯,`拿铁", 2, "费率备注"),
    ("a trick that keeps the count", P, "`一杯拿铁,`ord", "`一杯,`拿铁,ord", 2, "商户数据包"),
    ("a newline", P, "一杯拿铁", "一杯\n拿铁", 2, "商户数据包"),
    ("a carriage return", P, "一杯拿铁", "一杯\r拿铁", 2, "商品名称"),
    ("a NUL", P, "一杯拿铁", "一杯\0拿铁", 2, "商品名称"),
    ("a tab", P, "一杯拿铁", "一杯\t拿铁", 2, "商品名称"),
    ("the sorter's own mark", P, "一杯拿铁", "一杯\x1f拿铁", 2, "商品名称"),
    ("a control character in the header", P, "设备号", "设\x7f备号", 1, None),
    ("an exponent", P, "`19.99", "`1e9", 2, "订单金额"),
    ("a plus sign", P, "`19.99", "`+19.99", 2, "订单金额"),
    ("a minus sign of print", P, "`19.99", "`−19.99", 2, "订单金额"),
    ("full-width digits", P, "`19.99", "`１９.９９", 2, "订单金额"),
    ("Arabic digits", P, "`19.99", "`١٩.٩٩", 2, "订单金额"),
    ("NaN", P, "`19.99", "`NaN", 2, "订单金额"),
    ("Infinity", P, "`19.99", "`Infinity", 2, "订单金额"),
    ("an underscore", P, "`19.99", "`1_9.99", 2, "订单金额"),
    ("no decimals", P, "`19.99", "`19", 2, "订单金额"),
    ("one decimal", P, "`19.99", "`19.9", 2, "订单金额"),
    ("part of a fen", P, "`0.08000", "`0.08100", 2, "手续费"),
    ("six decimals", P, "`0.08000", "`0.080000", 2, "手续费"),
    ("thousands apart", P, "`19.99", "`1 999.00", 2, "订单金额"),
    ("a space", P, "`19.99", "` 19.99", 2, "订单金额"),
    ("nothing", P, "`19.99", "`", 2, "订单金额"),
    ("a number beyond all money", P, "`19.99", f"`{'9' * 5000}.99", 2, "订单金额"),
    ("a payment below zero", P, "`19.99", "`-19.99", 2, "订单金额"),
    ("a refund below zero", R, "`5.00,`\n", "`-5.00,`\n", 2, "申请退款金额"),
    ("a share below zero", S, "`30.00", "`-30.00", 2, "金额"),
    ("another currency", P, "`CNY", "`USD", 2, "货币种类"),
    ("another state", P, "`SUCCESS", "`REVOKED", 2, "交易状态"),
    ("a state of refunds that isn't known", R, "`PROCESSING", "`MAYBE", 2, "退款状态"),
    ("a state of shares that isn't known", S, "`处理中", "`也许", 3, "处理状态"),
    ("a kind of sharing that isn't known", S, "`解冻", "`赠送", 3, "业务类型"),
    ("no number", P, "`4200002101202611240000000001", "`", 2, "微信订单号"),
    ("no refund's number", R, "`rfd_01KAMBPZR0000000000000000A", "`", 2, "商户退款单号"),
    ("no flow's number", F, "`flow2", "`", 3, "资金流水单号"),
    ("no time", P, "`2026-11-24 10:00:00", "`2026-11-24 10:00", 2, "交易时间"),
    ("no such time", P, "`2026-11-24 10:00:00", "`2026-11-24 24:00:00", 2, "交易时间"),
    ("a time of elsewhere", P, "`2026-11-24 10:00:00", "`2026-11-24T10:00:00Z", 2, "交易时间"),
    ("neither side", F, "`收入", "`转入", 2, "收支类型"),
    ("an expense below zero", F, "`0.08", "`-0.08", 3, "收支金额(元)"),
    ("what is left doesn't follow", F, "`-80.09", "`-80.08", 3, "账户结余(元)"),
    ("a flow is missing", F, "`提现,`支出,`10.00", "`提现,`支出,`9.99", 4, "账户结余(元)"),
    ("a row without its backquote", P, "`2026-11-24 23", "2026-11-24 23", 3, "总交易单数"),
    ("an empty line", P, "\n`2026-11-24 23", "\n\n`2026-11-24 23", 3, "总交易单数"),
    ("other totals", P, "总交易单数", "交易单数", 4, "总交易单数"),
    ("an unknown total", P, "退款总金额,", "退款总额,", 5, "退款总额"),
    ("a total is missing", P, ",订单总金额", "", 4, "订单总金额"),
    ("a total twice", P, ",订单总金额", ",手续费总金额", 4, "手续费总金额"),
    ("a total too few", P, "`2,`114.99", "`2", 5, "申请退款总金额"),
    ("a total too many", P, "`2,`114.99", "`2,`114.99,`0.00", 5, "申请退款总金额"),
    ("a total of nothing", P, "`0.00,`0.00,`0.68", "`x,`0.00,`0.68", 5, "退款总金额"),
    ("an extra row of totals", P, "`0.00\n", "`0.00\n`2,`114.99\n", 6, "总交易单数"),
    ("something after an empty line", F, "`11.08\n", "`11.08\n\nx", 9, "资金流水总笔数"),
]
SUMS = [
    (P, "`2,`114.99", "`3,`114.99", "总交易单数"),
    (P, "`2,`114.99", "`2.5,`114.99", "总交易单数"),
    (P, "`2,`114.99", "`２,`114.99", "总交易单数"),
    (P, "`114.99", "`115.00", "应结订单总金额"),
    (P, "`0.68000", "`0.69000", "手续费总金额"),
    (P, "`119.99", "`-119.99", "订单总金额"),
    (R, "`1,`0.00", "`2,`0.00", "总交易单数"),
    (R, "`1,`0.00", "`1,`0.01", "应结订单总金额"),
    (R, "`1,`0.00,`5.00", "`1,`0.00,`5.01", "退款总金额"),
    (R, "`5.00,`0.00,`-0.03", "`5.00,`0.01,`-0.03", "充值券退款总金额"),
    (R, "`-0.03000,`0.00,`5.00\n", "`0.03000,`0.00,`5.00\n", "手续费总金额"),
    (R, "`-0.03000,`0.00,`5.00\n", "`-0.03000,`0.01,`5.00\n", "订单总金额"),
    (R, "`-0.03000,`0.00,`5.00\n", "`-0.03000,`0.00,`5.01\n", "申请退款总金额"),
    (F, "`4,`1,", "`5,`1,", "资金流水总笔数"),
    (F, "`4,`1,", "`4,`2,", "收入笔数"),
    (F, "`1,`19.99,", "`1,`19.98,", "收入金额"),
    (F, "`3,`11.08", "`2,`11.08", "支出笔数"),
    (F, "`3,`11.08", "`3,`11.09", "支出金额"),
    (S, "`2,`100.00", "`1,`100.00", "分账总笔数"),
    (S, "`2,`100.00", "`2,`100.01", "分账总金额"),
]


@pytest.mark.parametrize(
    ("kind", "old", "new", "line", "column"),
    [row[1:] for row in BROKEN],
    ids=[f"{row[1]}: {row[0]}" for row in BROKEN],
)
def test_a_broken_bill_is_refused_whole(
    kind: BillKind, old: str, new: str, line: int, column: str | None
) -> None:
    assert refused(kind, changed(kind, old, new)) == at(line, column)


@pytest.mark.parametrize(("kind", "old", "new", "column"), SUMS)
def test_totals_must_add_up(kind: BillKind, old: str, new: str, column: str) -> None:
    whole = TEXTS[kind]
    head, _, tail = whole.rpartition(old)
    assert head
    assert refused(kind, head + new + tail) == at(whole.count("\n"), column)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_more_or_less_shows_in_the_totals(kind: BillKind) -> None:
    header, row, *rest = TEXTS[kind].splitlines()
    assert refused(kind, "\n".join([header, row, row, *rest]))
    assert refused(kind, "\n".join([header, *rest]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_bill_that_was_cut_off_is_refused_wherever_it_was(kind: BillKind) -> None:
    text = TEXTS[kind].encode()
    for length in range(len(text) - 1):
        assert "line" in refused(kind, text[:length]), length
    assert read(kind, text[:-1]) == read(kind, text)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (b"", {"line": 0}),
        (b"\n", {"line": 1}),
        (b"\xef\xbb\xbf", {"line": 1}),
        (PAYMENTS.splitlines()[0].encode(), {"line": 1, "column": "总交易单数"}),
        (PAYMENTS.encode("gbk"), {"line": 1}),
        (PAYMENTS.encode("utf-16"), {"line": 1}),
        (
            PAYMENTS.encode().replace("茶".encode(), "茶".encode("gbk")),
            {"line": 3, "column": "商品名称"},
        ),
        (
            PAYMENTS.encode().replace("茶".encode(), b"\xed\xa0\x80"),
            {"line": 3, "column": "商品名称"},
        ),
        (b"\xef\xbb\xbf" + PAYMENTS.encode().replace(b"\n", b"\n\xef\xbb\xbf", 1), {"line": 2}),
        (
            PAYMENTS.encode().replace("茶".encode(), b"x" * LINE_BYTES_MAX),
            {"line": 3, "column": "商品名称"},
        ),
        (b"<html>502 Bad Gateway</html>", {"line": 1, "column": "<html>502 Bad Gateway</html>"}),
        (b'{"code":"INVALID_REQUEST"}', {"line": 1, "column": '{"code":"INVALID_REQUEST"}'}),
    ],
)
def test_bytes_that_are_no_bill_are_refused(text: bytes, where: dict[str, object]) -> None:
    found = refused(P, text)
    assert {name: found[name] for name in where} == where
    if "column" not in where and found.get("column") is not None:
        assert found["column"] == "总交易单数"


def test_what_stands_in_a_broken_cell_is_not_repeated() -> None:
    with pytest.raises(BillBrokenError) as caught:
        read(P, changed(P, "`19.99", "`secret"))
    assert "secret" not in f"{caught.value.detail}{caught.value.facts}"


def test_another_days_bill_and_another_kinds_are_refused() -> None:
    bill = texts.opened(P, PAYMENTS.encode(), day=date(2026, 11, 20))
    with pytest.raises(BillBrokenError):
        list(bill.lines())
    for kind in KINDS:
        for other in set(KINDS) - {kind}:
            assert refused(kind, TEXTS[other])["line"] == 1
