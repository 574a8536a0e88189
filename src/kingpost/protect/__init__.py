"""What must never happen: requests that hang, clients that hold on to what others need, more work than can be done.

Decides when a request has had enough, of time or of company, and what is refused so that the rest is answered well.
Knows requests as ASGI tells of them and stores by name. Must not know resources, the words of a door, or a sibling.
"""
