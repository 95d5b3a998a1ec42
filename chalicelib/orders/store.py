"""Orders' items: the head, small because it is on the payment's path, and the lines apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chalicelib.catalog.model import Take
from chalicelib.kernel.clock import instant_from, instant_text
from chalicelib.kernel.ids import DisputeId, MemberId, MerchantId, OrderId, PartnerId, ProductId
from chalicelib.kernel.money import Money
from chalicelib.orders.model import (
    ORDER_LIFECYCLE,
    Listed,
    Order,
    OrderLine,
    OrderShare,
    OrderState,
    OrderVerb,
    Placed,
    Shipment,
    refund_verb,
)
from chalicelib.providers.funds import ReceiverKind
from chalicelib.storage import keys
from chalicelib.storage.batches import READ_MAX, Group, chunked
from chalicelib.storage.commit import Work
from chalicelib.storage.conditions import (
    ITEM_ABSENT,
    Add,
    Condition,
    Equals,
    Missing,
    OneOf,
    Remove,
    Set,
    all_of,
)
from chalicelib.storage.table import Delete, Put, Table, Update
from chalicelib.storage.values import Item, Key, Value, item_size, whole

ORDER = "order"
LINES = "lines"
PART = "part"
EVERYWHERE = "everywhere"
HEAD_BYTES_MAX = 1024


def read_order(order_id: OrderId, item: Item) -> Order:
    """Read an order's head."""
    currency = str(item["currency"])
    return Order(
        id=order_id,
        member_id=MemberId(str(item["member"])),
        merchant_id=MerchantId(str(item["merchant"])),
        state=OrderState(str(item["state"])),
        total=Money(amount=whole(item["total"]), currency=currency),
        due=Money(amount=whole(item["due"]), currency=currency),
        held=Money(amount=whole(item["held"]), currency=currency),
        subject=str(item["subject"]),
        created_at=instant_from(str(item["created_at"])),
        expires_at=instant_from(str(item["expires_at"])),
        fee=Money(amount=whole(item.get("fee", 0)), currency=currency),
        shares=_read_shares(item, currency),
        shipment=_read_shipment(item),
        releases=whole(item.get("releases", 0)),
        released=Money(amount=whole(item.get("released", 0)), currency=currency),
        refunds=whole(item.get("refunds", 0)),
        refunded=Money(amount=whole(item.get("refunded", 0)), currency=currency),
        returned=Money(amount=whole(item.get("returned", 0)), currency=currency),
        dispute=DisputeId(str(item["dispute"])) if "dispute" in item else None,
    )


def _read_shares(item: Item, currency: str) -> tuple[OrderShare, ...]:
    rows = item.get("shares", {})
    assert isinstance(rows, Mapping)
    return tuple(_read_share(partner, row, currency) for partner, row in rows.items())


def _read_share(partner: str, row: Value, currency: str) -> OrderShare:
    assert isinstance(row, Mapping)
    return OrderShare(
        partner_id=PartnerId(partner),
        amount=Money(amount=whole(row["a"]), currency=currency),
        kind=ReceiverKind(str(row["k"])),
        account=str(row["n"]),
    )


def _shares_item(shares: Sequence[OrderShare]) -> Item:
    return {
        share.partner_id: {"a": share.amount.amount, "k": share.kind, "n": share.account}
        for share in shares
    }


def _read_shipment(item: Item) -> Shipment | None:
    if "shipped_at" not in item:
        return None
    return Shipment(
        carrier=str(item["carrier"]),
        tracking_number=str(item["tracking_number"]),
        contact=str(item["contact"]) if "contact" in item else None,
        shipped_at=instant_from(str(item["shipped_at"])),
        receipt_due_at=instant_from(str(item["receipt_due_at"])),
    )


def _read_line(row: Value, currency: str) -> OrderLine:
    assert isinstance(row, Mapping)
    product_id = ProductId(str(row["p"]))
    takes = row["s"]
    assert isinstance(takes, Mapping)
    return OrderLine(
        product_id=product_id,
        title=str(row["t"]),
        quantity=whole(row["q"]),
        price=Money(amount=whole(row["a"]), currency=currency),
        takes=tuple(
            Take(product_id=product_id, shard=int(shard), quantity=whole(quantity))
            for shard, quantity in takes.items()
        ),
    )


