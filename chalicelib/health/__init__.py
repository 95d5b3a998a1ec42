"""Health: what is stuck, since when, and what to do about it (体检).

Owns nothing and writes nothing. Reads the other rooms through their stores, the first hundred of
each list and no more. Emits nothing, hears nothing.
"""
