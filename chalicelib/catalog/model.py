"""What is for sale."""

from pydantic import AwareDatetime

from chalicelib.kernel.errors import Kind, NotFoundError, PlatformError
from chalicelib.kernel.ids import MerchantId, ProductId
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record

TITLE_CHARACTERS_MAX = 60
PRICE_FEN_MAX = 100_000_000  # a million yuan
STOCK_MAX = 1_000_000_000
STOCK_SHARDS_MAX = 16


class Product(Record):
    """A product (商品). Its price here is the only price there is.

    `stock_shards` spreads the stock of a product that sells very fast over several items, since
    one item bears only so many commits a second.
    """

    id: ProductId
    merchant_id: MerchantId
    title: str
    price: Money
    stock_shards: int
    category: str = ""  # a row of the platform's rate table, or none
    created_at: AwareDatetime


class Take(Record):
    """So many pieces from one shard of a product's stock."""

    product_id: ProductId
    shard: int
    quantity: int


class ProductNotFoundError(NotFoundError):
    """There is no such product with this merchant."""

    code = "product_not_found"


class SellerNotFoundError(NotFoundError):
    """The seller is no registered merchant."""

    code = "merchant_not_found"


class OutOfStockError(PlatformError):
    """Less is left than was asked for; `products` says of which."""

    kind = Kind.CONFLICT
    code = "out_of_stock"
