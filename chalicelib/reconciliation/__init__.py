"""Reconciliation: the provider's books against ours, line by line, to the fen (对账).

Owns reconciled days and discrepancies. Touches `provider:<name>:clearing`, `provider:<name>:fees`,
and `bank` or `platform:suspense` where a person says so.
Emits `reconciliation.done`, `reconciliation.refused`, `discrepancy.changed`, `discrepancy.settled`.
"""
