"""Notifications of units and endpoints: send, query and delete them.

The service stores them, so the devices need not be reachable. Notifications sent to an endpoint are separate from those
sent to its unit (inferred).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import inf
from typing import Any

from alexa_props.simulator.bodies import require_members
from alexa_props.simulator.context import Context
from alexa_props.simulator.device_state import (
    NOTIFICATION_KINDS,
    VISUAL_ALERTS,
    Notification,
    NotificationKind,
    add_notification,
)
from alexa_props.simulator.messages import activation_window, matcher, moment
from alexa_props.simulator.requests import body_object, known_endpoint, known_unit, page
from alexa_props.simulator.responses import Json, Problem, Response, accepted, no_content
from alexa_props.simulator.routes import route
from alexa_props.simulator.subjects import members

MOST_RECIPIENTS = 100
# That of Amazon's tool.
MOST_RESULTS = 100
_MOST_OF_A_RECIPIENT = 1 << 16
"""Keeps the positions of one recipient apart from those of the next."""

_TEMPLATES = ("textWrapping", "mediaThumbnail", "rating", "optionList", "imageList", "buttonList", "default")
_DOCUMENTS = frozenset(f"{VISUAL_ALERTS}{name}Template" for name in _TEMPLATES)
_FIELDS = ("recipients.id", "recipients.type", "notification.variants.type")

_Recipient = tuple[str, str]


def _kind(value: object) -> NotificationKind:
    if value not in NOTIFICATION_KINDS:
        # An announcement is spoken, and then it is over.
        raise Problem(400, f"Only notifications of these types can be deleted: {', '.join(NOTIFICATION_KINDS)}.")
    return value


def _recipient(kind: object, id_: object, *kinds: str) -> _Recipient:
    if not isinstance(kind, str) or kind not in kinds or not isinstance(id_, str) or not id_:
        raise Problem(400, f"A recipient must have a type ({' or '.join(kinds)}) and an id.")
    return kind, id_


def _recipients(body: Any) -> list[_Recipient]:
    recipients = body.get("recipients")
    if not isinstance(recipients, list) or not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise Problem(400, f"recipients must be a list of 1 to {MOST_RECIPIENTS} units or endpoints.")
    if not all(isinstance(each, dict) for each in recipients):
        raise Problem(400, "A recipient must be an object.")
    named = [_recipient(each.get("type"), each.get("id"), "Unit", "Endpoint") for each in recipients]
    return list(dict.fromkeys(named))


def _notifications(context: Context, recipient: _Recipient) -> list[Notification]:
    """Return the notifications of a recipient, without those that are gone."""
    kind, id_ = recipient
    found = known_endpoint(context, id_).state if kind == "Endpoint" else known_unit(context, id_)
    found.notifications[:] = [each for each in found.notifications if each.gone_from > context.time]
    return found.notifications


def _require_content(variant: dict[str, Any]) -> None:
    """Check that a notification has the content of its type."""
    is_visual = variant["type"] == "PersistentVisualAlert"
    shape = {"document.src": str, "datasources": dict} if is_visual else {"text": str}
    for content in members(variant, "content.variants"):
        if not isinstance(content, list) or not content:
            raise Problem(400, "content.variants must be a list of at least one.")
        for each in content:
            values = require_members(each, {"type": str, "values": list})["values"]
            if each["type"] != ("V0Template" if is_visual else "SpokenText") or not values:
                raise Problem(400, f"{each['type']} is not a type of content for {variant['type']}, or has no values.")
            for value in values:
                require_members(value, {"locale": str, **shape})
                if is_visual and value["document"]["src"] not in _DOCUMENTS:
                    raise Problem(400, "There is no such document.")


def _variant(context: Context) -> dict[str, Any]:
    """Return the only variant of the notification in a body."""
    body = require_members(context.json, {"recipients": list, "notification.variants": list})
    variants = body["notification"]["variants"]
    if len(variants) != 1:
        raise Problem(400, "A request sends notifications of one type.")
    variant = require_members(variants[0], {"type": str, "content.variants": list}, {"deliveryPreferences": dict})
    if variant["type"] not in (*NOTIFICATION_KINDS, "Announcement"):
        raise Problem(400, "There is no such type of notification.")
    _require_content(variant)
    return variant


@route("notifications.send", "POST", "/v3/notifications")
def send(context: Context) -> Response:
    """Send a notification to up to 100 units and endpoints; to none if one of them refuses it (inferred).

    A visual alert is refused with 400 (inferred) if the recipient has one at the same time that was also sent. One that
    the seed made, or `Simulator.notify`, leaves room for others.
    """
    variant = _variant(context)
    found = [_notifications(context, recipient) for recipient in _recipients(context.json)]
    kind = variant["type"]
    if kind == "Announcement":
        return no_content(200)
    starts, gone_from = context.time, inf
    if kind == "PersistentVisualAlert":
        starts, gone_from = activation_window(context, variant.get("scheduling", {}))
        if "dismissalTime" in variant:
            gone_from = min(gone_from, moment(context, "dismissalTime", variant["dismissalTime"]))
        for stored in found:
            if any(each.kind == kind and each.starts < gone_from and starts < each.gone_from for each in stored):
                raise Problem(400, "The recipient already has a persistent visual alert in this time.")
    body: Json = {"variants": [variant]}
    for stored in found:
        add_notification(stored, Notification(kind, body, context.effective_from, gone_from, starts))
    return no_content(200)


@route("notifications.query", "POST", "/v3/notifications/query")
def query_notifications(context: Context) -> Response:
    """List the visual alerts that match a query, one for each recipient (inferred)."""
    query = body_object(context).get("query")
    matches = matcher(query, _FIELDS)
    kinds = {*_values(query, "notification.variants.type")}
    if kinds != {"PersistentVisualAlert"}:
        raise Problem(400, "Only notifications of the type PersistentVisualAlert can be queried.")
    types, ids = _values(query, "recipients.type"), _values(query, "recipients.id")
    found: list[tuple[int, Json]] = [
        (number * _MOST_OF_A_RECIPIENT + each.position, {"recipients": [recipient], "notification": each.body})
        for number, (kind, id_) in enumerate(dict.fromkeys(_known(context, id_) for id_ in ids))
        if kind in types
        for recipient in ({"type": kind, "id": id_},)
        for each in _notifications(context, (kind, id_))
        if each.is_visible(context.time)
    ]
    return page(
        context,
        [each for each in found if matches(each[1])],
        lambda each: each[1],
        query=json.dumps(query, sort_keys=True),
        most=MOST_RESULTS,
        mark=lambda each: each[0],
    )


def _values(query: object, field: str) -> list[str]:
    """Return the values that a query compares a field with, in order."""
    if isinstance(query, list):
        return [value for each in query for value in _values(each, field)]
    if not isinstance(query, dict):
        return []
    own = [value for name, value in query.items() if name == field]
    return own + [value for each in query.values() for value in _values(each, field)]


def _known(context: Context, id_: str) -> _Recipient:
    if id_ in context.service.tree.endpoints:
        return "Endpoint", id_
    return "Unit", known_unit(context, id_).id


def _delete(context: Context, recipients: Iterable[_Recipient], kinds: Iterable[NotificationKind]) -> Response:
    found = [_notifications(context, recipient) for recipient in recipients]
    deleted = {*kinds}
    for notifications in found:
        for each in notifications:
            if each.kind in deleted:
                each.gone_from = min(each.gone_from, context.effective_from)
    return accepted()


@route("notifications.delete", "DELETE", "/v3/notifications")
def delete_for_one(context: Context) -> Response:
    """Delete all notifications of one type in one unit. Those of units below it remain (inferred)."""
    query = context.query
    kind = _kind(query.get("notification.variants.type"))
    recipient = _recipient(query.get("recipients.type"), query.get("recipients.id"), "Unit")
    return _delete(context, [recipient], [kind])


@route("notifications.delete_many", "POST", "/v3/notifications/delete")
def delete_for_many(context: Context) -> Response:
    """Delete all notifications of some types of several recipients; none if one is not permitted (inferred)."""
    body = body_object(context)
    kinds = body.get("notificationTypes")
    if not isinstance(kinds, list) or not kinds:
        raise Problem(400, "notificationTypes must be a list of at least one type.")
    return _delete(context, _recipients(body), [_kind(each) for each in kinds])
