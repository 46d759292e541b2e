"""Deletion of notifications: of one unit, or of up to 100.

They are the units' own: the devices need not be reachable.
"""

from __future__ import annotations

from collections.abc import Iterable

from alexa_props.simulator.answers import Answer, accepted
from alexa_props.simulator.exchange import Exchange
from alexa_props.simulator.guests import NOTIFICATION_KINDS, NotificationKind
from alexa_props.simulator.handling import BadRequest, body_object, known_unit
from alexa_props.simulator.state import Unit

__all__ = ["delete_for_many", "delete_for_one"]

MOST_RECIPIENTS = 100


def _kind(value: object) -> NotificationKind:
    if value not in NOTIFICATION_KINDS:
        # Announcements are spoken and gone.
        raise BadRequest(f"Notifications of these types can be deleted: {', '.join(NOTIFICATION_KINDS)}.")
    return value


def _recipient(kind: object, unit_id: object) -> str:
    if kind != "Unit" or not isinstance(unit_id, str) or not unit_id:
        raise BadRequest("A recipient has the type Unit and the id of a unit.")
    return unit_id


def _delete(exchange: Exchange, unit_ids: Iterable[str], kinds: Iterable[NotificationKind]) -> Answer:
    units: list[Unit] = []
    for unit_id in unit_ids:
        unit = known_unit(exchange, unit_id)
        if isinstance(unit, Answer):
            return unit
        units.append(unit)
    for kind in kinds:
        for unit in units:
            unit.notifications[kind] = 0
    return accepted()


def delete_for_one(exchange: Exchange) -> Answer:
    """All notifications of one type in one unit; those of units below it stay (inferred)."""
    query = exchange.query
    kind = _kind(query.get("notification.variants.type"))
    return _delete(exchange, [_recipient(query.get("recipients.type"), query.get("recipients.id"))], [kind])


def delete_for_many(exchange: Exchange) -> Answer:
    """All notifications of some types in several units; with one that is not permitted, in none of them (inferred)."""
    body = body_object(exchange)
    recipients, kinds = body.get("recipients"), body.get("notificationTypes")
    if not isinstance(recipients, list) or not 1 <= len(recipients) <= MOST_RECIPIENTS:
        raise BadRequest(f"recipients is a list of 1 to {MOST_RECIPIENTS} units.")
    if not isinstance(kinds, list) or not kinds:
        raise BadRequest("notificationTypes is a list with at least one type.")
    if not all(isinstance(each, dict) for each in recipients):
        raise BadRequest("A recipient is an object.")
    unit_ids = [_recipient(each.get("type"), each.get("id")) for each in recipients]
    return _delete(exchange, unit_ids, [_kind(each) for each in kinds])
