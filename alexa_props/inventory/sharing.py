"""Equal parts of many devices, stored once."""

from __future__ import annotations

import attrs

from alexa_props.smart_properties.endpoints import Endpoint, Feature, UnitRef
from alexa_props.smart_properties.units import Unit

__all__ = ["Shared"]


class Shared:
    """Makes equal strings and references one object: 20,000 devices have few models, and two share a room."""

    def __init__(self) -> None:
        self._texts: dict[str | None, str | None] = {}
        self._refs: dict[tuple[UnitRef, ...], tuple[UnitRef, ...]] = {}

    def unit(self, unit: Unit) -> Unit:
        """Return an equal unit."""
        return Unit(self._text(unit.id) or "", self._text(unit.name), self._text(unit.parent_id), unit.level)

    def endpoint(self, device: Endpoint) -> Endpoint:
        """Return an equal device."""
        return attrs.evolve(
            device,
            friendly_name=self._text(device.friendly_name),
            manufacturer=self._text(device.manufacturer),
            model=self._text(device.model),
            software_version=self._text(device.software_version),
            associated_units=self._units(device.associated_units),
            features=tuple(map(self._feature, device.features)),
        )

    def _text(self, text: str | None) -> str | None:
        return self._texts.setdefault(text, text)

    def _units(self, refs: tuple[UnitRef, ...]) -> tuple[UnitRef, ...]:
        found = self._refs.get(refs)
        if found is None:
            found = tuple(UnitRef(self._text(ref.id) or "") for ref in refs)
            self._refs[found] = found
        return found

    def _feature(self, feature: Feature) -> Feature:
        properties = tuple(attrs.evolve(each, name=self._text(each.name)) for each in feature.properties)
        return attrs.evolve(feature, name=self._text(feature.name), properties=properties)
