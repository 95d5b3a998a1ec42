"""Escrow: what happens to held money (担保) until it is the merchant's.

Owns nothing but the verbs: shipment and hold live in the order's head, changed by `orders.store`.
Touches `merchant:<id>:held`, `merchant:<id>:available` (or `:payout`), `platform:fees`,
`partner:<id>:available`. Emits `order.shipped`, `order.released`, `order.part_released`.
Sweeps the due list of receipts.
"""
