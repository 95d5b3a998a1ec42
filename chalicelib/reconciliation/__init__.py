"""Reconciliation: the provider's books against ours, line by line, to the fen (对账).

What a line of a bill, or an entry of ours, does to what the provider keeps for us is its *effect*.
Where the effects on one thing differ, the difference *stands* between the books from its day on,
until another day shows its opposite. So theirs less ours is the sum of what stands, and whatever
is left over is unexplained. Read `rules.py`, then `usecases/run.py`.

Owns reconciled days and discrepancies. Touches `provider:<name>:clearing`, `provider:<name>:fees`,
and `bank` or `platform:suspense` where a person says so.
Emits `reconciliation.done`, `reconciliation.refused`, `discrepancy.changed`, `discrepancy.settled`.
Hears the command `reconcile` on a queue of its own.
"""
