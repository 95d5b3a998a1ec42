"""Payments: a shopper's money on its way in.

Owns payments, and the provider's certificates as downloaded.
Touches `provider:<name>:clearing`, `merchant:<id>:held`, `platform:suspense`.
Emits `payment.started`, `payment.failed`, `payment.captured`, `payment.captured_late`,
`payment.parked`, `payment.closed`, `order.closed`. Hears `payment.started`, the commands
`close_order` and `ask_about_payment`, and the bookings on a queue of their own.
"""
