"""Notifications of units: deleting what was sent to rooms.

Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/notifications-api.html
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias

from alexa_props.client import Client
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Operation, Param
from alexa_props.settings import require_id
from alexa_props.smart_properties.ids import UnitId

__all__ = ["OPERATIONS", "NotificationKind", "Notifications"]

_SOURCE: Final = "https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/notifications-api.html"


class NotificationKind(enum.StrEnum):
    """Kinds of notifications that can be deleted. Announcements cannot: they have been heard."""

    DEVICE_NOTIFICATION = "DeviceNotification"
    PERSISTENT_VISUAL_ALERT = "PersistentVisualAlert"


Kind: TypeAlias = NotificationKind | Literal["DeviceNotification", "PersistentVisualAlert"]

_UNIT: Final = "Unit"

DELETE: Final = Operation(
    name="notifications.delete",
    method="DELETE",
    path="/v3/notifications",
    params=(
        Param("unit_id", "recipients.id", "query"),
        Param("recipient_type", "recipients.type", "query"),
        Param("kind", "notification.variants.type", "query"),
    ),
    subject="unit_id",
    source=_SOURCE,
)
DELETE_MANY: Final = Operation(
    name="notifications.delete_many",
    method="POST",
    path="/v3/notifications/delete",
    params=(Param("body", None, "body"),),
    subject="which",
    source=_SOURCE,
)
OPERATIONS: Final = (DELETE, DELETE_MANY)

_MOST_UNITS: Final = 100


class Notifications:
    """`client.notifications`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def delete(self, unit_id: UnitId, kind: Kind = NotificationKind.DEVICE_NOTIFICATION) -> None:
        """Delete all notifications of one kind of a unit. Deleting twice is the same as once, so it is retried.

        Args:
            unit_id: the unit, normally a room.
            kind: which notifications; announcements cannot be deleted.

        Raises:
            ConfigurationError: `unit_id` cannot be an id, or `kind` is none that can be deleted.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/notifications-api.html

        """
        arguments = {
            "unit_id": require_id("unit_id", unit_id),
            "recipient_type": _UNIT,
            "kind": _require_kind(kind).value,
        }
        await self._client.call(DELETE, arguments)

    async def delete_many(
        self, unit_ids: Iterable[UnitId], kinds: Iterable[Kind] = (NotificationKind.DEVICE_NOTIFICATION,)
    ) -> None:
        """Delete all notifications of some kinds of up to 100 units in one call, which is retried as `delete` is.

        Whether the service says which units failed is not documented: an error is one of the call as a whole.

        Args:
            unit_ids: 1 to 100 units; one that is named twice is sent once. That 100 is the limit is what Amazon's tool
                takes it to be.
            kinds: which notifications, at least one kind; announcements cannot be deleted.

        Raises:
            ConfigurationError: a unit cannot be an id, a kind is none that can be deleted, or there are too many or
                none.
            AlexaError: see `alexa_props.errors` for what any call may raise.

        Source: https://developer.amazon.com/en-US/docs/alexa/alexa-smart-properties/notifications-api.html

        """
        units = dict.fromkeys(require_id("unit_ids", unit_id) for unit_id in _require_list("unit_ids", unit_ids))
        types = dict.fromkeys(_require_kind(kind).value for kind in _require_list("kinds", kinds))
        if not 1 <= len(units) <= _MOST_UNITS:
            raise ConfigurationError(f"unit_ids must be 1 to {_MOST_UNITS} units, not {len(units)}: send several calls")
        if not types:
            raise ConfigurationError("name at least one kind of notifications")
        first, *others = units
        arguments = {
            "which": f"{first} and {len(others)} more" if others else first,
            "body": {
                "recipients": [{"type": _UNIT, "id": unit_id} for unit_id in units],
                "notificationTypes": list(types),
            },
        }
        await self._client.call(DELETE_MANY, arguments)


def _require_kind(kind: Any) -> NotificationKind:
    try:
        return NotificationKind(kind)
    except ValueError:
        kinds = " or ".join(f'"{known}"' for known in NotificationKind)
        raise ConfigurationError(f"kind must be {kinds}, not {kind!r:.80}; announcements cannot be deleted") from None


def _require_list(argument: str, value: Any) -> Iterable[Any]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{argument} must be a list, not {value!r:.80}")
    return value
