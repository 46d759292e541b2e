"""Inventories made from names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from alexa_props import Inventory
from alexa_props.smart_properties.endpoints import Connection, Endpoint, Feature, FeatureProperty, UnitRef
from alexa_props.smart_properties.units import Unit

Tree: TypeAlias = "Mapping[str, Tree] | Sequence[str | Endpoint]"
"""Units by name, and the devices of those that have no units: names, or devices that are put there."""

TAKEN = dt.datetime(2026, 11, 30, 12, 0, 30, 123456, dt.UTC)
SAMPLED = dt.datetime(2026, 11, 30, 11, 59, 0, 654321, dt.UTC)


def device(
    name: str | None,
    serial: str | None = None,
    *,
    id: str | None = None,
    mac: str | None = None,
    reachability: str | None = "OK",
    unit: str | None = None,
    **fields: Any,
) -> Endpoint:
    """Return a device, in no unit unless it is given."""
    value = FeatureProperty("reachability", {"value": reachability}, SAMPLED)
    return Endpoint(
        id or f"endpoint-{serial or name}",
        name,
        serial_number=serial,
        connections=() if mac is None else (Connection(mac),),
        features=() if reachability is None else (Feature("connectivity", (value,)),),
        associated_units=() if unit is None else (UnitRef(unit),),
        **fields,
    )


def hotel(tree: Tree, *, root: str = "Organization", level: int = 0, **fields: Any) -> Inventory:
    """Return an inventory. The id of a unit is "id:" and its path, that of the root "id:"."""
    found = list(_things(tree, "id:", level + 1))
    units = [each for each in found if isinstance(each, Unit)]
    devices = [each for each in found if isinstance(each, Endpoint)]
    return Inventory(Unit("id:", root, None, level), tuple(units), tuple(devices), TAKEN, **fields)


def _things(tree: Tree, parent: str, level: int) -> Iterator[Unit | Endpoint]:
    if not isinstance(tree, Mapping):
        for number, each in enumerate(tree):
            made = device(each, id=f"{parent}#{number}") if isinstance(each, str) else each
            yield _in_unit(made, parent)
        return
    for name, below in tree.items():
        own_id = f"{parent}/{name}" if parent != "id:" else f"id:{name}"
        yield Unit(own_id, name, parent, level)
        yield from _things(below, own_id, level + 1)


def _in_unit(endpoint: Endpoint, unit_id: str) -> Endpoint:
    return attrs.evolve(endpoint, associated_units=(UnitRef(unit_id),))
