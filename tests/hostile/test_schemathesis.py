"""schemathesis against the OpenAPI document of the castle, as the server serves it: what the document says is so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.wire import Wire
from tests.soak import SOAKING, count

ROOT = Path(__file__).parents[2]
SOME = "^/api/(relics(/{id}(/polish|/swap|/holder)?|/-/tally)?|sittings(/.*)?|guilds(/{name}(/posts)?)?)$"
"""Every type, a key of several members, nested rows, actions; `make soak` takes all addresses."""

PHASES = "examples,coverage,fuzzing,stateful"
"""coverage alone makes fifteen thousand requests of them, which one store is enough for."""
ELSEWHERE = {
    "unsupported_method": "what nobody may do is not in the document, and is refused by the rules, not as a method",
    "allow_header_conformance": "so Allow names more than the document: see test_headers.py",
    "positive_data_acceptance": "what_its_schema_admits_is_understood says it more exactly, see fuzzing.py",
}
"""Checks of schemathesis that are left off, and why."""
CONFIG = """
[checks.negative_data_rejection]
# With 412: what is wrong in a patch of an embedded value shows beside the row, of which another version was named.
expected-statuses = ["400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "428", "429"]
"""


@pytest.mark.soak
def test_the_document_says_what_the_server_does(wire: Wire, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """As the boss, from whom nothing is hidden: what the asker may not read is unknown to him, but in the document."""
    on = request.node.callspec.params["databases"]
    run = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{wire.served.url}/api/openapi.json",
        "--header", "X-Actor: Boss",
        "--include-path-regex", "^/" if SOAKING else SOME,
        "--phases", PHASES if SOAKING or on == "sqlite" else "fuzzing,stateful",
        "--max-examples", str(count(10, 300)),
        "--checks", "all", "--exclude-checks", ",".join(ELSEWHERE),
        "--continue-on-failure", "--warnings", "off", "--request-timeout", "30",
        "--no-color",
    ]  # fmt: skip
    run += ["--generation-database", "none"] if SOAKING else ["--seed", "1", "--generation-deterministic"]
    (tmp_path / "schemathesis.toml").write_text(CONFIG)
    known = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.hostile.fuzzing", "PYTHONPATH": str(ROOT)}
    told = subprocess.run(run, capture_output=True, text=True, env=known, cwd=tmp_path, check=False)
    assert told.returncode == 0, told.stdout[-20_000:] + told.stderr[-2_000:]
    assert "Traceback" not in wire.served.printed
