"""An order, and its life."""

from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime

from chalicelib.catalog.model import Take
from chalicelib.kernel.errors import Kind, NotFoundError, PlatformError
from chalicelib.kernel.ids import DisputeId, MemberId, MerchantId, OrderId, PartnerId, ProductId
from chalicelib.kernel.lifecycle import Lifecycle
from chalicelib.kernel.money import Money
from chalicelib.kernel.record import Record
from chalicelib.providers.funds import ReceiverKind

LINES_MAX = 20
QUANTITY_MAX = 999
TOTAL_FEN_MAX = 1_000_000_000  # ten million yuan


class OrderState(StrEnum):
    """Where an order stands. Partial refunds show in amounts, not in new states."""

    UNPAID = "unpaid"
    PAID = "paid"
    SHIPPED = "shipped"
    RELEASED = "released"
    REFUNDED = "refunded"
    CLOSED = "closed"


class OrderVerb(StrEnum):
    """What can happen to an order."""

    PAY = "pay"
    CLOSE = "close"
    SHIP = "ship"
    RELEASE = "release"
    RELEASE_PART = "release part"
    DECIDE = "decide"
    REFUND = "refund"
    REFUND_REST = "refund the rest"
    REFUND_PART = "refund a part"


ORDER_LIFECYCLE = Lifecycle(
    {
        (OrderState.UNPAID, OrderVerb.PAY): OrderState.PAID,
        (OrderState.UNPAID, OrderVerb.CLOSE): OrderState.CLOSED,
        (OrderState.PAID, OrderVerb.SHIP): OrderState.SHIPPED,
        (OrderState.SHIPPED, OrderVerb.RELEASE): OrderState.RELEASED,
        # A milestone (里程碑) may be reached before anything is shipped.
        (OrderState.PAID, OrderVerb.RELEASE_PART): OrderState.PAID,
        (OrderState.SHIPPED, OrderVerb.RELEASE_PART): OrderState.SHIPPED,
        # A dispute may be decided for the merchant, whatever has come.
        (OrderState.PAID, OrderVerb.DECIDE): OrderState.RELEASED,
        (OrderState.SHIPPED, OrderVerb.DECIDE): OrderState.RELEASED,
        (OrderState.PAID, OrderVerb.REFUND): OrderState.REFUNDED,
        (OrderState.SHIPPED, OrderVerb.REFUND): OrderState.REFUNDED,
        (OrderState.RELEASED, OrderVerb.REFUND): OrderState.REFUNDED,
        # All that was still held goes back, and parts of it are the merchant's already.
        (OrderState.PAID, OrderVerb.REFUND_REST): OrderState.RELEASED,
        (OrderState.SHIPPED, OrderVerb.REFUND_REST): OrderState.RELEASED,
        (OrderState.PAID, OrderVerb.REFUND_PART): OrderState.PAID,
        (OrderState.SHIPPED, OrderVerb.REFUND_PART): OrderState.SHIPPED,
        (OrderState.RELEASED, OrderVerb.REFUND_PART): OrderState.RELEASED,
    }
)


class Shipment(Record):
    """Goods on their way (发货)."""

    carrier: str
    tracking_number: str
    contact: str | None = None  # the sender's masked telephone
    shipped_at: AwareDatetime
    receipt_due_at: AwareDatetime  # received by then, or taken as received (自动确认收货)


class OrderShare(Record):
    """What a partner earns of an order, as agreed when it was placed."""

    partner_id: PartnerId
    amount: Money
    kind: ReceiverKind
    account: str


class Order(Record):
    """An order's head (订单): `due` is still to be paid, `held` is paid and kept aside (担保)."""

    id: OrderId
    member_id: MemberId
    merchant_id: MerchantId
    state: OrderState
    total: Money
    due: Money
    held: Money
    subject: str  # what the shopper reads while paying
    created_at: AwareDatetime
    expires_at: AwareDatetime  # unpaid until then, or closed
    fee: Money  # the platform's, of the whole, as agreed when it was placed
    shares: tuple[OrderShare, ...] = ()
    shipment: Shipment | None = None
    releases: int = 0  # how often held money was released
    released: Money  # so much in all
    refunds: int = 0  # how often something was refunded
    refunded: Money  # out of the hold
    returned: Money  # out of what was released
    dispute: DisputeId | None = None  # while it is open, what is held stays

    @property
    def refundable(self) -> Money:
        """Return what can still be given back to the shopper."""
        return self.held + self.released - self.returned


class OrderLine(Record):
    """A line: the title and price as they were when the order was placed."""

    product_id: ProductId
    title: str
    quantity: int
    price: Money
    takes: tuple[Take, ...]
    category: str = ""

    def total(self) -> Money:
        """Return the line's price."""
        return self.price.times(self.quantity)


Placed = tuple[Order, tuple[OrderLine, ...]]
"""An order's head and its lines."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An order's place in its merchant's list: enough to read the order by."""

    at: str  # when it was placed
    order_id: OrderId
    member_id: MemberId


PLACED = "order.placed"
SHIPPED = "order.shipped"
"""The events of which `orders` itself hears, since something becomes due by them."""

HEARD = frozenset({PLACED, SHIPPED})

RELEASED, PART_RELEASED = "order.released", "order.part_released"
"""All that was held is the merchant's, or a part of it."""

EXPIRY, UNSHIPPED, RECEIPT = "expiry", "unshipped", "receipt"
"""The lists of what is due: orders that nobody paid, nobody shipped, nobody said had come."""


class Wanted(Record):
    """What a shopper asks for: so many of a product."""

    product_id: ProductId
    quantity: int


class OrderNotFoundError(NotFoundError):
    """There is no such order, or it is not the caller's."""

    code = "order_not_found"


class OrderDisputedError(PlatformError):
    """The order is disputed: what it holds stays until that is withdrawn or decided."""

    kind = Kind.CONFLICT
    code = "order_disputed"


class ProductsNotFoundError(NotFoundError):
    """Some products are not sold by this merchant; `products` lists them."""

    code = "products_not_found"


class OrderTotalTooLargeError(PlatformError):
    """The total is over what one order may cost."""

    kind = Kind.CONFLICT
    code = "order_total_too_large"


def refund_verb(order: Order, *, held: Money, returned: Money) -> OrderVerb:
    """Return what a refund of so much held and so much released money does to an order."""
    left_held, kept = order.held - held, order.released - order.returned - returned
    if left_held.amount == kept.amount == 0:
        return OrderVerb.REFUND
    if held.amount and not left_held.amount:
        return OrderVerb.REFUND_REST
    return OrderVerb.REFUND_PART
