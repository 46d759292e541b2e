"""Notifications: announcements, device notifications and visual alerts, for units and endpoints."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import attrs

from alexa_props.arguments import require_choice, require_ids, require_limits, require_list, summarize
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_type
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties import visual_alerts
from alexa_props.smart_properties.batch import BatchResult, batched, read_batch
from alexa_props.smart_properties.content import activation_window, localized, utc
from alexa_props.smart_properties.ids import EndpointId, UnitId
from alexa_props.smart_properties.protocol import present

__all__ = [
    "OPERATIONS",
    "Announcement",
    "DeviceNotification",
    "Notification",
    "NotificationKind",
    "NotificationRecord",
    "Notifications",
    "PersistentVisualAlert",
    "Recipient",
]


class NotificationKind(enum.StrEnum):
    """Kinds of notifications that can be deleted. Announcements cannot: they are spoken and not stored."""

    DEVICE_NOTIFICATION = "DeviceNotification"
    PERSISTENT_VISUAL_ALERT = "PersistentVisualAlert"


NotificationKindLike: TypeAlias = NotificationKind | Literal["DeviceNotification", "PersistentVisualAlert"]


@attrs.frozen
class Announcement:
    """A text that is spoken. It cannot be deleted."""

    texts: Mapping[str, str]
    """By locale, such as "en-US"."""


@attrs.frozen
class DeviceNotification:
    """A text that is spoken and stored. It can be deleted."""

    texts: Mapping[str, str]
    """By locale, such as "en-US"."""


@attrs.frozen
class PersistentVisualAlert:
    """A card that stays on the screen. A device shows one at a time."""

    cards: Mapping[str, visual_alerts.AlertTemplate]
    """By locale, such as "en-US". `visual_alerts` has the layouts."""
    start: dt.datetime | None = attrs.field(default=None, kw_only=True)
    end: dt.datetime | None = attrs.field(default=None, kw_only=True)
    """It is shown from `start` to `end`. Times need a time zone."""
    dismissal_time: dt.datetime | None = attrs.field(default=None, kw_only=True)
    """When it disappears: the older form of `end`."""
    sound: str | None = attrs.field(default=None, kw_only=True)
    """Such as "CHIME". None is silent."""
    interruption_level: str | None = attrs.field(default=None, kw_only=True)
    """Its values are not documented, nor are those of `restrict_actions`."""
    restrict_actions: Sequence[str] | None = attrs.field(default=None, kw_only=True)


Notification: TypeAlias = Announcement | DeviceNotification | PersistentVisualAlert


@attrs.frozen
class Recipient:
    """A unit or an endpoint that a notification was sent to."""

    type: str | None = None
    """"Unit" or "Endpoint"."""
    id: str | None = None


@attrs.frozen
class NotificationRecord(Lenient):
    """A notification that the service stores. What it consists of is not documented: see `raw`."""

    recipients: tuple[Recipient, ...] = ()
    """Inferred from the request."""


_MOST: Final = 100
_QUERY: Final = {"unit_id": "recipients.id", "recipient_type": "recipients.type", "kind": "notification.variants.type"}

_api: Final = Group("notifications", "notifications-api.html")
SEND: Final = _api.post("send", "/v3/notifications", read_batch, nullable=True, check_with="query")
DELETE: Final = _api.delete("delete", "/v3/notifications", required=("unit_id",), wire=_QUERY)
DELETE_MANY: Final = _api.post("delete_many", "/v3/notifications/delete", read_batch, nullable=True, idempotent=True)
QUERY: Final = _api.list("query", "/v3/notifications/query", NotificationRecord, method="POST")
OPERATIONS: Final = _api.operations


class Notifications(Resource):
    """Send, find and delete notifications.

        await asp.notifications.send([unit_id], Announcement({"en-US": "The pool closes at nine."}))
        card = visual_alerts.TextWrappingTemplate(primary_text="Breakfast until 11:30")
        await asp.notifications.send([unit_id], PersistentVisualAlert({"en-US": card}))

    According to Amazon's samples, a notification shows 5 to 10 seconds after it was sent.
    """

    @batched(_MOST, may_split=False)
    async def send(
        self, unit_ids: Iterable[UnitId], notification: Notification, *, endpoint_ids: Iterable[EndpointId] = ()
    ) -> BatchResult | None:
        """Send a notification to 1 to 100 units and endpoints, and return the response; None if it has no body.

        Raises:
            BadRequest: Among others, a recipient has a visual alert in the same time (the status is inferred).
        """
        recipients, subject = _recipients(unit_ids, endpoint_ids)
        body = notification_body(notification)
        return await self._call(SEND, recipients=recipients, notification=body, subject=subject)

    async def delete(self, unit_id: UnitId, kind: NotificationKindLike = NotificationKind.DEVICE_NOTIFICATION) -> None:
        """Delete all notifications of one kind of a unit, normally a room."""
        await self._call(DELETE, unit_id=unit_id, recipient_type="Unit", kind=_require_kind(kind))

    @batched(_MOST)
    async def delete_many(
        self,
        unit_ids: Iterable[UnitId],
        kinds: Iterable[NotificationKindLike] = (NotificationKind.DEVICE_NOTIFICATION,),
        *,
        endpoint_ids: Iterable[EndpointId] = (),
    ) -> BatchResult:
        """Delete all notifications of some kinds of units and endpoints, at least one.

        Those of units below, and of the endpoints in a unit, remain (inferred). Amazon's own tool names up to 100 per
        call; no page has a limit.
        """
        recipients, subject = _recipients(unit_ids, endpoint_ids, None)
        types = list(dict.fromkeys(map(_require_kind, require_list("kinds", kinds, 1))))
        found = await self._call(DELETE_MANY, recipients=recipients, notification_types=types, subject=subject)
        return found or BatchResult()

    def query(
        self,
        unit_ids: Iterable[UnitId] = (),
        *,
        endpoint_ids: Iterable[EndpointId] = (),
        page_size: int | None = None,
    ) -> Pager[NotificationRecord]:
        """List the visual alerts of units, endpoints or both (inferred). Other notifications cannot be queried."""
        recipients, subject = _recipients(unit_ids, endpoint_ids, None)
        kinds = sorted({each["type"] for each in recipients}, reverse=True)
        nodes = [_matching(kind, [each["id"] for each in recipients if each["type"] == kind]) for kind in kinds]
        query = nodes[0] if len(nodes) == 1 else {"or": nodes}
        return self._pager(QUERY, query=query, subject=subject, page_size=page_size)


def notification_body(notification: Notification) -> dict[str, Any]:
    """Return a notification as the wire has it; raises `ConfigurationError`."""
    kind = type(notification).__name__
    if isinstance(notification, PersistentVisualAlert):
        require_type("sound", notification.sound, str | None)
        require_type("interruption_level", notification.interruption_level, str | None)
        require_type("restrict_actions", notification.restrict_actions, Sequence[str] | None)
        cards = localized("cards", notification.cards, visual_alerts.AlertTemplate)
        content = _content(kind, "V0Template", [card.value(locale) for locale, card in cards.items()])
        variant = {**content, **_schedule(notification)}
    elif isinstance(notification, Announcement | DeviceNotification):
        texts = localized("texts", notification.texts, str)
        variant = _content(kind, "SpokenText", [{"locale": locale, "text": text} for locale, text in texts.items()])
    else:
        kinds = "an Announcement, a DeviceNotification or a PersistentVisualAlert"
        raise ConfigurationError(f"notification must be {kinds}, not {notification!r:.80}")
    return {"variants": [variant]}


def _content(kind: str, content: str, values: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": kind, "content": {"variants": [{"type": content, "values": values}]}}


def _schedule(alert: PersistentVisualAlert) -> dict[str, Any]:
    """Return when and how an alert is shown."""
    has_window = alert.start is not None or alert.end is not None
    restricted, level = alert.restrict_actions, alert.interruption_level
    preferences = present(
        indicator=None if alert.sound is None else {"sound": {"type": alert.sound}},
        interruption=None if level is None else {"level": level},
        restrict_actions=None if restricted is None else require_list("restrict_actions", restricted),
    )
    return present(
        scheduling=activation_window(alert.start, alert.end) if has_window else None,
        dismissal_time=None if alert.dismissal_time is None else utc("dismissal_time", alert.dismissal_time),
        delivery_preferences=preferences or None,
    )


def _recipients(
    unit_ids: Iterable[UnitId], endpoint_ids: Iterable[EndpointId], most: int | None = _MOST
) -> tuple[list[dict[str, str]], str]:
    """Return recipients without duplicates, and how messages name them."""
    units = dict.fromkeys(require_ids("unit_ids", unit_ids))
    endpoints = dict.fromkeys(require_ids("endpoint_ids", endpoint_ids))
    require_limits("unit_ids and endpoint_ids together", [*units, *endpoints], 1, most)
    typed = (*(("Unit", each) for each in units), *(("Endpoint", each) for each in endpoints))
    return [{"type": kind, "id": each} for kind, each in typed], summarize([*units, *endpoints])


def _matching(kind: str, ids: list[str]) -> dict[str, Any]:
    """Return the query for visual alerts of units or of endpoints."""
    alert = {"match": {"notification.variants.type": NotificationKind.PERSISTENT_VISUAL_ALERT}}
    either = {"or": [{"match": {"recipients.id": one_id}} for one_id in ids]}
    return {"and": [either, {"match": {"recipients.type": kind}}, alert]}


def _require_kind(kind: object) -> NotificationKind:
    try:
        return require_choice("kind", kind, NotificationKind)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; announcements cannot be deleted") from None
