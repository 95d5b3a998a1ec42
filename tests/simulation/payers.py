"""What payers say to WeChat Pay itself: complaints, made once or more, heard of or not."""

from functools import partial
from typing import TYPE_CHECKING

from chalicelib.orders.model import Order
from chalicelib.providers.complaints import Complained, ComplaintStatus

if TYPE_CHECKING:
    from tests.simulation.seeds import Scene

_ROUNDS = (1, 1, 1, 2)


def complain(scene: "Scene", order: Order) -> None:
    """Let a payer complain, now and then of two payments, once more, or take it back."""
    stage, draw = scene.stage, scene.draw
    books, complaint_id = stage.complained, f"2000{order.id[4:]}"
    paid = [word for word in stage.provider.paid.values() if word.attach.startswith(order.id)]
    others = [word for word in stage.provider.paid.values() if word not in paid]
    if others and draw.random() < 0.2:
        paid.append(draw.choice(others))
    if draw.random() < 0.1:
        books.refuses.add(complaint_id)
    for _ in range(draw.choice(_ROUNDS)):
        known = books.complaints.get(complaint_id)
        if known is not None and known.status is not ComplaintStatus.PROCESSED:
            return  # what is not completed can't be made once more
        stage.world.tell(f"a payer complains: {complaint_id}")
        books.complain(complaint_id, *paid)
        _notify(scene, complaint_id)
        stage.world.pause(scene.wait(900))
        if draw.random() < 0.1:
            books.withdraw(complaint_id)
            _notify(scene, complaint_id)


def _notify(scene: "Scene", complaint_id: str) -> None:
    """Let the provider say so: once, often, or never."""
    word = Complained(complaint_id=complaint_id, action="")
    for _ in range(scene.draw.choice([0, 1, 1, 2])):
        hear = partial(scene.stage.rooms.take_complaints.hear, word)
        scene.insist("the provider tells of a complaint", hear)
