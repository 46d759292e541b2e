"""Arguments that take the id of a unit or an endpoint, or a model that has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from alexa_props.smart_properties.endpoints import Endpoint, UnitRef
    from alexa_props.smart_properties.units import Unit

__all__ = ["EndpointId", "UnitId"]

UnitId: TypeAlias = "str | Unit | UnitRef"
EndpointId: TypeAlias = "str | Endpoint"
