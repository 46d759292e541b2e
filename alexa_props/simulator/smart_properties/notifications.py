"""Deletion of notifications: of one unit, or of up to 100 units and endpoints.

The service stores them, so the devices need not be reachable. Notifications sent to an endpoint are separate from those
sent to its unit (inferred).
"""

from __future__ import annotations

from collections.abc import Iterable

from alexa_props.simulator.context import Context
from alexa_props.simulator.device_state import NOTIFICATION_KINDS, NotificationKind
from alexa_props.simulator.requests import body_object, known_endpoint, known_unit
from alexa_props.simulator.responses import Problem, Response, accepted
from alexa_props.simulator.routes import route

MOST_RECIPIENTS = 100

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


def _notifications(context: Context, recipient: _Recipient) -> dict[NotificationKind, int]:
    kind, id_ = recipient
    if kind == "Endpoint":
        return known_endpoint(context, id_).state.notifications
    return known_unit(context, id_).notifications


def _delete(context: Context, recipients: Iterable[_Recipient], kinds: Iterable[NotificationKind]) -> Response:
    found = [_notifications(context, recipient) for recipient in recipients]
    for kind in kinds:
        for notifications in found:
            notifications[kind] = 0
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
    recipients, kinds = body.get("recipients"), body.get("notificationTypes")
    if not isinstance(recipients, list) or not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise Problem(400, f"recipients must be a list of 1 to {MOST_RECIPIENTS} units or endpoints.")
    if not isinstance(kinds, list) or not kinds:
        raise Problem(400, "notificationTypes must be a list of at least one type.")
    if not all(isinstance(each, dict) for each in recipients):
        raise Problem(400, "A recipient must be an object.")
    named = [_recipient(each.get("type"), each.get("id"), "Unit", "Endpoint") for each in recipients]
    return _delete(context, named, [_kind(each) for each in kinds])
