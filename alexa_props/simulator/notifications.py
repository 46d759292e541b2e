"""Deletion of notifications: of one unit, or of up to 100 units and endpoints.

The service stores them, so the devices need not be reachable. Notifications sent to an endpoint are separate from those
sent to its unit (inferred).
"""

from __future__ import annotations

from collections.abc import Iterable

from alexa_props.simulator.context import Exchange
from alexa_props.simulator.device_state import NOTIFICATION_KINDS, NotificationKind
from alexa_props.simulator.requests import BadRequest, body_object, known_endpoint, known_unit
from alexa_props.simulator.responses import Answer, accepted
from alexa_props.simulator.state import Endpoint, Unit

__all__ = ["delete_for_many", "delete_for_one"]

MOST_RECIPIENTS = 100

_Recipient = tuple[str, str]


def _kind(value: object) -> NotificationKind:
    if value not in NOTIFICATION_KINDS:
        # Announcements are spoken and gone.
        raise BadRequest(f"Notifications of these types can be deleted: {', '.join(NOTIFICATION_KINDS)}.")
    return value


def _recipient(kind: object, thing_id: object, *kinds: str) -> _Recipient:
    if not isinstance(kind, str) or kind not in kinds or not isinstance(thing_id, str) or not thing_id:
        raise BadRequest(f"A recipient has a type ({' or '.join(kinds)}) and an id.")
    return kind, thing_id


def _known(exchange: Exchange, recipient: _Recipient) -> Unit | Endpoint | Answer:
    kind, thing_id = recipient
    return known_endpoint(exchange, thing_id) if kind == "Endpoint" else known_unit(exchange, thing_id)


def _delete(exchange: Exchange, recipients: Iterable[_Recipient], kinds: Iterable[NotificationKind]) -> Answer:
    left: list[dict[NotificationKind, int]] = []
    for recipient in recipients:
        thing = _known(exchange, recipient)
        if isinstance(thing, Answer):
            return thing
        left.append(thing.kept.notifications if isinstance(thing, Endpoint) else thing.notifications)
    for kind in kinds:
        for notifications in left:
            notifications[kind] = 0
    return accepted()


def delete_for_one(exchange: Exchange) -> Answer:
    """All notifications of one type in one unit; those of units below it stay (inferred)."""
    query = exchange.query
    kind = _kind(query.get("notification.variants.type"))
    recipient = _recipient(query.get("recipients.type"), query.get("recipients.id"), "Unit")
    return _delete(exchange, [recipient], [kind])


def delete_for_many(exchange: Exchange) -> Answer:
    """Delete all notifications of some types of several recipients; none if one is not permitted (inferred)."""
    body = body_object(exchange)
    recipients, kinds = body.get("recipients"), body.get("notificationTypes")
    if not isinstance(recipients, list) or not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise BadRequest(f"recipients is a list of 1 to {MOST_RECIPIENTS} units or endpoints.")
    if not isinstance(kinds, list) or not kinds:
        raise BadRequest("notificationTypes is a list with at least one type.")
    if not all(isinstance(each, dict) for each in recipients):
        raise BadRequest("A recipient is an object.")
    named = [_recipient(each.get("type"), each.get("id"), "Unit", "Endpoint") for each in recipients]
    return _delete(exchange, named, [_kind(each) for each in kinds])
