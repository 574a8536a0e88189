"""How the world comes in: each door turns requests into intents, and answers into its own form.

Decides names, forms and wire formats. Must not build a query or a rule, and never touches a store.
"""
