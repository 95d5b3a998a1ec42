"""Orders: what a shopper wants, what it costs, and what of its money is held.

Owns each order's head and lines; every room that changes an order asks `store` for a named update.
The head's `held` is the guarded account `escrow:<order>`, whose fold is `merchant:<id>:held`.
Emits `order.placed`. Hears `order.placed` and `order.shipped`, to note when each is due.
Closing belongs to payments, since a provider must confirm it.
"""
