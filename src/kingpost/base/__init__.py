"""What every room needs: errors that name the place and the next step, the clock, and ids.

Decides how problems are worded and where time and identity come from. Must not know resources, stores or HTTP.
"""
