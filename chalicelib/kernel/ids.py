"""Typed ids: a three-letter prefix and a ULID, 30 characters, so that ids can't be swapped.

They fit WeChat Pay's `out_trade_no` (6–32 of `[0-9A-Za-z_-|*]`).
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema
from ulid import ULID

from chalicelib.kernel.errors import Kind, PlatformError

_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
"""A ULID as it is always spelled: 128 bits in Crockford's base 32, upper case."""

_PREFIX_LENGTH = 4
_ULID_LENGTH = 26

Randomness = Callable[[int], bytes]
"""So many random bytes: `os.urandom` in production, seeded in the simulator."""


class InvalidIdError(PlatformError):
    """A text that is no id of the kind asked for."""

    kind = Kind.INVALID
    code = "invalid_id"


class Id(str):
    """A text `<prefix>_<ULID>`; subclasses name the prefix."""

    __slots__ = ()
    prefix: ClassVar[str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an id, or raise `InvalidIdError`."""
        if text.startswith(f"{cls.prefix}_") and _ULID.fullmatch(text, _PREFIX_LENGTH):
            return cls(text)
        raise InvalidIdError(f"not an id of the form {cls.prefix}_…", given=text[:64])

    @classmethod
    def mint(cls, *, at_ms: int, randomness: Randomness) -> Self:
        """Make a new id: 48 bits of time in milliseconds, 80 random bits."""
        return cls(f"{cls.prefix}_{ulid_text(at_ms=at_ms, randomness=randomness)}")

    @classmethod
    def derive(cls, *parts: str) -> Self:
        """Make the one id that belongs to these parts, so that a retry meets its own item."""
        joined = b"".join(len(part.encode()).to_bytes(4) + part.encode() for part in parts)
        digest = hashlib.sha256(cls.prefix.encode() + joined).digest()
        return cls(f"{cls.prefix}_{ULID.from_bytes(digest[:16])}")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as text of this prefix; serialise as plain text."""
        return core_schema.no_info_after_validator_function(cls._read, core_schema.str_schema())

    @classmethod
    def _read(cls, text: str) -> Self:
        try:
            return cls.parse(text)
        except InvalidIdError as error:
            raise ValueError(error.detail) from None

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the shape in OpenAPI."""
        return {"type": "string", "pattern": f"^{cls.prefix}_[0-9A-HJKMNP-TV-Z]{{26}}$"}


def ulid_text(*, at_ms: int, randomness: Randomness) -> str:
    """Return a ULID whose text order is its time order."""
    text = str(ULID.from_bytes(at_ms.to_bytes(6) + randomness(10)))
    assert len(text) == _ULID_LENGTH
    return text


class MerchantId(Id):
    """A merchant (商家)."""

    prefix = "mer"


class MemberId(Id):
    """A shopper (会员)."""

    prefix = "mem"


class ProductId(Id):
    """Something a merchant sells (商品)."""

    prefix = "prd"


class OrderId(Id):
    """An order (订单)."""

    prefix = "ord"


class PaymentId(Id):
    """One attempt to pay an order (支付单); WeChat Pay's `out_trade_no`."""

    prefix = "pay"


class RefundId(Id):
    """Money on its way back to a shopper (退款单)."""

    prefix = "rfd"


class EntryId(Id):
    """A journal entry (分录)."""

    prefix = "ent"


class PayoutId(Id):
    """Money on its way to a merchant (打款单)."""

    prefix = "out"


class SettlementId(Id):
    """The settling of one business day (结算单)."""

    prefix = "set"


class DisputeId(Id):
    """A shopper's dispute of an order (争议单)."""

    prefix = "dsp"


class EvidenceId(Id):
    """What a party says in a dispute (举证)."""

    prefix = "evd"


class PartnerId(Id):
    """Somebody who earns a share (合作伙伴)."""

    prefix = "ptn"


class DiscrepancyId(Id):
    """Where a provider's books and ours differ (差错单)."""

    prefix = "dcr"
