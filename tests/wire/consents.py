"""The wire of consents of units."""

from __future__ import annotations

from alexa_props.smart_properties.consents import Consent
from tests.wire.row import Wire

WIRE = {
    "consents.get": Wire(
        lambda on: on.asp.consents.get(on.room),
        "GET /v2/units/room-1/consent?consentType=health_data",
        response={"status": "GRANTED"},
        result=Consent("GRANTED"),
    ),
    "consents.get, in a form that is not known": Wire(
        lambda on: on.asp.consents.get(on.room, "health_data"),
        "GET /v2/units/room-1/consent?consentType=health_data",
        response={"status": {"health_data": "GRANTED"}},
        result=Consent(),
    ),
    "consents.reset": Wire(lambda on: on.asp.consents.reset(on.room), "PUT /v2/units/room-1/consent/reset"),
}
