"""Consents of units. Inferred: the names of the states, and that a unit has consented until a reset."""

from __future__ import annotations

from typing import Final

from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import known_unit
from alexa_props.simulator.responses import Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.store import Key

CONSENT: Final = "/v2/units/{unitId}/consent"

RESETS: Final = Key[dict[str, float]]("consents", lambda _: {})
"""When the reset of a unit shows, on the monotonic clock."""


@route("consents.get", "GET", CONSENT)
def get_consent(context: Context) -> Response:
    """Return the state of a consent."""
    if context.query.get("consentType") != "health_data":
        raise Problem(400, "consentType is required, and must be health_data.")
    unit = known_unit(context, context.params["unitId"])
    reset = context.service.store[RESETS].get(unit.id)
    is_given = reset is None or context.time < reset
    return json_response({"status": "GRANTED" if is_given else "NOT_GRANTED"})


@route("consents.reset", "PUT", f"{CONSENT}/reset")
def reset_consent(context: Context) -> Response:
    """Reset the consents of a unit. A repeat changes nothing."""
    unit = known_unit(context, context.params["unitId"])
    context.service.store[RESETS].setdefault(unit.id, context.effective_from)
    return no_content()
