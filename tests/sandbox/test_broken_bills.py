"""Bills whose files are not what they should be: each wrong in one way, and in no other."""

import gzip
import hashlib

import pytest

from tests.sandbox.daybook import PATHS, asked_for, downloaded, plant, text_of
from tests.sandbox.shop import Shop


def broken(shop: Shop, bill: str, how: str) -> tuple[str, bytes]:
    """Return the true text of a bill, and its file when it is broken so."""
    true = text_of(shop, bill)
    assert plant(shop, bill, broken=how).status == 200
    told = asked_for(shop, bill).json
    body = downloaded(shop, told).body
    raw = body if how == "not_gzip" else gzip.decompress(body)
    digest = hashlib.sha1(raw, usedforsecurity=False).hexdigest()
    assert (told["hash_value"] == digest) is (how != "wrong_hash")
    assert plant(shop, bill).status == 200
    assert text_of(shop, bill) == true
    return true, raw


def expected(true: str, how: str, own: str) -> str:
    header, first, *rest = true.split("\r\n")
    match how:
        case "extra_summary":
            return f"{true}{rest[-2]}\r\n"
        case "truncated":
            *whole, last = [first, *rest][:-3]
            return "\r\n".join([header, *whole, last[: len(last) // 2]])
        case "other_merchant":
            return true.replace(f"`{own},", "`1900000999,", 1)
        case "wrong_day":
            return true.replace("`2026-11-24 16:", "`2026-11-23 16:")
        case "comma":
            return true.replace(_said(first), f"{_said(first)},大杯", 1)
        case "newline":
            return true.replace(_said(first), f"{_said(first)}\n大杯", 1)
        case _:
            return true


def _said(first: str) -> str:
    return next(text for text in ("一杯拿铁", "佣金", "含手续费 0.10 元") if text in first)


WAYS = ("extra_summary", "truncated", "other_merchant", "wrong_day", "comma", "newline")


@pytest.mark.parametrize("bill", PATHS)
@pytest.mark.parametrize("how", [*WAYS, "wrong_hash", "not_gzip"])
def test_a_broken_bill_is_broken_in_one_way(day: Shop, bill: str, how: str) -> None:
    if (bill, how) == ("fundflow", "other_merchant"):
        return
    true, raw = broken(day, bill, how)
    assert raw.decode("utf-8-sig") == expected(true, how, day.keys.mch_id)
    assert (raw.decode("utf-8-sig") == true) is (how in {"wrong_hash", "not_gzip"})


@pytest.mark.parametrize("bill", PATHS)
def test_a_bill_may_be_in_another_encoding(day: Shop, bill: str) -> None:
    true, raw = broken(day, bill, "gbk")
    assert raw.decode("gbk") == true
    with pytest.raises(UnicodeDecodeError):
        raw.decode()


@pytest.mark.parametrize("bill", PATHS)
def test_a_bill_may_have_a_column_that_nobody_knows(day: Shop, bill: str) -> None:
    true, raw = broken(day, bill, "unknown_column")
    before, after = (text.split("\r\n") for text in (true, raw.decode("utf-8-sig")))
    assert after[0].split(",")[2] == "新增列"
    assert [line.split(",`")[2] for line in after[1:-3]] == ["新"] * (len(before) - 4)
    assert [
        ",".join(cells[:2] + cells[3:]) for cells in (line.split(",") for line in after[:-3])
    ] == before[:-3]
    assert after[-3:] == before[-3:]
