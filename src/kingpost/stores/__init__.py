"""How each store says it: translation of plan values into a store's own words, and their execution.

Decides storage forms, statements, connections. Must not know rules, actors or HTTP.
"""
