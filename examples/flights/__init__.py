"""flights: every flight that left New York City in 2013, served from one declaration, built with Kingpost.

`models.py` says what there is. The API, its documentation and the tables follow from it; `load.py` fills them.
"""
