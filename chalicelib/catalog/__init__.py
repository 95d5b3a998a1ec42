"""Catalog: what merchants sell, for how much, and how much of it is left.

Owns products and the shards of their stock. Touches no account.
Emits `product.created`. Hears nothing. Orders take from the stock through `store.take`.
"""
