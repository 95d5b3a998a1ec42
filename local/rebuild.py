"""`make rebuild`: build the books again from the numbered list, and compare; REPAIR=1 writes them.

Every entry of the list is compared with the journal's own item, every balance, list and total with
what the list says, and so is the history of balances and where days closed. What stands beside
them and is in no list can't be seen. Exit 0 when nothing differs (any more), 1 when something
does, 2 when the list is broken.
"""

import os
import sys
import time

from chalicelib.books.usecases import Rebuild
from chalicelib.kernel.clock import SystemClock
from chalicelib.ledger.balances import Balances
from chalicelib.ledger.segments import LakeBrokenError, ReadSegments
from chalicelib.orders.store import OrderStore
from chalicelib.storage.batches import Batches
from chalicelib.storage.commit import Commits
from local.books import local_lake, local_table
from local.running import look_where_it_runs

_SHOWN_MAX = 20


def main() -> int:
    """Compare, say what differs, and repair if asked."""
    print(f"rebuilding from the lake of {look_where_it_runs()}")
    table = local_table()
    commits = Commits(table, SystemClock(), time.sleep, os.urandom)
    rebuild = Rebuild(
        ReadSegments(local_lake()), Batches(table, commits), Balances(table), OrderStore(table)
    )
    repair = os.environ.get("REPAIR") == "1"
    began = time.monotonic()
    try:
        rebuilt = rebuild.compare(repair=repair)
    except LakeBrokenError as broken:
        print(f"the list can't be trusted: {broken.detail} {broken.facts}", file=sys.stderr)
        return 2
    print(
        f"{rebuilt.position} rows, {rebuilt.entries} entries, {len(rebuilt.balances)} balances,"
        f" {len(rebuilt.orders)} orders in {time.monotonic() - began:.1f} s:"
        f" {len(rebuilt.differences)} differences"
    )
    for difference in rebuilt.differences[:_SHOWN_MAX]:
        print(f"  {difference}")
    if rebuilt.differences and repair:
        left = rebuild.compare().differences
        print(f"repaired; {len(left)} differences are left (the journal is never touched)")
        return 1 if left else 0
    return 1 if rebuilt.differences else 0


if __name__ == "__main__":
    sys.exit(main())
