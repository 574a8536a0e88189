"""What happens: plans are run, rows become objects, changes are checked, written and retried, actions are called.

Decides the order of things and what is one transaction. Must not know HTTP.
"""
