"""The ledger: a double-entry journal whose keys are business keys.

Owns journal entries. Read `postings.py` for every movement of money, then `chart.py`.
"""
