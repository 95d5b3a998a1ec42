"""From which address somebody calls, where headers are believed only as far as proxies are ours.

Each proxy appends whom it heard from to `X-Forwarded-For`. With n proxies of ours before us, the
last n names were written by those, and the one before them is the caller's; whatever stands further
left was sent by the caller, and may be anything.
"""

from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network

NOBODY = "unknown"
_IPV6_NETWORK_BITS = 64  # one household, or one telephone, has them all


def address_of(headers: Mapping[str, str], heard_from: str, *, trusted_proxies: int) -> str:
    """Return the caller's address, an IPv6 one as its network; `unknown` if it is none."""
    told = [part.strip() for part in str(headers.get("x-forwarded-for", "")).split(",")]
    hops = [part for part in told if part]
    if hops and hops[-1] == heard_from:  # API Gateway has written down itself whom it heard
        hops.pop()
    hops.append(heard_from)
    # With fewer names than proxies, somebody came round them: believe the connection alone.
    return _spelled(hops[-1 - trusted_proxies] if len(hops) > trusted_proxies else heard_from)


def _spelled(text: str) -> str:
    try:
        address = ip_address(text)
    except ValueError:
        return NOBODY
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ip_network((address, _IPV6_NETWORK_BITS), strict=False))
    return str(address)
