"""What must be true of shipments, of their reports, and of what was received in WeChat."""

from collections.abc import Iterator

from chalicelib.delivery.model import REFUNDED
from chalicelib.kernel.clock import instant_from
from chalicelib.ledger.journal import JournalEntry
from chalicelib.orders.model import OrderState
from chalicelib.storage.values import Item, Key
from tests.simulation.stage import Stage


def always(stage: Stage, entries: dict[str, JournalEntry]) -> Iterator[str]:
    """Name orders whose last money was released though nobody and no time had said so."""
    for key, item in _heads(stage):
        if item["state"] != OrderState.RELEASED or key.pk in stage.confirmed:
            continue
        last = entries[f"released/{key.pk}/{item['releases']}"]
        due = instant_from(str(item["receipt_due_at"]))
        if last.posted_at < due and not _transactions(stage, key) & stage.parcels.received:
            yield f"{key.pk} was released for no reason"


def when_settled(stage: Stage) -> Iterator[str]:
    """Name shipments of which WeChat was not told as they are."""
    for key, item in _heads(stage):
        if "shipped_at" not in item:
            continue
        report = stage.memory.items.get(Key("main", key.pk, "shipment"))
        if report is None:
            yield f"{key.pk} was shipped, and never reported"
            continue
        if report.get("reason") == REFUNDED:
            continue
        true = {word.transaction_id for word in stage.provider.paid.values()}
        if _transactions(stage, key) - true:
            continue  # the provider lied about its own number
        told = [stage.parcels.parcels.get(one) for one in _transactions(stage, key)]
        parcels = {(one.carrier, one.tracking_number) for one in told if one is not None}
        expected = {(item["carrier"], item["tracking_number"])}
        if parcels != (expected if report["state"] == "reported" else set()):
            yield f"{key.pk}: WeChat knows {parcels} of {expected}, {report['state']}"


def _heads(stage: Stage) -> Iterator[tuple[Key, Item]]:
    for key, item in stage.memory.items.items():
        if key.pk.startswith("ord_") and key.sk == "head":
            yield key, item


def _transactions(stage: Stage, head: Key) -> set[str]:
    """Return the provider's number of the payment that an order holds or held."""
    return {
        str(item["transaction_id"])
        for key, item in stage.memory.items.items()
        if key.pk == head.pk
        and key.sk.startswith("payment/")
        and "transaction_id" in item
        and not item.get("late")
    }
