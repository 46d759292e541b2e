"""Reminders on endpoints.

The devices store them, so changes need the device to be reachable (inferred from the deletion for a unit).
"""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.requests import device_failure, known_endpoint, require_permission, require_reachable
from alexa_props.simulator.responses import Json, Problem, Response, json_response, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.subjects import members
from alexa_props.simulator.tree import MOST_REMINDERS, Endpoint

_PATH = "/v2/alerts/reminders"
_ONE = f"{_PATH}/{{reminderId}}"
_REMINDER = {"reminder.trigger.type": str, "reminder.alertInfo.spokenInfo.content": list}


def _find(context: Context) -> tuple[Endpoint, str]:
    """Return the endpoint of the reminder that a path names, and the id of the reminder."""
    reminder_id, fleet = context.params["reminderId"], context.service.tree.fleet
    # Reminders are created on first use. A reset creates those of the seed again, and clients may know their ids.
    of_all = itertools.chain(
        (each for each in fleet if each.has_reminder(reminder_id)),
        (each for each in fleet if reminder_id in each.reminders),
    )
    endpoint = next(of_all, None)
    if endpoint is None:
        raise Problem(404, "There is no reminder with this id.")
    require_permission(context, endpoint.unit_id)
    return endpoint, reminder_id


def _render(endpoint: Endpoint, reminder_id: str) -> Json:
    recipient = {"type": "Endpoint", "id": endpoint.id}
    return {"reminderId": reminder_id, "recipient": recipient, "reminder": endpoint.reminders[reminder_id]}


def _recipient(context: Context, recipient: object) -> Endpoint:
    named = require_members(recipient, {"type": str, "id": str})
    if named["type"] != "Endpoint":
        raise Problem(400, "The type of a recipient must be Endpoint.")
    return known_endpoint(context, named["id"])


def _require_local(name: str, value: object) -> None:
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is not None:
        raise Problem(400, f"{name} must be a local time without an offset, such as 2024-06-21T16:30:00.000.")


def _require_zone(value: object) -> None:
    try:
        ZoneInfo(value if isinstance(value, str) else "")
    except (KeyError, ValueError, OSError):
        raise Problem(400, "timeZoneId must be the name of a time zone.") from None


def _require_recurrence(recurrence: dict[str, Any]) -> None:
    rules = recurrence.get("recurrenceRules")
    if not isinstance(rules, list) or not rules or not all(isinstance(each, str) and "FREQ=" in each for each in rules):
        raise Problem(400, "recurrenceRules must be a list of rules, such as FREQ=DAILY;BYHOUR=10;INTERVAL=1;")
    for name in ("startDateTime", "endDateTime"):
        if name in recurrence:
            _require_local(name, recurrence[name])


def _reminder(body: dict[str, Any]) -> dict[str, Any]:
    """Return the reminder of a body."""
    reminder: dict[str, Any] = require_members(body, _REMINDER, {"requestTime": str})["reminder"]
    trigger = require_members(reminder["trigger"], {"type": str}, {"recurrence": dict})
    match trigger["type"]:
        case "SCHEDULED_RELATIVE":
            if require_members(trigger, {"offsetInSeconds": int})["offsetInSeconds"] < 1:
                raise Problem(400, "offsetInSeconds must be at least 1.")
        case "SCHEDULED_ABSOLUTE":
            _require_zone(trigger.get("timeZoneId"))
            if "recurrence" in trigger:
                _require_recurrence(trigger["recurrence"])
            else:
                _require_local("scheduledTime", trigger.get("scheduledTime"))
        case _:
            raise Problem(400, "trigger.type must be SCHEDULED_ABSOLUTE or SCHEDULED_RELATIVE.")
    content = [each for found in members(reminder, "alertInfo.spokenInfo.content") for each in _items(found)]
    if not content:
        raise Problem(400, "spokenInfo.content must be a list of at least one.")
    for each in content:
        require_members(each, {"locale": str}, {"text": str, "ssml": str})
        if not each.keys() & {"text", "ssml"}:
            raise Problem(400, "content must have a text or SSML.")
    return reminder


def _items(found: object) -> list[Any]:
    return found if isinstance(found, list) else []


def _require_room(endpoint: Endpoint) -> None:
    if endpoint.count("reminders") >= MOST_REMINDERS:
        raise Problem(400, f"An endpoint has at most {MOST_REMINDERS} reminders.")


@route("reminders.list", "GET", _PATH)
def list_reminders(context: Context) -> Response:
    """List the reminders on an endpoint, all in one response."""
    query = context.query
    if query.get("owner") != "~caller":
        raise Problem(400, "owner must be ~caller.")
    endpoint = _recipient(context, {"type": query.get("recipient.type"), "id": query.get("recipient.id")})
    return json_response({"results": [_render(endpoint, each) for each in endpoint.reminders]})


@route("reminders.create", "POST", _PATH)
def create_reminder(context: Context) -> Response:
    """Create a reminder on endpoints, without those that cannot be reached.

    Inferred: if none of them can be reached, it fails; if one has too many reminders, nothing is created.
    """
    body = require_members(context.json, {"recipients": list})
    reminder = _reminder(body)
    endpoints = list(dict.fromkeys(_recipient(context, each) for each in body["recipients"]))
    if not endpoints:
        raise Problem(400, "recipients must be a list of at least one endpoint.")
    for endpoint in endpoints:
        _require_room(endpoint)
    reached = [each for each in endpoints if device_failure(context.service, each, "DEVICE_UNREACHABLE") is None]
    if not reached:
        require_reachable(context, endpoints[0])
    return json_response({"successResults": [{"reminderId": each.add_reminder(reminder)} for each in reached]})


@route("reminders.get", "GET", _ONE)
def get_reminder(context: Context) -> Response:
    """Return a reminder."""
    return json_response(_render(*_find(context)))


@route("reminders.update", "PUT", _ONE)
def update_reminder(context: Context) -> Response:
    """Replace a reminder. Inferred: another recipient moves it there, and the response is the reminder."""
    endpoint, reminder_id = _find(context)
    body = require_members(context.json, {"recipient": dict})
    reminder, recipient = _reminder(body), _recipient(context, body["recipient"])
    require_reachable(context, recipient)
    if recipient is not endpoint:
        _require_room(recipient)
        require_reachable(context, endpoint)
        del endpoint.reminders[reminder_id]
    recipient.reminders[reminder_id] = reminder
    return json_response(_render(recipient, reminder_id))


@route("reminders.delete", "DELETE", _ONE)
def delete_reminder(context: Context) -> Response:
    """Delete a reminder."""
    endpoint, reminder_id = _find(context)
    require_reachable(context, endpoint)
    del endpoint.reminders[reminder_id]
    return no_content()
