"""Payments: a shopper's money on its way in.

Owns payments, refunds that are due for late money, and the provider's certificates as downloaded.
Touches `provider:<name>:clearing`, `merchant:<id>:held`, `platform:suspense`.
Emits `payment.started`, `payment.failed`, `payment.captured`, `payment.captured_late`,
`payment.parked`, `payment.closed`, `order.closed`. Hears the commands `close_order` and `book` on
its queues.
"""
