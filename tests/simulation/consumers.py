"""What takes messages from a queue, as SQS and Lambda do."""

from collections.abc import Callable, Sequence

from chalicelib.edge.queue import Message
from chalicelib.kernel.errors import PlatformError, TryAgainError
from tests.simulation.ports import SimulatedQueue
from tests.simulation.world import World

Handle = Callable[[Message], object]

PASSES_MAX = 400
IN_VAIN_MAX = 5


def ready(queue: SimulatedQueue, world: World) -> list[Message]:
    """Return the messages whose delay is over."""
    return [one for one in queue.messages if one.get("ready", 0) <= world.seconds]


def take(queue: SimulatedQueue, batch: Sequence[Message], handle: Handle) -> None:
    """Handle a batch, each message at least once.

    What failed stays; when the process is killed, the whole batch stays, done or not.
    """
    failed: list[Message] = []
    for message in batch:
        try:
            handle(message)
        except PlatformError:
            failed.append(message)
    for message in batch:
        if message not in failed and message in queue.messages:
            queue.messages.remove(message)
    if failed:
        raise TryAgainError("some of the batch comes again")


def work_off(queues: Sequence[tuple[SimulatedQueue, Handle]], world: World) -> None:
    """Take all that is ready, until nothing is, or what is left gets nowhere."""
    before: list[Message] = []
    in_vain = 0
    for _ in range(PASSES_MAX):
        waiting = [message for queue, _ in queues for message in ready(queue, world)]
        in_vain = in_vain + 1 if waiting == before else 0
        if not waiting or in_vain > IN_VAIN_MAX:
            return
        before = waiting
        for queue, handle in queues:
            batch = ready(queue, world)
            world.random.shuffle(batch)
            try:
                take(queue, batch, handle)
            except TryAgainError:
                continue
