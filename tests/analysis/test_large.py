"""Many rows: in bounded memory and exactly; what the time is spent on is printed (`pytest -s`)."""

from __future__ import annotations

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.soak import count


@pytest.mark.soak
def test_many_rows_in_bounded_memory(tmp_path: Path) -> None:
    sales, customers, regions = count(60_000, 1_000_000), count(6_000, 100_000), count(1_200, 20_000)
    command = [
        sys.executable,
        "-m",
        "tests.analysis.large",
        str(tmp_path),
        *map(str, (sales, customers, regions)),
        "64MB",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout)
    print(f"{sales} x {customers} x {regions} rows: {done.stdout}", end="")
    assert (figures["groups"], figures["sales"], figures["notes"]) == (50, sales, sales)
    assert Decimal(figures["total"]) == Decimal(sum(n % 9973 for n in range(sales))) / 100
    assert figures["megabytes"] < 400
