"""Refunds: money on its way back to the shopper (退款).

Owns refunds. Touches `merchant:<id>:held`, `:available`, `:debt`, `platform:fees`,
`partner:<id>:available`, `:debt`, `refunds:in_transit`, `platform:suspense`, `bank`,
`provider:<name>:clearing`. Emits `refund.accepted`, `refund.collected`, `refund.sent`,
`refund.paid`, `refund.abnormal`, `refund.closed`, `refund.retried`, `refund.settled`,
`refund.delayed`. Hears `refund.accepted` and `payment.captured_late`.
"""
