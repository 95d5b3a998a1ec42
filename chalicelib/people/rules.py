"""What a merchant pays, and what it may do. Pure."""

from chalicelib.people.model import (
    SHARES_BASIS_POINTS_MAX,
    Capability,
    Merchant,
    RateTable,
    SharesOverCapError,
    Terms,
)


def rate_of(table: RateTable, *, level: str, category: str) -> int:
    """Return the platform's fee in basis points."""
    spots = (f"{level}/{category}", f"{level}/*", f"*/{category}")
    return next((table.rows[spot] for spot in spots if spot in table.rows), table.default)


def highest_rate(table: RateTable, *, level: str) -> int:
    """Return the most that a level pays in any category."""
    named = {spot.partition("/")[2] for spot in table.rows}
    return max(rate_of(table, level=level, category=category) for category in (named | {"*"}))


def assert_within_cap(table: RateTable, terms: Terms) -> None:
    """Raise `SharesOverCapError` when fee and shares could be more than may leave the seller."""
    shares = sum(partner.basis_points for partner in terms.partners)
    most = highest_rate(table, level=terms.level) + shares
    if most > SHARES_BASIS_POINTS_MAX:
        raise SharesOverCapError(
            "fee and partners' shares are over what may leave the seller",
            basis_points=most,
            basis_points_max=SHARES_BASIS_POINTS_MAX,
        )


def may(_merchant: Merchant, _capability: Capability) -> bool:
    """Tell whether a merchant may do something; until it is certified by levels, each may."""
    return True
