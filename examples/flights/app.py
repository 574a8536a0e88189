"""The application: `make serve-flights` loads the data once and serves it.

FLIGHTS_DATABASE names the database: a file (flights.db, in the working directory, if nothing is said) or an address
such as postgresql://user@host/flights. FLIGHTS_ORIGIN is the address of the site where a proxy stands before it.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from examples.flights import pages
from examples.flights.models import RESOURCES
from kingpost import App


def create(database: str) -> App:
    """The site over a database, given as an address or as the path of an SQLite file."""
    app = App(
        "flights",
        resources=RESOURCES,
        stores={"main": database if "://" in database else f"sqlite:///{database}"},
        lifespan=ready,
        version="1.0",
        description="Every flight that left New York City in 2013.",
    )
    app.include_router(pages.router)
    app.add_exception_handler(404, pages.missing)
    return app


@asynccontextmanager
async def ready(app: App) -> AsyncGenerator[None]:
    """Before the first request: create the tables that are missing."""
    await app.sync()
    yield


app = create(os.environ.get("FLIGHTS_DATABASE", "flights.db"))
