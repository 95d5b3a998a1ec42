"""The same story in a deployed account, where nothing is hurried: queues, streams and schedules.

There is no port that runs what is due. Time is moved by the file that BUSINESS_CLOCK_FILE names,
and everything else is waited for.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import botocore.session
from typing_extensions import override

from chalicelib.ledger.days import CHINA, business_day
from local.books import local_table, outbox_rows
from local.redrive import QUEUES
from local.story import NIGHT, Story, StoryError

_SECONDS_MAX = 150  # the schedule that numbers what no stream told of comes every minute
_COUNTS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployed house: its address, and the provider's."""

    api: str
    sandbox: str
    aws: str
    clock: Path
    settings: dict[str, str] = field(default_factory=dict)
    control: str = "http://nobody.invalid"

    def environment(self) -> dict[str, str]:
        """Return what the stage was told."""
        return self.settings


@dataclass
class DeployedStory(Story):
    """A story whose listener waits."""

    stack: Deployed  # the base knows any house; this one needs its clock

    @override
    def __post_init__(self) -> None:
        super().__post_init__()
        self._sqs: Any = botocore.session.get_session().create_client("sqs")

    @override
    def ticked(self) -> Any:
        """Wait until the outbox and the queues are empty, twice in a row."""
        quiet, deadline = 0, monotonic() + _SECONDS_MAX
        while quiet < 2:  # noqa: PLR2004  between two looks a message may be on its way
            waiting = {name: sum(self.waiting(name)) for name in QUEUES}
            waiting["outbox"] = len(outbox_rows(local_table()))
            quiet = quiet + 1 if not any(waiting.values()) else 0
            if monotonic() > deadline:
                raise StoryError(f"something keeps waiting: {json.dumps(waiting)}")
            sleep(0.5)
        return {"empty": True}

    @override
    def day_over(self) -> str:
        """Let the business day end, and wait until the sequencer has closed it."""
        self.ticked()
        clock = self.stack.clock
        offset = int(clock.read_text()) if clock.exists() else 0
        now = datetime.now(UTC) + timedelta(seconds=offset)
        today = business_day(now)
        morning = datetime.combine(today + timedelta(days=1), NIGHT, CHINA)
        clock.write_text(str(offset + int((morning - now).total_seconds())))
        operator = self.operator()

        def closed() -> Any:
            return operator.get(f"/v1/ledger/days/{today}").status == 200 or None  # noqa: PLR2004

        self.awaited(closed, f"{today} was not closed", _SECONDS_MAX)
        return today.isoformat()

    @override
    def reconciled(self, day: str) -> Any:
        """Hold a closed business day against the gateway's bills, and return what came of it."""
        self.asked_to_reconcile(day)
        operator = self.operator()

        def found() -> Any:
            answer = operator.get(f"/v1/reconciliations/{day}")
            return answer.body.get("result") if answer.status == 200 else None  # noqa: PLR2004

        return self.awaited(found, f"{day} was not reconciled", _SECONDS_MAX)

    def waiting(self, queue: str) -> tuple[int, int]:
        """Return how many messages of a queue wait, and how many are at work."""
        url = self._sqs.get_queue_url(QueueName=f"shoukuan-dev-{queue}")["QueueUrl"]
        told = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=_COUNTS)["Attributes"]
        return int(told[_COUNTS[0]]), int(told[_COUNTS[1]])
