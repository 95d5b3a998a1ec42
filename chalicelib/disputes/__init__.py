"""Disputes: a shopper says that something is wrong while the money is held (争议).

Owns disputes and what both sides say. Touches no account: escrow releases, refunds refund.
Emits `dispute.opened`, `dispute.evidence_added`, `dispute.withdrawn`, `dispute.decided`,
`dispute.carried_out`. Hears `dispute.decided`. Sweeps the due list of its deadlines.
"""
