"""The application: `kingpost serve examples.learn.app:app`, or `make serve`.

LEARN_DATABASE names the database: a file (learn.db, in the working directory, if nothing is said) or an address such
as postgresql://user@host/learn. LEARN_ORIGIN is the address of the site where a proxy stands before it.
"""

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from examples.learn import pages
from examples.learn.load import load
from examples.learn.models import RESOURCES, User
from kingpost import App


def create(database: str) -> App:
    """The site over a database, given as an address or as the path of an SQLite file."""
    app = App(
        "learn",
        resources=RESOURCES,
        stores={"main": database if "://" in database else f"sqlite:///{database}"},
        actor=User,
        lifespan=ready,
        version="1.0",
        description="A backend developer's guide and learning planner.",
    )
    app.include_router(pages.router)
    app.add_exception_handler(404, pages.missing)
    return app


@asynccontextmanager
async def ready(app: App) -> AsyncGenerator[None]:
    """Before the first request: create the tables that are missing, and load the content if it has changed."""
    await app.sync()
    await load(app)
    yield


app = create(os.environ.get("LEARN_DATABASE", "learn.db"))
