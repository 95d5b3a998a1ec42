"""A forged `X-Forwarded-For` makes nobody another: only what our own proxies wrote is believed."""

import pytest

from chalicelib.edge.source import address_of

ME, PROXY, FIRST = "203.0.113.7", "10.0.0.1", "10.0.0.2"


@pytest.mark.parametrize(
    ("proxies", "heard_from", "told", "expected"),
    [
        # no proxy of ours: the connection, whatever is told
        (0, ME, None, ME),
        (0, ME, "1.1.1.1", ME),
        (0, ME, "1.1.1.1, 2.2.2.2, 3.3.3.3", ME),
        # API Gateway writes down whom it heard
        (0, ME, f"1.1.1.1, {ME}", ME),
        # one proxy, which appended the caller
        (1, PROXY, ME, ME),
        (1, PROXY, f"1.1.1.1, {ME}", ME),
        (1, PROXY, f"{PROXY}, {ME}", ME),
        # one proxy before API Gateway, which appended the proxy
        (1, PROXY, f"1.1.1.1, {ME}, {PROXY}", ME),
        # two
        (2, PROXY, f"1.1.1.1, {ME}, {FIRST}", ME),
        # round the proxies: what is told was told by the caller
        (1, ME, None, ME),
        (2, ME, "1.1.1.1", ME),
        # no address at all
        (1, PROXY, "1.1.1.1, not-an-address", "unknown"),
        (0, "", None, "unknown"),
        # one household has a whole network
        (0, "2001:db8:1:2:3:4:5:6", None, "2001:db8:1:2::/64"),
        (0, "::ffff:203.0.113.7", None, ME),
    ],
)
def test_the_caller_is_whom_our_own_proxy_heard(
    proxies: int, heard_from: str, told: str | None, expected: str
) -> None:
    headers = {} if told is None else {"x-forwarded-for": told}
    assert address_of(headers, heard_from, trusted_proxies=proxies) == expected
