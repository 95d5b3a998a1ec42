"""Members' and merchants' items."""

from dataclasses import dataclass

from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.kernel.ids import MemberId, MerchantId
from chalicelib.people.model import Member, Merchant, Terms
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import ITEM_PRESENT, Set
from chalicelib.storage.table import Table
from chalicelib.storage.values import Item

MEMBER = "member"
MERCHANT = "merchant"


def read_member(member_id: MemberId, item: Item) -> Member:
    """Read a member's item."""
    return Member(
        id=member_id,
        openid=str(item["openid"]),
        created_at=instant_from(str(item["created_at"])),
    )


def read_merchant(merchant_id: MerchantId, item: Item) -> Merchant:
    """Read a merchant's item."""
    return Merchant(
        id=merchant_id,
        name=str(item["name"]),
        created_at=instant_from(str(item["created_at"])),
        terms=Terms.model_validate_json(str(item.get("terms", "{}"))),
    )


@dataclass(frozen=True, slots=True)
class PeopleStore:
    """Where members and merchants are kept."""

    table: Table

    def find_member(self, member_id: MemberId) -> Member | None:
        """Return a member, if there is one."""
        item = self.table.get(keys.member(member_id))
        return read_member(member_id, item) if item else None

    def find_merchant(self, merchant_id: MerchantId) -> Merchant | None:
        """Return a merchant, if there is one."""
        item = self.table.get(keys.merchant(merchant_id))
        return read_merchant(merchant_id, item) if item else None

    def joined(self, work: Work, member: Member) -> None:
        """Add a new member."""
        item: Item = {"openid": member.openid, "created_at": instant_text(member.created_at)}
        work.put(keys.member(member.id), item, refusal=MEMBER)

    def registered(self, work: Work, merchant: Merchant) -> None:
        """Add a new merchant."""
        item: Item = {
            "name": merchant.name,
            "created_at": instant_text(merchant.created_at),
            "terms": merchant.terms.model_dump_json(),
        }
        work.put(keys.merchant(merchant.id), item, refusal=MERCHANT)

    def agreed(self, work: Work, merchant_id: MerchantId, terms: Terms) -> None:
        """Replace a registered merchant's terms."""
        work.update(
            keys.merchant(merchant_id),
            Set("terms", terms.model_dump_json()),
            when=ITEM_PRESENT,
            refusal=MERCHANT,
        )
