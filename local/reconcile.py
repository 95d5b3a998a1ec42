"""`make reconcile`: hold a business day against the provider's bills, beside a stack or AWS.

DAY names it (yesterday if not), JSON=1 prints the result as JSON, HTML=page.html writes the page.
Exit 0 when nothing is unexplained and nothing is open, 1 when something is, 2 when the day was
refused: what was found of it before stands. Standard output has the result and nothing else.
"""

import json
import os
import sys
from contextlib import redirect_stdout
from datetime import date, timedelta
from pathlib import Path

from pydantic import ValidationError

from chalicelib import outside
from chalicelib.kernel.errors import PlatformError
from chalicelib.kernel.money import fen, yuan_text
from chalicelib.ledger.days import business_day
from chalicelib.reconciliation import wiring
from chalicelib.reconciliation.api.page import page_of
from chalicelib.reconciliation.api.views import ResultView
from chalicelib.reconciliation.model import DiscrepancyState, Reconciliation
from local.progress import ProgressBar
from local.running import settle_where_it_runs

AGREES, DIFFERS, REFUSED = 0, 1, 2


def main(arguments: list[str]) -> int:
    """Reconcile, show, and return the exit code."""
    as_json = os.environ.get("JSON") == "1" or "--json" in arguments
    progress = ProgressBar(sys.stderr)
    try:
        place = settle_where_it_runs()
        day = _day(os.environ.get("DAY", ""))
        print(f"reconciling {day} at {place}", file=sys.stderr)
        with redirect_stdout(sys.stderr):  # what the house logs and counts
            found = wiring.reconcile_day().again(day, progress.tell)
    except PlatformError as refused:
        progress.end()
        return _refused(refused, as_json=as_json)
    except ValidationError as missing:
        names = ", ".join(str(error["loc"][0]).upper() for error in missing.errors())
        print(f"not reconciled: these settings are missing or wrong: {names}", file=sys.stderr)
        return REFUSED
    except (SystemExit, ValueError) as error:
        if isinstance(error, ValueError):
            print(f"DAY is no date: {error}", file=sys.stderr)
        return REFUSED
    progress.end()
    if page := os.environ.get("HTML", ""):
        Path(page).write_text(page_of(wiring.report_day().report(found.day)))
        print(f"the page is in {page}", file=sys.stderr)
    print(ResultView.of(found).model_dump_json(indent=2) if as_json else told(found))
    return exit_code(found)


def exit_code(found: Reconciliation) -> int:
    """Tell whether a person must look."""
    opened = any(one.state is DiscrepancyState.OPEN for one in found.standing)
    return DIFFERS if found.unexplained or opened else AGREES


def told(found: Reconciliation) -> str:
    """Tell a result in a few lines."""
    lines = [f"run {found.run} of {found.day}, our books at position {found.position}", ""]
    lines += [
        f"  {one.lines:>10,}  {one.kind:<14}{one.outcome:<15}{_yuan(one.amount):>18}"
        for one in found.funnel
    ]
    lines += ["", f"  {'our clearing':<41}{_yuan(found.ours):>18}"]
    lines += [
        f"  {one.items:>10,}  {one.outcome:<14}{one.state:<15}{_yuan(one.effect):>18}"
        for one in found.standing
    ]
    if found.unexplained:
        lines.append(f"  {'unexplained':<41}{_yuan(found.unexplained):>18}")
    lines.append(f"  {'the provider keeps':<41}{_yuan(found.theirs):>18}")
    return "\n".join(lines)


def _refused(refused: PlatformError, *, as_json: bool) -> int:
    if as_json:
        facts = {name: str(fact) for name, fact in refused.facts.items()}
        said = facts | {"code": refused.code, "detail": refused.detail}
        print(json.dumps(said, ensure_ascii=False, indent=2))
    else:
        where = ", ".join(f"{name} {fact}" for name, fact in refused.facts.items())
        print(f"refused ({refused.code}): {refused.detail}" + f"; {where}" * bool(where))
    return REFUSED


def _day(text: str) -> date:
    if text:
        return date.fromisoformat(text)
    return business_day(outside.clock().now()) - timedelta(days=1)


def _yuan(amount: int) -> str:
    return yuan_text(fen(amount))


if __name__ == "__main__":
    os.environ.setdefault("POWERTOOLS_METRICS_DISABLED", "true")  # nobody collects them here
    sys.exit(main(sys.argv[1:]))
