"""Delivery: WeChat is told of every shipment, and says when its shopper has received it (发货管理).

Owns the report of each shipment. Touches no account: a receipt is released by escrow.
Emits `shipment.reported`, `shipment.refused`. Hears `order.shipped`.
"""
