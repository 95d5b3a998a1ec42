"""Every key in the house. No index stands beside the tables: each list is read by its own key.

A payment's commit touches `captured/<payment>`, the payment, its order's head and one outbox row:
no key that two payments share.
"""

from chalicelib.kernel.ids import MemberId, MerchantId, OrderId, PaymentId, ProductId, RefundId
from chalicelib.storage.values import Key

MAIN = "main"
LOG = "log"

OUTBOX_SHARDS = 16

_HEAD = "head"


def merchant(merchant_id: MerchantId) -> Key:
    """Locate a merchant."""
    return Key(MAIN, merchant_id, _HEAD)


def member(member_id: MemberId) -> Key:
    """Locate a shopper."""
    return Key(MAIN, member_id, _HEAD)


def product(product_id: ProductId) -> Key:
    """Locate a product's title and price."""
    return Key(MAIN, product_id, _HEAD)


def stock(product_id: ProductId, shard: int) -> Key:
    """Locate one shard of a product's stock; a partition of its own, so that hot stock spreads."""
    return Key(MAIN, f"{product_id}/stock/{shard:02d}", "stock")


def order(order_id: OrderId) -> Key:
    """Locate an order's head: small, and on the payment's path."""
    return Key(MAIN, order_id, _HEAD)


def order_lines(member_id: MemberId, created_at: str, order_id: OrderId) -> Key:
    """Locate an order's lines: filed under the shopper by time, they are the shopper's list."""
    return Key(MAIN, member_id, f"{ORDERS_OF_MEMBER}{created_at}/{order_id}")


ORDERS_OF_MEMBER = "order/"


def payment(order_id: OrderId, payment_id: PaymentId) -> Key:
    """Locate a payment beside its order: a notification names both, so it needs no read."""
    return Key(MAIN, order_id, f"{PAYMENTS_OF_ORDER}{payment_id}")


PAYMENTS_OF_ORDER = "payment/"


def refund(order_id: OrderId, refund_id: RefundId) -> Key:
    """Locate a refund beside its order."""
    return Key(MAIN, order_id, f"refund/{refund_id}")


def journal(business_key: str) -> Key:
    """Locate a journal entry by its business key, so that it can be posted once, for ever."""
    return Key(MAIN, business_key, "entry")


def outbox(shard: int, row_id: str) -> Key:
    """Locate one outbox row; row ids grow with time inside a shard."""
    return Key(LOG, outbox_shard(shard), row_id)


def outbox_shard(shard: int) -> str:
    """Return the partition of one shard of the outbox."""
    assert 0 <= shard < OUTBOX_SHARDS
    return f"P#{shard:02d}"


def provider_certificates(provider: str) -> Key:
    """Locate the certificates a provider signs with, as last downloaded."""
    return Key(MAIN, f"provider/{provider}", "certificates")


def watermark(reader: str, shard: int) -> Key:
    """Locate how far a reader of the outbox has come in one shard."""
    return Key(MAIN, f"watermark/{reader}", f"{shard:02d}")
