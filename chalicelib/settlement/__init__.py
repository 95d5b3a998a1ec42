"""Settlement: a merchant's own money on its way out (结算与打款).

Owns settlements and payouts. Touches `merchant:<id>:available`, `:payout`, `:debt`,
`partner:<id>:available`, `platform:fees`, `provider:<name>:clearing`, `provider:<name>:fees`,
`bank`.
Emits `settlement.opened`, `settlement.skipped`, `merchant.settled`, `merchant.advanced`,
`payout.created`, `payout.sent`, `payout.shared`, `payout.paid`, `payout.failed`.
Hears `settlement.opened`, `payout.created`, and where the seller is the payee `order.released` and
`refund.accepted`.
"""
