"""What a request is about: one rule for faults, permissions and the record of calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal

import attrs

__all__ = ["Subjects", "members", "subjects_of"]

_Kind = Literal["unit", "endpoint", "device"]
_Source = Callable[[str], list[object]]

_NAMES: Mapping[_Kind, tuple[str, ...]] = {
    "unit": (
        *("unitId", "associatedUnits.id", "parentId", "unit"),
        *("entities.unit.id", "entities.unit.parent.id", "entities.resource.resourceId"),
        *("propertyId", "roomTypeId", "roomId", "targeting.values.id"),
    ),
    "endpoint": ("endpointId", "endpoint", "memberDevice.id"),
    "device": ("DeviceArn",),
}
"""Names of an id in paths, queries and bodies; the first that is there counts."""

_ENTITIES = ("recipients", "recipient", "associatedEntity", "entity")
"""Objects with an `id` and a `type`, which says whether it is a unit or an endpoint; a unit if there is no type."""


@attrs.frozen
class Subjects:
    """The unit, the endpoint and the Alexa for Business device that a request is about, if any."""

    unit_id: str | None
    endpoint_id: str | None
    device_id: str | None


def members(value: object, name: str) -> Iterator[object]:
    """Yield the values of a dotted name, such as `"recipients.id"`; every item of a list is searched."""
    if isinstance(value, list):
        for each in value:
            yield from members(each, name)
    elif isinstance(value, dict):
        first, dot, rest = name.partition(".")
        if first in value:
            yield from members(value[first], rest) if dot else (value[first],)


def _only(values: Iterable[object]) -> str | None:
    """Return the one value; a request that names several things is about none of them."""
    found = [each for each in values if isinstance(each, str) and each]
    return found[0] if len(found) == 1 else None


def _entities(source: _Source, kind: _Kind) -> Iterator[object]:
    for name in _ENTITIES:
        ids = source(f"{name}.id")
        types = source(f"{name}.type") if ids else []
        if len(types) != len(ids):
            types = ["unit"] * len(ids)
        yield from (each for each, type_ in zip(ids, types, strict=True) if str(type_).lower() == kind)


def _subject(sources: Iterable[_Source], kind: _Kind) -> str | None:
    for source in sources:
        found = next(filter(None, (_only(source(name)) for name in _NAMES[kind])), None)
        found = found or _only(_entities(source, kind))
        if found is not None:
            return found
    return None


def subjects_of(params: Mapping[str, str], body: object, query: Mapping[str, str]) -> Subjects:
    """Return what a request is about. The path counts before the body, and the body before the query."""
    sources: list[_Source] = []
    if params:
        sources.append(lambda name: [params[name]] if name in params else [])
    # If the path names a unit or an endpoint, the body is a value for it.
    if isinstance(body, dict) and not params.keys() & {"unitId", "endpointId"}:
        sources.append(lambda name: list(members(body, name)))
    if query:
        sources.append(lambda name: [query[name]] if name in query else [])
    return Subjects(*(_subject(sources, kind) for kind in ("unit", "endpoint", "device")))
