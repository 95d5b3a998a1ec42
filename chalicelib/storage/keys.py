"""Every key in the house. No index stands beside the tables: each list is read by its own key.

A payment's commit touches `captured/<payment>`, the payment, its order's head and one outbox row:
no key that two payments share.
"""

from chalicelib.kernel.ids import (
    DiscrepancyId,
    DisputeId,
    EvidenceId,
    MemberId,
    MerchantId,
    OrderId,
    PaymentId,
    PayoutId,
    ProductId,
    RefundId,
    SettlementId,
)
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
    return Key(MAIN, order_id, f"{REFUNDS_OF_ORDER}{refund_id}")


REFUNDS_OF_ORDER = "refund/"


def part_release(order_id: OrderId, request: str) -> Key:
    """Locate what one request released of an order."""
    return Key(MAIN, order_id, f"part/{request}")


def shipping_report(order_id: OrderId) -> Key:
    """Locate what WeChat said to an order's shipment."""
    return Key(MAIN, order_id, "shipment")


def dispute(order_id: OrderId, dispute_id: DisputeId) -> Key:
    """Locate a dispute beside its order."""
    return Key(MAIN, order_id, f"{DISPUTES_OF_ORDER}{dispute_id}")


DISPUTES_OF_ORDER = "dispute/"


def evidence(order_id: OrderId, dispute_id: DisputeId, evidence_id: EvidenceId) -> Key:
    """Locate what a party said in a dispute."""
    return Key(MAIN, order_id, f"{said_in(dispute_id)}{evidence_id}")


def said_in(dispute_id: DisputeId) -> str:
    """Return how the places of all that was said in a dispute begin."""
    return f"said/{dispute_id}/"


def complaint(order_id: OrderId, complaint_id: str, times: int) -> Key:
    """Locate what became of a complaint about an order, each time that it was made."""
    return Key(MAIN, order_id, f"{COMPLAINTS_OF_ORDER}{complaint_id}/{times}")


COMPLAINTS_OF_ORDER = "complaint/"


def settlement(settlement_id: SettlementId) -> Key:
    """Locate the settling of one business day."""
    return Key(MAIN, settlement_id, _HEAD)


def skipped(settlement_id: SettlementId, whom: str) -> Key:
    """Locate that a merchant was passed over in a settlement, and why."""
    return Key(MAIN, settlement_id, f"skipped/{whom}")


def payout(payout_id: PayoutId) -> Key:
    """Locate a payout."""
    return Key(MAIN, payout_id, _HEAD)


def counter(name: str, whom: str, at: str) -> Key:
    """Locate how often somebody asked for something in the window that began then."""
    return Key(MAIN, f"limit/{name}/{whom}", at)


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


def due_list(name: str, shard: int) -> str:
    """Return the partition of one shard of a list of what is due."""
    assert 0 <= shard < DUE_SHARDS
    return f"due/{name}/{shard}"


def due(name: str, shard: int, at: str, about: str) -> Key:
    """Locate the moment at which something is to be looked at."""
    return Key(MAIN, due_list(name, shard), f"{at}/{about}")


DUE_SHARDS = 4


def debits(account: str) -> Key:
    """Locate the debits of a folded account that may not go below zero: a counter that grows."""
    return Key(MAIN, f"debits/{account}", "debits")


def reconciliation(provider: str, day: str) -> Key:
    """Locate what came of comparing a business day with a provider's bills."""
    return Key(MAIN, reconciliations_of(provider), day)


def reconciliations_of(provider: str) -> str:
    """Return the partition of a provider's reconciled days."""
    return f"reconciliation/{provider}"


def reconciliation_run(provider: str, day: str, run: int) -> Key:
    """Locate what one run of a day's reconciliation came to, for ever."""
    return Key(MAIN, f"{reconciliations_of(provider)}/{day}", f"run/{run:06d}")


def reconciliation_attempt(provider: str, day: str) -> Key:
    """Locate how the last attempt at a day's reconciliation went."""
    return Key(MAIN, f"{reconciliations_of(provider)}/{day}", "attempt")


def discrepancy(discrepancy_id: DiscrepancyId) -> Key:
    """Locate a discrepancy."""
    return Key(MAIN, discrepancy_id, _HEAD)


def discrepancies_on(provider: str, day: str) -> str:
    """Return the partition of the discrepancies that a day's bills showed."""
    return f"discrepancies/{provider}/{day}"


def discrepancies_standing(provider: str) -> str:
    """Return the partition of what stands between a provider's books and ours."""
    return f"discrepancies/{provider}/standing"


def discrepancies_gone(provider: str) -> str:
    """Return the partition of what stood there once, by the day on which it went."""
    return f"discrepancies/{provider}/gone"


def turn(schedule: str) -> Key:
    """Locate when a schedule's next turn is, where no EventBridge keeps time."""
    return Key(MAIN, "turns", schedule)


def filed(pk: str, sk: str) -> Key:
    """Locate a place in a list of the table `main`."""
    return Key(MAIN, pk, sk)


# The table `log` has its own permissions: only the sequencer writes what follows.


def log_head() -> Key:
    """Locate how far the numbered list has come."""
    return Key(LOG, "HEAD", "head")


STAGES = "STAGE"


def stage(name: str) -> Key:
    """Locate the rows that one round wants to number."""
    return Key(LOG, STAGES, name)


def day_closed(day: str) -> Key:
    """Locate the position at which a business day closed."""
    return Key(LOG, "DAY", day)


def balance_of(account: str) -> str:
    """Return the partition of an account's balances, in every currency."""
    return f"B#{account}"


def balance(account: str, currency: str) -> Key:
    """Locate an account's balance as folded last."""
    return Key(LOG, balance_of(account), f"{BALANCE_NOW}{currency}")


BALANCE_NOW = "now/"


def balance_at(account: str, currency: str, position: int) -> Key:
    """Locate an account's balance as folded up to a position, with the lines that led there."""
    return Key(LOG, balance_of(account), f"at/{currency}/{position_text(position)}")


def position_text(position: int) -> str:
    """Spell a position at fixed width: text order is the order of the list."""
    return f"{position:016d}"


def entries_of(merchant_id: str) -> str:
    """Return the partition of a merchant's entries."""
    return f"E#{merchant_id}"


def entry_of(merchant_id: str, position: int) -> Key:
    """Locate an entry in a merchant's list."""
    return Key(LOG, entries_of(merchant_id), position_text(position))


def orders_of(merchant_id: MerchantId, state: str | None) -> str:
    """Return the partition of a merchant's orders: all of them, or those in one state."""
    return f"O#{merchant_id}" if state is None else f"O#{merchant_id}#{state}"


def payouts_of(scope: str) -> str:
    """Return the partition of the payouts of a merchant, or of a business day."""
    return f"Y#{scope}"


def payout_of(scope: str, place: str) -> Key:
    """Locate a payout in the list of a merchant, or of a business day."""
    return Key(LOG, payouts_of(scope), place)


def totals_of(scope: str) -> str:
    """Return the partition of the daily totals of a merchant, or of the platform."""
    return f"D#{scope}"


def totals(scope: str, day: str) -> Key:
    """Locate one day's totals."""
    return Key(LOG, totals_of(scope), day)


def active_on(day: str) -> str:
    """Return the partition of the merchants that were active on a day."""
    return f"A#{day}"
