"""How schema and data move: files into resources, and what is there into a declaration.

Decides what a cell of a file means, in which order things are moved, and what is told of what could not be. Must not
know HTTP, commands or a sibling room, and writes no row but through the engine, which holds it to the declaration.
"""
