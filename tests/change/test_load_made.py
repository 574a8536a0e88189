"""Files into resources whose keys the database makes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kingpost import App, Refused, Resource, action, allow, anyone, field, generated
from tests.change.loading import counts, load, rejects


class Label(Resource, read=anyone, write=anyone):
    number: int = field(key=True, default=generated)
    name: str = field(max_length=20, unique=True)


class Slot(Resource, read=anyone):
    number: int = field(key=True, default=generated)
    label: Label

    @allow("create")
    def of_low_number(self) -> bool:
        return self.number < 3 and self.label.number < 9


class Badge(Resource, read=anyone, create=anyone):
    number: int = field(key=True)
    name: str = field(max_length=20)

    @action
    @classmethod
    async def create(cls, new: Badge) -> Badge:
        if new.name == "bad":
            raise Refused("no bad names")
        if not new.name:
            raise Refused("say it", field="name")
        await new.save()
        return new


@pytest.fixture
async def labels(store_url: str) -> AsyncIterator[App]:
    app = App("labels", resources=[Label, Slot, Badge], stores={"main": store_url}, secret=b"t")
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


async def test_what_an_action_refuses_is_rejected_and_the_rest_goes_on(labels: App, tmp_path: Path) -> None:
    progress = await load(labels, tmp_path, "Badge", 'number,name\n1,good\n2,bad\n3,""\n4,fine\n')
    assert counts(progress) == (2, 0, 0, 2)
    assert rejects(tmp_path).splitlines()[1:] == ["3,no bad names,2,bad", "4,name: say it,3,"]


async def test_a_cell_of_a_key_is_named_whatever_its_words_are(labels: App, tmp_path: Path) -> None:
    """The member is `number`, and the reason "must be a whole number"."""
    await load(labels, tmp_path, "Badge", "number,name\nx,good\n")
    assert rejects(tmp_path).splitlines()[1] == "2,number: must be a whole number,x,good"
