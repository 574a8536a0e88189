"""What can be said: Python expressions read as source, typed against a schema, with one meaning for every store.

Decides the grammar, the types and the three outcomes (true, false, unknown) of an expression, and answers it in memory.
Must not do I/O, and must not know stores, HTTP or how resources are declared beyond the `Schema` protocol.
"""
