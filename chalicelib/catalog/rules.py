"""How stock is spread over shards, and taken from them."""

from chalicelib.catalog.model import Take
from chalicelib.kernel.ids import ProductId


def spread(stock: int, shards: int) -> list[int]:
    """Share stock out over shards as evenly as whole pieces allow."""
    each, rest = divmod(stock, shards)
    return [each + (shard < rest) for shard in range(shards)]


def first_shard(product_id: ProductId, *, seed: str, shards: int) -> int:
    """Choose the shard where a taker begins: by the taker, so that takers spread."""
    return sum(f"{product_id}{seed}".encode()) % shards


def plan_takes(
    product_id: ProductId, quantity: int, free: list[int], *, first: int
) -> list[Take] | None:
    """Take from one shard if one suffices, else from as few as a walk needs; None if all is short.

    `free` is what each shard has left.
    """
    walk = [(first + step) % len(free) for step in range(len(free))]
    for shard in walk:
        if free[shard] >= quantity:
            return [Take(product_id=product_id, shard=shard, quantity=quantity)]
    takes: list[Take] = []
    wanted = quantity
    for shard in sorted(walk, key=lambda shard: -free[shard]):
        part = min(wanted, free[shard])
        if part > 0:
            takes.append(Take(product_id=product_id, shard=shard, quantity=part))
            wanted -= part
    return takes if wanted == 0 else None
