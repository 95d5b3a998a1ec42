"""Putting something up for sale."""

from dataclasses import dataclass

from chalicelib.catalog import rules
from chalicelib.catalog.model import Product, ProductNotFoundError, SellerNotFoundError
from chalicelib.catalog.store import PRODUCT, CatalogStore, read_product
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.fingerprint import fingerprint
from chalicelib.kernel.ids import MerchantId, ProductId
from chalicelib.kernel.money import Money
from chalicelib.storage.commit import CommitRefusedError, Commits


@dataclass(frozen=True, slots=True)
class Catalog:
    """The shelf."""

    products: CatalogStore
    commits: Commits

    def create(
        self,
        merchant_id: MerchantId,
        *,
        title: str,
        price: Money,
        stock: int,
        stock_shards: int,
        key: str,
        category: str = "",
    ) -> Product:
        """Put a product up for sale; the same merchant and key give the same product."""
        product_id = ProductId.derive("create_product", merchant_id, key)
        said = (title, price.currency, price.amount, stock, stock_shards)
        request = fingerprint(*said, *((category,) if category else ()))
        try:
            with self.commits() as work:
                product = Product(
                    id=product_id,
                    merchant_id=merchant_id,
                    title=title,
                    price=price,
                    stock_shards=stock_shards,
                    category=category,
                    created_at=work.at,
                )
                shares = rules.spread(stock, stock_shards)
                self.products.created(work, product, shares, request=request)
                work.emit("product.created", product_id)
        except CommitRefusedError as refused:
            old = refused.refusals.get(PRODUCT)
            if old is None:
                raise SellerNotFoundError("the merchant is not registered") from None
            if old["request"] != request:
                raise IdempotencyKeyReusedError(
                    "this Idempotency-Key created another product"
                ) from None
            product = read_product(product_id, old)
        return product

    def get(self, product_id: ProductId) -> tuple[Product, int]:
        """Return a product and what is left of it, or raise `ProductNotFoundError`."""
        product = self.products.find(product_id)
        if product is None:
            raise ProductNotFoundError("there is no such product", product_id=product_id)
        return product, sum(self.products.stock_left(product))
