"""The MongoDB store: resources are collections, selects are aggregation pipelines.

Decides the form of documents, pipelines, and what a server of MongoDB's kind is asked and told. Must not know rules,
actors or HTTP. What it can't say exactly it refuses (`Unsupported`), and the engine does it in memory.
"""
