"""Products' items, and the stock that orders take and give back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.catalog.model import Product, Take
from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.kernel.ids import MerchantId, ProductId
from chalicelib.kernel.money import Money
from chalicelib.storage import keys
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import ITEM_PRESENT, Add, AtLeast
from chalicelib.storage.table import Table
from chalicelib.storage.values import Item, Key, whole

PRODUCT = "product"
SELLER = "seller"


def stock_refusal(take: Take) -> str:
    """Name the refusal of one take."""
    return f"stock/{take.product_id}/{take.shard}"


def read_product(product_id: ProductId, item: Item) -> Product:
    """Read a product's item."""
    return Product(
        id=product_id,
        merchant_id=MerchantId(str(item["merchant"])),
        title=str(item["title"]),
        price=Money(amount=whole(item["price"]), currency=str(item["currency"])),
        stock_shards=whole(item["shards"]),
        category=str(item.get("category", "")),
        created_at=instant_from(str(item["created_at"])),
    )


@dataclass(frozen=True, slots=True)
class CatalogStore:
    """Where products and their stock are kept."""

    table: Table

    def find(self, product_id: ProductId) -> Product | None:
        """Return a product, if there is one."""
        item = self.table.get(keys.product(product_id))
        return read_product(product_id, item) if item else None

    def stock_left(self, product: Product) -> list[int]:
        """Return what each shard has left, in one round trip."""
        shards = [keys.stock(product.id, shard) for shard in range(product.stock_shards)]
        found: Mapping[Key, Item] = self.table.get_many(shards)
        return [whole(found[key]["free"]) for key in shards]

    def created(self, work: Work, product: Product, stock: Sequence[int], *, request: str) -> None:
        """Add a registered merchant's product with its stock, a number a shard."""
        assert len(stock) == product.stock_shards
        item: Item = {
            "merchant": product.merchant_id,
            "title": product.title,
            "price": product.price.amount,
            "currency": product.price.currency,
            "shards": product.stock_shards,
            "category": product.category,
            "created_at": instant_text(product.created_at),
            "request": request,
        }
        work.put(keys.product(product.id), item, refusal=PRODUCT)
        work.check(keys.merchant(product.merchant_id), when=ITEM_PRESENT, refusal=SELLER)
        for shard, free in enumerate(stock):
            work.put(keys.stock(product.id, shard), {"free": free}, refusal=f"stock/{shard}")

    def take(self, work: Work, takes: Sequence[Take]) -> None:
        """Take pieces; a shard never goes below zero."""
        for take in takes:
            work.update(
                keys.stock(take.product_id, take.shard),
                Add("free", -take.quantity),
                when=AtLeast("free", take.quantity),
                refusal=stock_refusal(take),
            )

    def give_back(self, work: Work, takes: Sequence[Take]) -> None:
        """Return pieces to where they were taken; once, because the order's state guards it."""
        for take in takes:
            work.update(
                keys.stock(take.product_id, take.shard),
                Add("free", take.quantity),
                when=ITEM_PRESENT,
                refusal=stock_refusal(take),
            )
