"""An inventory that was saved is read again as it was, or the file is refused with a reason."""

from __future__ import annotations

import json
import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from alexa_props import Inventory
from alexa_props.errors import ConfigurationError
from alexa_props.smart_properties.endpoints import Endpoint, Feature, FeatureOperation, FeatureProperty
from alexa_props.smart_properties.units import Unit
from tests.inventory.hotels import SAMPLED, device, hotel

FULL = device(
    "Écho \ud83d 🛏\n",
    "G1",
    mac="68:54:FD:00:00:01",
    description="d",
    manufacturer="Amazon",
    model="Echo",
    software_version="1",
)
FULL = attrs.evolve(
    FULL,
    features=(
        *FULL.features,
        Feature(
            "speaker",
            (FeatureProperty("volume", 30, SAMPLED), FeatureProperty("x", [1.5, None, {"a": True}])),
            (FeatureOperation("set", "/volume"),),
            {"steps": [1, 2]},
        ),
    ),
)
INVENTORY = hotel({"Seaside": {"Room 1": [FULL], "Zürich/2": []}, "Annex": [device(None, reachability=None)]})


def test_what_is_read_equals_what_was_saved(tmp_path: Path) -> None:
    INVENTORY.save(tmp_path / "inventory")
    read = Inventory.load_file(str(tmp_path / "inventory"))
    assert read == INVENTORY
    assert hash(read) == hash(INVENTORY)
    assert read.devices[0].features == FULL.features
    assert read.find("Room 1") == INVENTORY.find("Room 1")
    bare = hotel({}, has_endpoints=False)
    bare.save(tmp_path / "bare")
    assert Inventory.load_file(tmp_path / "bare") == bare
    assert read != bare


def test_every_field_of_a_unit_and_a_device_is_saved(tmp_path: Path) -> None:
    """A field that is added to a model is in this test's device, or it fails."""
    for model, example in ((Endpoint, INVENTORY.devices[0]), (Unit, INVENTORY.units[0])):
        for field in attrs.fields(model):
            assert getattr(example, field.name) not in (None, ()), field.name


def test_it_can_be_pickled_without_what_is_looked_up() -> None:
    fresh = pickle.dumps(hotel({"Seaside": ["Echo"]}))
    used = hotel({"Seaside": ["Echo"]})
    used.find("Echo")
    assert pickle.dumps(used) == fresh
    again: Inventory = pickle.loads(fresh)
    assert again == used
    assert again.path_of(again.find("Echo")) == "Seaside/Echo"


def test_it_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        INVENTORY.units = ()  # type: ignore[misc]


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_only_the_owner_can_read_the_file_and_links_stay(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("something else")
    target.chmod(0o644)
    link.symlink_to(target)
    INVENTORY.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert Inventory.load_file(target) == INVENTORY


def test_a_save_that_fails_leaves_the_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "inventory"
    INVENTORY.save(path)
    broken = attrs.evolve(
        INVENTORY, devices=(device("Echo"), attrs.evolve(device("x"), features=(Feature(configuration={"a": {1}}),)))
    )
    with pytest.raises(TypeError):
        broken.save(path)
    assert Inventory.load_file(path) == INVENTORY
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError, match="No such file"):
        INVENTORY.save(tmp_path / "no folder" / "inventory")


def changed(number: int, change: Callable[[dict[str, Any]], object]) -> Callable[[list[str]], list[str]]:
    """A change of one line of the file."""

    def apply(lines: list[str]) -> list[str]:
        content = json.loads(lines[number])
        change(content)
        return [*lines[:number], json.dumps(content), *lines[number + 1 :]]

    return apply


DAMAGES: list[tuple[Callable[[list[str]], list[str]], str]] = [
    (lambda _: [], "is not an inventory"),
    (lambda _: ["[1, 2]"], "is not an inventory"),
    (lambda _: ["room,unit_id", "Room 1,x"], "is not an inventory"),
    (lambda _: ["\x00\xff\x00"], "is (damaged|not an inventory)"),
    (changed(0, lambda head: head.update(format="another")), "is not an inventory"),
    (changed(0, lambda head: head.update(version=2)), "a newer version of alexa-props saved it: upgrade"),
    (changed(0, lambda head: head.update(version="old")), "has version 'old' of its format, not 1"),
    (changed(0, lambda head: head.pop("taken")), "damaged: it has no 'taken'"),
    (changed(0, lambda head: head.update(taken="2026-01-01T00:00:00")), "time with a time zone was expected"),
    (changed(0, lambda head: head.update(has_endpoints="no")), "bool was expected, not 'no'"),
    (changed(0, lambda head: head.update(units=-1)), "damaged"),
    (changed(0, lambda head: head.update(units="1")), "int was expected, not '1'"),
    (changed(0, lambda head: head.update(root={})), "damaged"),
    (lambda lines: lines[:-1], "more or fewer lines"),
    (lambda lines: [*lines, "{}"], "more or fewer lines"),
    (lambda lines: [*lines[:-1], lines[-1][: len(lines[-1]) // 2]], "damaged"),
    (lambda lines: [lines[0], "[" * 100_000, *lines[2:]], "damaged"),
    (changed(1, lambda unit: unit.update(id=5)), "str was expected, not 5"),
    (changed(1, lambda unit: unit.pop("id")), "damaged"),
    (changed(2, lambda unit: unit.update(parent_id=unit["id"])), "is its own parent"),
    (changed(-1, lambda each: each.update(features=[[]])), "damaged"),
]


def test_a_file_that_is_not_a_saved_inventory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "inventory"
    for change, said in DAMAGES:
        INVENTORY.save(path)
        path.write_text("\n".join(change(path.read_text().splitlines())) + "\n")
        with pytest.raises(ConfigurationError, match=said) as caught:
            Inventory.load_file(path)
        assert str(path) in str(caught.value)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Inventory.load_file(tmp_path / "inventory")
