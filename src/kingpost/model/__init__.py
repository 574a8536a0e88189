"""What was declared: resources, fields, relations, rules and actions, frozen into one checked `Model`.

Decides what a declaration means and whether it holds together; all that is wrong with it is reported at once.
Must not know stores or HTTP.
"""
