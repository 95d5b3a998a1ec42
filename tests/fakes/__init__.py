"""Fakes: small, fast, and held to the same contracts as what they stand for."""
