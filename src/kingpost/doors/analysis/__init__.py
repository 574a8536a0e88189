"""Questions over everything: tables of all resources, whatever their stores, computed together by DuckDB.

Decides what is loaded for a question, how values are typed, and what form the answer has. Must not decide what the
actor may see: rows and columns come from the engine, as they would through any door.
"""
