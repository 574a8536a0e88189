"""learn: a backend developer's guide and learning planner, built with Kingpost.

`models.py` says what there is and who may do what. The API, its documentation, the tables and the pages follow from it.
"""
