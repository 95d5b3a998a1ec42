"""What is told of a call: by its route, its tries and its fate, and with nothing of anybody's."""

import pytest

from chalicelib.kernel.clock import SystemClock
from chalicelib.providers.port import Called, Fate, route_of, told
from chalicelib.providers.transport import NotSentError, UrllibTransport
from chalicelib.providers.tries import Try, note_try, watched
from tests.providers.test_transport import QUICK, ok, saying, server


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v3/pay/transactions/jsapi", "/v3/pay/transactions/jsapi"),
        (
            "/v3/pay/transactions/out-trade-no/pay_01KAMBPZR0000000000000000A?mchid=19",
            "/v3/pay/transactions/out-trade-no/{}",
        ),
        (
            "/v3/pay/partner/transactions/out-trade-no/pay_01KAMBPZR0000000000000000A/close",
            "/v3/pay/partner/transactions/out-trade-no/{}/close",
        ),
        ("/v3/refund/domestic/refunds/rfd_01K?sub_mchid=1", "/v3/refund/domestic/refunds/{}"),
        (
            "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/pot01K/cancel",
            "/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{}/cancel",
        ),
        (
            "/v3/profitsharing/transactions/4200001234202611240000000001/amounts",
            "/v3/profitsharing/transactions/{}/amounts",
        ),
        (
            "/v3/merchant-service/complaints-v2/200201820200101080076610000/response",
            "/v3/merchant-service/complaints-v2/{}/response",
        ),
        ("/v3/bill/tradebill?bill_date=2026-11-24", "/v3/bill/tradebill"),
        ("/wxa/sec/order/upload_shipping_info", "/wxa/sec/order/upload_shipping_info"),
        ("/sns/jscode2session?secret=s", "/sns/jscode2session"),
        ("/x/oUpF8uMuAJO_M2pxb1Q9zNjWeS6o", "/x/{}"),
        ("/x/13800138000", "/x/{}"),
    ],
)
def test_a_route_is_a_path_without_numbers(path: str, route: str) -> None:
    assert route_of(path) == route


def test_every_try_is_told_with_the_call_and_no_other_calls() -> None:
    heard: list[Called] = []
    note_try(Try(9, 200, "before"))
    with told(heard.append, "GET", "/v3/certificates") as say:
        note_try(Try(5, 0, ""))
        note_try(Try(7, 200, "08F78B"))
        say(Fate.ANSWERED)
    note_try(Try(9, 200, "after"))
    (one,) = heard
    assert one.tries == (Try(5, 0, ""), Try(7, 200, "08F78B"))
    assert one.milliseconds == 12


def test_the_network_says_what_it_tried_and_how_the_other_side_calls_it() -> None:
    network = UrllibTransport(SystemClock())
    with server(saying(ok(b"{}", b"Request-ID: 08F78B-1 <b>", b"X: secret"))) as url:
        with watched() as tries:
            network.send("GET", f"{url}/x?secret=s", {}, b"", QUICK)
            with pytest.raises(NotSentError):
                network.send("GET", "http://127.0.0.1:1/x?secret=s", {}, b"", QUICK)
        assert [(one.status, one.request_id) for one in tries] == [(200, "08F78B-1b"), (0, "")]
