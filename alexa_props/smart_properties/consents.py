"""Read and reset the consents that residents gave in a unit."""

from __future__ import annotations

import enum
from typing import Final, Literal, TypeAlias

import attrs

from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.operation import Group
from alexa_props.smart_properties.ids import UnitId

__all__ = ["OPERATIONS", "Consent", "ConsentType", "Consents"]


class ConsentType(enum.StrEnum):
    """What a resident consents to."""

    HEALTH_DATA = "health_data"


ConsentTypeLike: TypeAlias = ConsentType | Literal["health_data"]


@attrs.frozen
class Consent(Lenient):
    """A consent in a unit."""

    status: str | None = None
    """Its values are not documented. None if the response has it elsewhere: see `raw`."""


_api: Final = Group("consents", "consent-framework-rest-api.html")
_TYPES: Final = {"consent_type": ConsentType}
GET: Final = _api.get("get", "/v2/units/{unit_id}/consent", Consent, required=("consent_type",), choices=_TYPES)
RESET: Final = _api.put("reset", "/v2/units/{unit_id}/consent/reset")
OPERATIONS: Final = _api.operations


class Consents(Resource):
    """Read and reset the consents that residents gave in a unit.

        consent = await asp.consents.get(unit_id)
        print(consent.status)

    Only the host of Europe has this API, for senior living: create the client with `region="EU"`. It is an add-on, and
    the health consent skill must be enabled for the unit.
    """

    async def get(self, unit_id: UnitId, consent_type: ConsentTypeLike = ConsentType.HEALTH_DATA) -> Consent:
        """Return a consent of a unit."""
        return await self._call(GET, unit_id=unit_id, consent_type=consent_type)

    async def reset(self, unit_id: UnitId) -> None:
        """Reset all consents of a unit. A late retry would also reset a consent that was given in between.

        Whether devices then ask again is not documented.
        """
        await self._call(RESET, unit_id=unit_id)
