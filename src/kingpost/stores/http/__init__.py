"""HTTP JSON APIs as stores: rows are read, strictly and within bounds, and asked in memory.

Decides what an API is asked, how long and how much of it is believed, and which addresses are reached at all. Knows no
rules and no actors.
"""
