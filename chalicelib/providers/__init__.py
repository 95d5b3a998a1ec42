"""Providers: strangers behind one port. Their words stop at their door; they know no room."""
