"""The simulator: the real use cases in a world that fails on purpose, always in the same way."""
