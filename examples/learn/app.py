"""The application: `kingpost serve examples.learn.app:app`, or `make serve`.

LEARN_DATABASE names the database, as a file (learn.db, in the working directory) or an address (postgresql://...).
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from examples.learn import pages
from examples.learn.load import load
from examples.learn.models import RESOURCES, User
from kingpost import App


def address(database: str) -> str:
    """The address of a store, from an address or the path of a file."""
    return database if "://" in database else f"sqlite:///{database}"


@asynccontextmanager
async def ready(_app: FastAPI) -> AsyncIterator[None]:
    """Before the first request: create the tables that are missing, and load the content if it has changed."""
    await app.sync()
    await load(app)
    yield


app = App(
    "learn",
    resources=RESOURCES,
    stores={"main": address(os.environ.get("LEARN_DATABASE", "learn.db"))},
    actor=User,
    lifespan=ready,
    version="1.0",
    description="A backend developer's guide and learning planner.",
)
app.include_router(pages.router)
app.add_exception_handler(404, pages.missing)
