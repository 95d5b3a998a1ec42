"""Cells of a sheet that people open with a spreadsheet."""

from typing import Any

_FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def plain(cell: Any) -> Any:
    """Keep a spreadsheet from reckoning with what strangers wrote; a number stays one."""
    if isinstance(cell, str) and cell.startswith(_FORMULAS):
        return f"'{cell}"
    return cell
