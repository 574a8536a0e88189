"""How an application runs: found by its name, its tables compared, served by processes, its faults put into words.

Decides what a server process does before and beside answering. Must not know commands, terminals or a single resource.
"""
