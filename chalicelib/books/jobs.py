"""The sequencer's doorbell and its guarantee.

On AWS the table's stream rings when a row was written, at most once a second; every minute it runs
whether or not anybody rang. Locally the runner rings. The stream's name is read when the module is,
since Chalice writes it into the template.
"""

import os
from typing import Any

from chalice.app import Blueprint, CloudWatchEvent, DynamoDBEvent, Rate

from chalicelib.books import wiring
from chalicelib.edge import observe
from chalicelib.kernel import trace

blueprint = Blueprint(__name__)

_STREAM = os.environ.get("LOG_STREAM", "arn:aws:dynamodb:local:0:table/log/stream/0")
_SECONDS = 20.0  # of the 30 that a function has


@blueprint.on_dynamodb_record(
    stream_arn=_STREAM, batch_size=1000, maximum_batching_window_in_seconds=1
)
def sequence_when_rung(_event: DynamoDBEvent) -> Any:
    """Give what waits in the outbox its numbers."""
    with trace.within(trace.minted(os.urandom)):
        return _sequence(rung=True)


@blueprint.schedule(Rate(1, unit=Rate.MINUTES))
@observe.job
def sequence_every_minute(_event: CloudWatchEvent) -> Any:
    """Do the same though nobody rang; and sweep away stages that lost their race."""
    swept = wiring.logbook().sweep_stages()
    return _sequence(rung=False) | {"stages_swept": swept}


def _sequence(*, rung: bool) -> dict[str, int]:
    """Run, and say how long rows wait; who could not look is silent, and silence is an alarm."""
    done = wiring.sequencer().run(seconds=_SECONDS)
    with observe.one_line():
        if done.oldest_seconds is not None and (done.rows or not rung):
            observe.measure("OldestRowSeconds", done.oldest_seconds, unit=observe.Unit.SECONDS)
        if done.overtaken:
            observe.count("SequencerOvertaken")
        observe.measure("NumberingMilliseconds", *done.delays)
    if done.rows or done.overtaken:
        observe.note("numbered", rows=done.rows, rounds=done.rounds, overtaken=done.overtaken)
    return {"rows": done.rows}
