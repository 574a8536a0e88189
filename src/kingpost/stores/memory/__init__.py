"""The reference store: rows in dictionaries, selects run by `kingpost.language.evaluate`.

Decides what every other store has to answer. Must not know SQL; gone with the process.
"""
