"""What a month costs follows the measured verbs and the reader's prices, and the page shows it."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from benchmarks import bill as bills
from benchmarks.bill import Assumed, bill
from benchmarks.verbs import BUDGETS

ROOT = Path(__file__).parent.parent.parent
PRICES: dict[str, str] = json.loads((ROOT / "benchmarks" / "prices.json").read_text())


@pytest.mark.parametrize("name", [name for name in PRICES if name not in {"currency", "assumed"}])
def test_every_price_counts(name: str) -> None:
    dearer = PRICES | {name: str(Decimal(PRICES[name]) * 2)}
    before, after = (bill(100_000, prices, Assumed()) for prices in (PRICES, dearer))
    assert sum(after.values()) > sum(before.values())


def test_what_is_written_follows_the_measured_verbs(monkeypatch: pytest.MonkeyPatch) -> None:
    before = bill(1_000_000, PRICES, Assumed())["DynamoDB, written"]
    monkeypatch.setattr(bills, "PURCHASE", (*bills.PURCHASE, "payment notified"))
    after = bill(1_000_000, PRICES, Assumed())["DynamoDB, written"]
    million = Decimal(PRICES["dynamodb_million_write_units"])
    assert after - before == BUDGETS["payment notified"].write_units * million


def test_the_page_shows_the_lines_of_the_bill() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    missing = [line for line in bill(1, PRICES, Assumed()) if line not in page]
    assert not missing, "run `make costs` and put its table into docs/deploy.md"
