"""How the house is packed for AWS: staged, built by Chalice, compiled, and its template completed.

staging.py    a copy of what travels, with its wheels, for Chalice to pack
archive.py    the zip: bytecode beside every source, the same bytes every time
functions.py  what each function gets: memory, time, how many at once
allowed.py    what each function may do, and nothing else
template.py   what Chalice can't say
"""
