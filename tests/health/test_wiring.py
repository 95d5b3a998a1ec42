"""Looking everywhere at once: nobody is waited for, and nothing is asked of WeChat Pay."""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from chalicelib.health import wiring
from chalicelib.health.model import CheckName, State
from chalicelib.health.usecases import Findings
from chalicelib.providers.transport import Answer, NotSentError, Timeouts
from tests.edge.calls import listening
from tests.fakes.clock import START
from tests.fakes.house import House

URL = "https://api.mch.weixin.qq.com"


class Wire:
    """An address that answers with these headers, or not at all."""

    def __init__(self, headers: Mapping[str, str] | None) -> None:
        self.headers = headers
        self.asked: list[tuple[str, str, Mapping[str, str], bytes]] = []

    def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeouts: Timeouts
    ) -> Answer:
        assert timeouts.total_seconds < wiring.SECONDS_MAX
        self.asked.append((method, url, headers, body))
        if self.headers is None:
            raise NotSentError("away")
        return Answer(404, self.headers, b"")


def test_who_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "SECONDS_MAX", 0.2)
    let_go = threading.Event()

    def hang() -> Findings:
        let_go.wait(30)
        return {}

    def stumble() -> Findings:
        raise KeyError("a secret")

    began = time.monotonic()
    try:
        hung, stumbled, fine = wiring.at_once([hang, stumble, dict])
    finally:
        waited = time.monotonic() - began
        let_go.set()
    assert waited < 3
    assert isinstance(hung, TimeoutError)
    assert isinstance(stumbled, KeyError)
    assert fine == {}


@pytest.mark.parametrize(
    ("headers", "state", "says"),
    [
        ({"Date": "Tue, 24 Nov 2026 08:00:00 GMT"}, State.OK, "0 s"),
        ({"date": "Tue, 24 Nov 2026 08:01:30 GMT"}, State.WARNING, "90 s behind"),
        ({"Date": "Tue, 24 Nov 2026 07:55:00 GMT"}, State.FAILING, "300 s ahead"),
        ({"Server": "nginx"}, State.FAILING, "unreachable: IndexError"),
        ({"Date": "yesterday"}, State.FAILING, "unreachable: ValueError"),
        (None, State.FAILING, "unreachable: NotSentError"),
    ],
)
def test_the_clock_is_held_against_the_date_of_a_real_answer(
    quick_house: House, headers: Mapping[str, str] | None, state: State, says: str
) -> None:
    assert datetime(2026, 11, 24, 8, tzinfo=UTC) == START
    wire = Wire(headers)
    examine = wiring.examination(
        quick_house.table,
        quick_house.clock,
        dead_letters={
            name: lambda: 0
            for name in ("bookings", "commands", "events", "reconciliations", "settlements")
        },
        transport=wire,
        provider_url=URL,
        public_key=True,
        tell=wiring._tell,
    )
    with listening() as ear:
        report = examine.examine()
    (check,) = [one for one in report.checks if one.name is CheckName.CLOCK]
    assert check.state is state
    assert says in check.says
    assert wire.asked == [("GET", f"{URL}/", {}, b"")]
    counted = [line["check"] for line in ear.lines if "CheckUnreachable" in line]
    assert counted == (["clock"] if "unreachable" in says else [])
