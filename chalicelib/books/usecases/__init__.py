"""Keeping the day's totals, reading the books, and building them again from the list."""

from chalicelib.books.usecases.follow import HEARD, followers
from chalicelib.books.usecases.read import AccountAt, ReadBooks
from chalicelib.books.usecases.rebuild import Rebuild
from chalicelib.books.usecases.totals import FoldTotals

__all__ = [
    "HEARD",
    "AccountAt",
    "FoldTotals",
    "ReadBooks",
    "Rebuild",
    "followers",
]
