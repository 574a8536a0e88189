"""Redis and Valkey as a store: a row is a key, and what a question needs is loaded and asked in memory.

Must not know rules or actors. What is kept where is said in `layout`; nothing is kept together across Redis servers.
"""
