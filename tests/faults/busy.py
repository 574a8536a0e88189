"""The ledger with an address that keeps the database at work, served by itself."""

from __future__ import annotations

import os

from kingpost import Limits, as_system
from tests.faults.ledger import ledger

CHOSEN = {
    "in_flight": os.environ.get("IN_FLIGHT"),
    "slow": os.environ.get("SLOW"),
    "deadline": os.environ.get("DEADLINE"),
}

app = ledger(
    os.environ["LEDGER_STORE"],
    limits=Limits(**{name: float(value) for name, value in CHOSEN.items() if value}),  # type: ignore[arg-type]
)


@app.get("/work")
async def work() -> str:
    """Takes a tenth of a second, and one of the writing connections for that long."""
    with as_system("a test takes its time"):
        await app.execute("SELECT pg_sleep(0.1)")
    return "done"


@app.post("/bound")
async def bound(pages: int) -> None:
    """How large the database may become, where there is no small disk to be had; SQLite takes as many as there are."""
    with as_system("a test fills the database"):
        await app.execute(f"PRAGMA max_page_count={pages}")
