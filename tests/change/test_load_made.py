"""Files into resources whose keys the database makes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kingpost import App, Resource, allow, anyone, field, generated
from tests.change.loading import counts, load


class Label(Resource, read=anyone, write=anyone):
    number: int = field(key=True, default=generated)
    name: str = field(max_length=20, unique=True)


class Slot(Resource, read=anyone):
    number: int = field(key=True, default=generated)
    label: Label

    @allow("create")
    def of_low_number(self) -> bool:
        return self.number < 3 and self.label.number < 9


@pytest.fixture
async def labels(store_url: str) -> AsyncIterator[App]:
    app = App("labels", resources=[Label, Slot], stores={"main": store_url}, secret=b"t")
    await app.start()
    await app.sync()
    yield app
    await app.stop()


async def test_keys_are_made_for_rows_of_a_file(labels: App, tmp_path: Path) -> None:
    progress = await load(labels, tmp_path, "Label", "name\nred\ngreen\nblue\nred\n")
    assert counts(progress) == (3, 0, 0, 1)
    with labels.acting(None):
        found = await Label.all().sort("number")
        assert [label.name for label in found] == ["red", "green", "blue"]
        assert [label.number for label in found] == sorted({label.number for label in found})


async def test_rules_that_ask_for_them(labels: App, tmp_path: Path) -> None:
    await load(labels, tmp_path, "Label", "name\nred\n")
    text = "label\n1\n1\n1\n1\n"
    progress = await load(labels, tmp_path, "Slot", text, "slots.csv")
    assert (progress.created + progress.rejected, progress.rejected > 0) == (4, True)
    with labels.acting(None):
        assert all(slot.number < 3 for slot in await Slot.all())
