"""Complaints: what payers tell WeChat Pay opens or joins a dispute, and is answered (消费者投诉).

Owns what became of each complaint about an order. Touches no account: the dispute holds the money.
Emits `complaint.joined`, `complaint.unheld`, `complaint.said`, `complaint.answered`,
`complaint.refused`. Hears `dispute.carried_out`, `dispute.withdrawn`.
"""
