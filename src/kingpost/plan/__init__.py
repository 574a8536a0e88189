"""How to answer: an intent, the model, the actor and what the stores can do become a `Plan` value.

Decides what is asked of which store, with the rules merged in and the cost bounded. Must not await anything.
"""
