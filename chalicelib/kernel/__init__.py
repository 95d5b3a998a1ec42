"""Kernel: the five materials everything is made of (money, time, ids, states, errors). No I/O."""
