"""The books as people read them: balances, entries, business days and their totals.

Owns the daily totals and the merchants that were active on a day. Runs the sequencer, since it
alone knows every room that follows the numbered list. Emits nothing.
"""
