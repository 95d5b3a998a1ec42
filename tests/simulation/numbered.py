"""What must be true of the numbered list and of all that follows it."""

from collections import Counter
from collections.abc import Iterator

from chalicelib.ledger.journal import JournalEntry, balances
from chalicelib.ledger.logbook import read_head
from chalicelib.ledger.segments import MANIFESTS, Manifest, ReadSegments
from chalicelib.storage import keys
from chalicelib.storage.table import Put
from chalicelib.storage.values import Item, Key, whole
from tests.simulation.stage import Stage


def committed_rows(stage: Stage) -> Iterator[tuple[Key, Item]]:
    """Return every outbox row that was ever committed, there still or not."""
    for actions in stage.memory.committed:
        for action in actions:
            if isinstance(action, Put) and action.key.pk.startswith("P#"):
                yield action.key, action.item


def always(stage: Stage) -> Iterator[str]:
    """Name what is wrong at any moment."""
    head = read_head(stage.memory.get(keys.log_head()))
    if not head.applied <= head.n:
        yield f"applied {head.applied} of {head.n}"
    listed = [*_segments(stage), *_staged(stage, head.stage)]
    yield from _no_row_twice_and_none_lost(stage, listed)
    if head.stage is None and len(listed) != head.n:
        yield f"{head.n} rows are numbered, and {len(listed)} are listed"
    yield from _balances_are_the_lists_sum(stage, listed)
    yield from _days_close_in_order(stage, head.n)


def _segments(stage: Stage) -> list[Key]:
    """Return the row keys in the lake up to what is applied, in order."""
    head = read_head(stage.memory.get(keys.log_head()))
    files = stage.lake.memory.files
    manifests = sorted(
        (Manifest.model_validate_json(body) for name, body in files.items() if MANIFESTS in name),
        key=lambda manifest: manifest.base,
    )
    end, listed = 0, list[Key]()
    for manifest in manifests:
        if manifest.end > head.applied:
            break
        assert manifest.base == end, f"a gap in the lake after {end}"
        end = manifest.end
        rows = ReadSegments(stage.lake.memory).rows(manifest)
        listed += [numbered.row.key for numbered in rows]
    assert end == head.applied, f"the lake ends at {end}, applied are {head.applied}"
    return listed


def _staged(stage: Stage, name: str | None) -> list[Key]:
    if name is None:
        return []
    rows = stage.memory.items[keys.stage(name)]["rows"]
    assert isinstance(rows, list)
    return [Key(keys.LOG, *str(row).split(" ")) for row in rows]


def _no_row_twice_and_none_lost(stage: Stage, listed: list[Key]) -> Iterator[str]:
    for key, times in Counter(listed).items():
        if times > 1:
            yield f"{key.sk} is numbered {times} times"
    waiting = {key for key in stage.memory.items if key.pk.startswith("P#")}
    for key, item in committed_rows(stage):
        if key not in waiting and key not in set(listed):
            yield f"a row was lost: {item['kind']}"


def _balances_are_the_lists_sum(stage: Stage, listed: list[Key]) -> Iterator[str]:
    rows = dict(committed_rows(stage))
    entries = [
        JournalEntry.model_validate_json(str(rows[key]["entry"])) if "entry" in rows[key] else None
        for key in listed
    ]
    sums: dict[int, dict[tuple[str, str], int]] = {}
    for key, item in stage.memory.items.items():
        if not (key.pk.startswith("B#") and key.sk.startswith("now/")):
            continue
        through = whole(item["through"])
        if through not in sums:
            some = [entry for entry in entries[:through] if entry is not None]
            sums[through] = {
                (account, currency): amount
                for account, amounts in balances(some).items()
                for currency, amount in amounts.items()
            }
        at = key.pk.removeprefix("B#"), key.sk.removeprefix("now/")
        folded = whole(item["debits"]) - whole(item["credits"])
        if folded != sums[through].get(at, 0):
            yield f"{at[0]} is folded to {folded}, the list says {sums[through].get(at, 0)}"


def _days_close_in_order(stage: Stage, n: int) -> Iterator[str]:
    closed = sorted(
        (key.sk, whole(item["position"]))
        for key, item in stage.memory.items.items()
        if key.pk == "DAY"
    )
    positions = [position for _, position in closed]
    if positions != sorted(positions) or any(position > n for position in positions):
        yield f"days close at {positions} of {n}"


def when_settled(stage: Stage) -> Iterator[str]:
    """Name what is wrong once nothing is left to do."""
    if waiting := [key for key in stage.memory.items if key.pk.startswith("P#")]:
        yield f"{len(waiting)} rows were never numbered"
    if [key for key in stage.memory.items if key.pk == keys.STAGES]:
        yield "a stage was left behind"
    for difference in stage.rooms.rebuild.compare().differences:
        yield str(difference)
    folded = {
        key.pk.removeprefix("B#"): whole(item["debits"]) - whole(item["credits"])
        for key, item in stage.memory.items.items()
        if key.pk.startswith("B#") and key.sk == "now/CNY"
    }
    posted = {
        account: amounts["CNY"]
        for account, amounts in balances(stage.entries()).items()
        if "CNY" in amounts
    }
    if folded != posted:
        yield f"the balances say {folded}, the journal {posted}"
    segments = ReadSegments(stage.lake.memory)
    for _, rows in segments.batches():
        for numbered in rows:
            if numbered.row.kind == "order.placed" and not stage.heard[numbered.position]:
                yield f"nobody heard of {numbered.row.about}"
