"""Notifications: announcements, device notifications and visual alerts, for units and endpoints."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias

import attrs

from alexa_props.arguments import require_choice, require_ids, require_limits, require_list
from alexa_props.client import Resource
from alexa_props.codec import Lenient
from alexa_props.errors import ConfigurationError
from alexa_props.field_types import require_type
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.batch import BatchResult, batched, read_batch
from alexa_props.smart_properties.content import activation_window, counted, localized, utc
from alexa_props.smart_properties.ids import EndpointId, UnitId
from alexa_props.smart_properties.visual_alerts import (
    AlertAction,
    AlertBackground,
    AlertImage,
    AlertItem,
    AlertTemplate,
    AlertText,
    ButtonListTemplate,
    ImageListTemplate,
    MediaThumbnailTemplate,
    OptionListTemplate,
    RatingTemplate,
    TextWrappingTemplate,
)

__all__ = [
    "OPERATIONS",
    "AlertAction",
    "AlertBackground",
    "AlertImage",
    "AlertItem",
    "AlertTemplate",
    "AlertText",
    "Announcement",
    "ButtonListTemplate",
    "DeviceNotification",
    "ImageListTemplate",
    "MediaThumbnailTemplate",
    "Notification",
    "NotificationKind",
    "NotificationRecord",
    "Notifications",
    "OptionListTemplate",
    "PersistentVisualAlert",
    "RatingTemplate",
    "Recipient",
    "TextWrappingTemplate",
]


class NotificationKind(enum.StrEnum):
    """Kinds of notifications that can be deleted. Announcements cannot: they have been heard."""

    DEVICE_NOTIFICATION = "DeviceNotification"
    PERSISTENT_VISUAL_ALERT = "PersistentVisualAlert"


Kind: TypeAlias = NotificationKind | Literal["DeviceNotification", "PersistentVisualAlert"]


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

    cards: Mapping[str, AlertTemplate]
    """By locale, such as "en-US"."""
    start: dt.datetime | None = attrs.field(default=None, kw_only=True)
    end: dt.datetime | None = attrs.field(default=None, kw_only=True)
    """With `start` the window in which it is shown. Times need a time zone."""
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
_WIRE: Final = {
    "unit_id": "recipients.id",
    "recipient_type": "recipients.type",
    "kind": "notification.variants.type",
}

_api: Final = Group("notifications", "notifications-api.html")
SEND: Final = _api.post("send", "/v3/notifications", read_batch, nullable=True, check_with="notifications.query")
DELETE: Final = _api.delete("delete", "/v3/notifications", required=("unit_id",), wire=_WIRE)
DELETE_MANY: Final = _api.post("delete_many", "/v3/notifications/delete", read_batch, nullable=True, idempotent=True)
QUERY: Final = _api.list("query", "/v3/notifications/query", NotificationRecord, method="POST")
OPERATIONS: Final = _api.operations


class Notifications(Resource):
    """Send, find and delete notifications.

        await asp.notifications.send([unit_id], Announcement({"en-US": "The pool closes at nine."}))
        alert = PersistentVisualAlert({"en-US": TextWrappingTemplate(primary_text="Breakfast until 11:30")})
        await asp.notifications.send([unit_id], alert)

    According to Amazon's samples, a notification shows 5 to 10 seconds after it was sent.
    """

    @batched(_MOST, may_split=False)
    async def send(
        self, unit_ids: Iterable[UnitId], notification: Notification, *, endpoint_ids: Iterable[EndpointId] = ()
    ) -> BatchResult | None:
        """Send a notification to 1 to 100 units and endpoints.

        It is not sent again after the service may have handled it: an announcement would be heard twice.

        Returns:
            What the service returns, which is not documented; None if nothing.

        Raises:
            BadRequest: Among others, a recipient has a visual alert in the same time (the status is inferred).
        """
        recipients, subject = _recipients(unit_ids, endpoint_ids)
        body = notification_body(notification)
        return await self._call(SEND, recipients=recipients, notification=body, subject=subject)

    async def delete(self, unit_id: UnitId, kind: Kind = NotificationKind.DEVICE_NOTIFICATION) -> None:
        """Delete all notifications of one kind of a unit, normally a room. `delete_many` does more."""
        await self._call(DELETE, unit_id=unit_id, recipient_type="Unit", kind=_require_kind(kind))

    @batched(_MOST)
    async def delete_many(
        self,
        unit_ids: Iterable[UnitId],
        kinds: Iterable[Kind] = (NotificationKind.DEVICE_NOTIFICATION,),
        *,
        endpoint_ids: Iterable[EndpointId] = (),
    ) -> BatchResult:
        """Delete all notifications of some kinds of units and endpoints, at least one; duplicates are sent once.

        Those of units below, and of the endpoints in a unit, remain (inferred). Amazon's own tool names up to 100 per
        call; no page has a limit.
        """
        recipients, subject = _recipients(unit_ids, endpoint_ids, None)
        listed: tuple[Kind, ...] = require_list("kinds", kinds)
        types = [*dict.fromkeys(map(_require_kind, listed))]
        if not types:
            raise ConfigurationError("kinds must name at least one kind of notifications")
        found = await self._call(DELETE_MANY, recipients=recipients, notification_types=types, subject=subject)
        return found or BatchResult()

    def query(
        self,
        unit_ids: Iterable[UnitId] = (),
        *,
        endpoint_ids: Iterable[EndpointId] = (),
        page_size: int | None = None,
    ) -> Pager[NotificationRecord]:
        """List the visual alerts of units and endpoints. Other kinds of notifications cannot be queried.

        Args:
            unit_ids: Units.
            endpoint_ids: Endpoints. Naming both is inferred.
            page_size: Alerts per request. Amazon documents 10 as the maximum, but its own tool sends 100.
        """
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
        cards = localized("cards", notification.cards, AlertTemplate)
        variant = {
            **_content(kind, "V0Template", [card.value(locale) for locale, card in cards.items()]),
            **_schedule(notification),
            **_preferences(notification),
        }
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
    sent: dict[str, Any] = {}
    if alert.start is not None or alert.end is not None:
        sent["scheduling"] = activation_window(alert.start, alert.end)
    if alert.dismissal_time is not None:
        sent["dismissalTime"] = utc("dismissal_time", alert.dismissal_time)
    return sent


def _preferences(alert: PersistentVisualAlert) -> dict[str, Any]:
    sent: dict[str, Any] = {}
    if alert.sound is not None:
        sent["indicator"] = {"sound": {"type": alert.sound}}
    if alert.interruption_level is not None:
        sent["interruption"] = {"level": alert.interruption_level}
    if alert.restrict_actions is not None:
        sent["restrictActions"] = require_list("restrict_actions", alert.restrict_actions)
    return {"deliveryPreferences": sent} if sent else {}


def _recipients(
    unit_ids: Iterable[UnitId], endpoint_ids: Iterable[EndpointId], most: int | None = _MOST
) -> tuple[list[dict[str, str]], str]:
    """Return recipients without duplicates, and what messages call them."""
    units = dict.fromkeys(require_ids("unit_ids", unit_ids))
    endpoints = dict.fromkeys(require_ids("endpoint_ids", endpoint_ids))
    require_limits("unit_ids and endpoint_ids together", [*units, *endpoints], 1, most)
    recipients = [{"type": "Unit", "id": each} for each in units] + [
        {"type": "Endpoint", "id": each} for each in endpoints
    ]
    return recipients, counted([*units, *endpoints])


def _matching(kind: str, ids: list[str]) -> dict[str, Any]:
    """Return the query for visual alerts of units or of endpoints."""
    alert = {"match": {"notification.variants.type": NotificationKind.PERSISTENT_VISUAL_ALERT}}
    either = {"or": [{"match": {"recipients.id": one_id}} for one_id in ids]}
    return {"and": [either, {"match": {"recipients.type": kind}}, alert]}


def _require_kind(kind: Kind) -> NotificationKind:
    try:
        return require_choice("kind", kind, NotificationKind)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}; announcements cannot be deleted") from None