@dataclass(frozen=True, slots=True)
class OrderStore:
    """Where orders are kept."""

    table: Table

    def find(self, order_id: OrderId) -> Order | None:
        """Return an order's head, if there is one."""
        item = self.table.get(keys.order(order_id))
        return read_order(order_id, item) if item else None

    def heads(self, order_ids: Sequence[OrderId]) -> Mapping[OrderId, Order]:
        """Return the heads of up to 100 orders, in one round trip."""
        by_key = {keys.order(order_id): order_id for order_id in order_ids}
        found = self.table.get_many(list(by_key))
        return {by_key[key]: read_order(by_key[key], item) for key, item in found.items()}

    def lines(self, order: Order) -> tuple[OrderLine, ...]:
        """Return an order's lines."""
        item = self.table.get(_lines_key(order))
        assert item is not None, "an order has lines"
        return _read_lines(item, order.total.currency)

    def of_member(
        self, member_id: MemberId, *, after: str | None, limit: int
    ) -> tuple[Sequence[tuple[OrderId, tuple[OrderLine, ...]]], str | None]:
        """Return a page of a shopper's orders, newest first, and where it ended."""
        prefix = keys.ORDERS_OF_MEMBER
        page = self.table.query(
            keys.MAIN,
            member_id,
            between=(prefix, f"{prefix}~"),
            after=after,
            limit=limit,
            newest_first=True,
        )
        rows = [
            (OrderId(key.sk.rpartition("/")[2]), _read_lines(item, str(item["currency"])))
            for key, item in page.rows
        ]
        return rows, page.next_sk

    def of_merchant(
        self, merchant_id: MerchantId, *, state: OrderState | None, after: str | None, limit: int
    ) -> tuple[Sequence[Listed], str | None]:
        """Return a page of a merchant's list, newest first, and where it ended; one query."""
        pk = keys.orders_of(merchant_id, state)
        page = self.table.query(keys.LOG, pk, after=after, limit=limit, newest_first=True)
        rows = [
            Listed(at, OrderId(order_id), member_id=MemberId(str(item["member"])))
            for key, item in page.rows
            for at, order_id in (key.sk.split("/"),)
        ]
        return rows, page.next_sk

    def whole_orders(self, listed: Sequence[Listed]) -> list[Placed]:
        """Return listed orders as they are now; a round trip for every fifty."""
        found: dict[Key, Item] = {}
        spots = [
            (keys.order(one.order_id), keys.order_lines(one.member_id, one.at, one.order_id))
            for one in listed
        ]
        for some in chunked(spots, READ_MAX // 2):
            found |= self.table.get_many([key for pair in some for key in pair])
        orders = [read_order(OrderId(at.pk), found[at]) for at, _ in spots]
        return [
            (order, _read_lines(found[lines_at], order.total.currency))
            for order, (_, lines_at) in zip(orders, spots, strict=True)
        ]

    def listed_at(self, order: Order) -> Key:
        """Locate an order in its merchant's list of all orders."""
        return Key(keys.LOG, keys.orders_of(order.merchant_id, None), _place(order))

    def places(self, order: Order) -> Mapping[str, Put]:
        """Return every place an order could be listed at: everywhere, and in each state."""
        item: Item = {"member": order.member_id}
        by_state = {str(state): Put(_listed_in(order, state), item) for state in OrderState}
        return {EVERYWHERE: Put(self.listed_at(order), {**item, "state": order.state}), **by_state}

    def list_move(self, order: Order, listed: str | None) -> Group:
        """Return the writes that bring an order to its state's list, from where it is listed.

        They pass only if it is still listed there; with None, only if it is not listed yet.
        """
        everywhere, member = self.listed_at(order), order.member_id
        here = Put(_listed_in(order, order.state), {"member": member})
        if listed is None:
            return Put(everywhere, {"member": member, "state": order.state}, ITEM_ABSENT), here
        move = Update(everywhere, (Set("state", order.state),), Equals("state", listed))
        return move, here, Delete(_listed_in(order, listed))

    def placed(self, work: Work, order: Order, lines: Sequence[OrderLine], *, request: str) -> None:
        """Add a new order."""
        head: Item = {
            "member": order.member_id,
            "merchant": order.merchant_id,
            "state": order.state,
            "total": order.total.amount,
            "due": order.due.amount,
            "held": order.held.amount,
            "currency": order.total.currency,
            "subject": order.subject,
            "created_at": instant_text(order.created_at),
            "expires_at": instant_text(order.expires_at),
            "request": request,
            "fee": order.fee.amount,
        }
        if order.shares:
            head = {**head, "shares": _shares_item(order.shares)}
        key = keys.order(order.id)
        assert item_size(key, head) <= HEAD_BYTES_MAX, "an order's head is on the payment's path"
        work.put(key, head, refusal=ORDER)
        rows: list[Value] = [
            {
                "p": line.product_id,
                "t": line.title,
                "q": line.quantity,
                "a": line.price.amount,
                "s": {str(take.shard): take.quantity for take in line.takes},
            }
            for line in lines
        ]
        lines_item: Item = {"currency": order.total.currency, "lines": rows}
        work.put(_lines_key(order), lines_item, refusal=LINES)

    def paid(self, work: Work, order_id: OrderId, amount: Money) -> None:
        """Hold a payment of all that is due: unpaid → paid."""
        work.update(
            keys.order(order_id),
            Set("state", OrderState.PAID),
            Set("due", 0),
            Add("held", amount.amount),
            when=all_of(
                _state_before(OrderVerb.PAY),
                Equals("due", amount.amount),
                Equals("currency", amount.currency),
            ),
            refusal=ORDER,
        )

    def shipped(self, work: Work, order: Order, shipment: Shipment) -> None:
        """Send an order on its way: paid → shipped."""
        work.update(
            keys.order(order.id),
            Set("state", OrderState.SHIPPED),
            Set("carrier", shipment.carrier),
            Set("tracking_number", shipment.tracking_number),
            Set("shipped_at", instant_text(shipment.shipped_at)),
            Set("receipt_due_at", instant_text(shipment.receipt_due_at)),
            *([Set("contact", shipment.contact)] if shipment.contact else []),
            when=_state_before(OrderVerb.SHIP),
            refusal=ORDER,
        )

    def released(self, work: Work, order: Order, amount: Money) -> None:
        """Give away what an order holds: all of it, shipped → released, or a part.

        Of a disputed order all of it, as was decided; the mark goes with it. Who calls has made
        sure of the decision: the condition is that the dispute is the one that was read.
        """
        whole_hold = amount == order.held
        verb = OrderVerb.RELEASE if whole_hold else OrderVerb.RELEASE_PART
        if order.dispute is not None:
            verb = OrderVerb.DECIDE
        work.update(
            keys.order(order.id),
            *([Remove("dispute")] if order.dispute else []),
            Set("state", ORDER_LIFECYCLE.after(order.state, verb)),
            Add("held", -amount.amount),
            Add("released", amount.amount),
            Add("releases", 1),
            when=_as_read(order),
            refusal=ORDER,
        )

    def refunded(self, work: Work, order: Order, *, held: Money, returned: Money) -> None:
        """Give back what an order holds, or what was released of it, or some of both.

        With the last of the hold the mark of its dispute goes.
        """
        verb = refund_verb(order, held=held, returned=returned)
        undisputed = order.dispute is not None and held == order.held
        work.update(
            keys.order(order.id),
            *([Remove("dispute")] if undisputed else []),
            Set("state", ORDER_LIFECYCLE.after(order.state, verb)),
            Add("held", -held.amount),
            Add("refunded", held.amount),
            Add("returned", returned.amount),
            Add("refunds", 1),
            when=_as_read(order),
            refusal=ORDER,
        )

    def disputed(self, work: Work, order: Order, dispute_id: DisputeId) -> None:
        """Mark an order that holds money as disputed."""
        work.update(
            keys.order(order.id),
            Set("dispute", dispute_id),
            when=all_of(
                Equals("state", order.state),
                Equals("held", order.held.amount),
                Missing("dispute"),
            ),
            refusal=ORDER,
        )

    def undisputed(self, work: Work, order_id: OrderId, dispute_id: DisputeId) -> None:
        """Take the mark of a dispute off."""
        work.update(
            keys.order(order_id),
            Remove("dispute"),
            when=Equals("dispute", dispute_id),
            refusal=ORDER,
        )

    def part_asked(self, work: Work, order_id: OrderId, key: str, *, amount: Money) -> None:
        """Remember which request released a part, so that its repeat is told from another."""
        at = keys.part_release(order_id, key)
        work.put(at, {"amount": amount.amount}, refusal=PART)

    def part_amount(self, order_id: OrderId, key: str) -> int | None:
        """Return what the request under this key released, if it did."""
        item = self.table.get(keys.part_release(order_id, key))
        return whole(item["amount"]) if item else None

    def closed(self, work: Work, order_id: OrderId) -> None:
        """Close an order that nobody paid: unpaid → closed."""
        work.update(
            keys.order(order_id),
            Set("state", OrderState.CLOSED),
            Set("due", 0),
            when=_state_before(OrderVerb.CLOSE),
            refusal=ORDER,
        )


def head_key(order_id: OrderId) -> Key:
    """Locate a head, for verbs that read it together with other items."""
    return keys.order(order_id)


def _state_before(verb: OrderVerb) -> OneOf:
    return OneOf("state", tuple(sorted(ORDER_LIFECYCLE.before(verb))))


def _as_read(order: Order) -> Condition:
    """Return the condition that an order's money is as it was when it was read."""
    return all_of(
        Equals("state", order.state),
        Equals("held", order.held.amount),
        Equals("releases", order.releases) if order.releases else Missing("releases"),
        Equals("refunds", order.refunds) if order.refunds else Missing("refunds"),
        Equals("dispute", order.dispute) if order.dispute else Missing("dispute"),
    )


def _lines_key(order: Order) -> Key:
    return keys.order_lines(order.member_id, instant_text(order.created_at), order.id)


def _read_lines(item: Item, currency: str) -> tuple[OrderLine, ...]:
    rows = item["lines"]
    assert isinstance(rows, list)
    return tuple(_read_line(row, currency) for row in rows)


def _listed_in(order: Order, state: str) -> Key:
    return Key(keys.LOG, keys.orders_of(order.merchant_id, state), _place(order))


def _place(order: Order) -> str:
    return f"{instant_text(order.created_at)}/{order.id}"
