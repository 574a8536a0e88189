"""REST: resources as addresses, problems by RFC 9457, a description by OpenAPI 3.1.

Decides addresses, parameters, headers and media types. Must not build a query or a rule: it makes intents, and sends
what the engine answers.
"""

from kingpost.doors.rest.door import RestDoor
from kingpost.doors.rest.settings import RestSettings

__all__ = ["RestDoor", "RestSettings"]
