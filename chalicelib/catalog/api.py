"""The shelf, over HTTP."""

from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from chalicelib.catalog import wiring
from chalicelib.catalog.model import (
    PRICE_FEN_MAX,
    STOCK_MAX,
    STOCK_SHARDS_MAX,
    Product,
    ProductNotFoundError,
    SellerNotFoundError,
)
from chalicelib.edge.callers import Scope
from chalicelib.edge.http import Api, Call
from chalicelib.edge.texts import Text60
from chalicelib.kernel.errors import IdempotencyKeyReusedError
from chalicelib.kernel.ids import MerchantId, ProductId
from chalicelib.kernel.money import CNY, Money, fen

api = Api(__name__, authenticator=wiring.authenticator)


class Price(BaseModel):
    """A price in fen (分)."""

    model_config = ConfigDict(extra="forbid", strict=True)

    amount: int = Field(ge=1, le=PRICE_FEN_MAX, description="In fen")
    currency: Annotated[str, Field(pattern=f"^{CNY}$")] = CNY


class CreateProduct(BaseModel):
    """A product to be put up for sale."""

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Text60
    price: Price
    stock: int = Field(ge=0, le=STOCK_MAX)
    stock_shards: int = Field(
        default=1,
        ge=1,
        le=STOCK_SHARDS_MAX,
        description="Over how many items the stock is spread; more for what sells in a rush",
    )
    category: Annotated[str, Field(pattern=r"^[a-z0-9_-]{0,32}$")] = Field(
        default="", description="A row of the platform's rate table"
    )


class ProductView(BaseModel):
    """A product for sale."""

    id: ProductId
    merchant_id: MerchantId
    title: str
    price: Money
    stock: int
    category: str
    created_at: AwareDatetime


@api.post(
    "/v1/products",
    scopes=[Scope.MERCHANT],
    body=CreateProduct,
    answer=ProductView,
    status=201,
    idempotent=True,
    refusals=[IdempotencyKeyReusedError, SellerNotFoundError],
)
def create_product(call: Call, body: CreateProduct) -> ProductView:
    """Put a product up for sale."""
    product = wiring.catalog().create(
        call.caller.own_merchant_id,
        title=body.title,
        price=fen(body.price.amount),
        stock=body.stock,
        stock_shards=body.stock_shards,
        key=call.idempotency_key,
        category=body.category,
    )
    return _shown(product, body.stock)


@api.get(
    "/v1/products/{product_id}",
    scopes=[Scope.MEMBER, Scope.MERCHANT, Scope.OPERATOR],
    answer=ProductView,
    refusals=[ProductNotFoundError],
)
def get_product(_call: Call, product_id: str) -> ProductView:
    """Show a product and what is left of it."""
    product, stock = wiring.catalog().get(ProductId.parse(product_id))
    return _shown(product, stock)


def _shown(product: Product, stock: int) -> ProductView:
    return ProductView(
        id=product.id,
        merchant_id=product.merchant_id,
        title=product.title,
        price=product.price,
        stock=stock,
        category=product.category,
        created_at=product.created_at,
    )
