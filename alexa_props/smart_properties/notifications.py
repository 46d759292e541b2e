"""Notifications of units: deleting what was sent to rooms."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias, TypeVar

from alexa_props.arguments import require_id
from alexa_props.client import Resource
from alexa_props.errors import ConfigurationError
from alexa_props.operation import Group
from alexa_props.smart_properties.ids import UnitId

__all__ = ["OPERATIONS", "NotificationKind", "Notifications"]


class NotificationKind(enum.StrEnum):
    """Kinds of notifications that can be deleted. Announcements cannot: they have been heard."""

    DEVICE_NOTIFICATION = "DeviceNotification"
    PERSISTENT_VISUAL_ALERT = "PersistentVisualAlert"


T = TypeVar("T")
Kind: TypeAlias = NotificationKind | Literal["DeviceNotification", "PersistentVisualAlert"]

_MAX_UNITS: Final = 100
_WIRE: Final = {
    "unit_id": "recipients.id",
    "recipient_type": "recipients.type",
    "kind": "notification.variants.type",
}

_api: Final = Group("notifications", "notifications-api.html")
DELETE: Final = _api.delete("delete", "/v3/notifications", required=("unit_id",), wire=_WIRE)
DELETE_MANY: Final = _api.post("delete_many", "/v3/notifications/delete", idempotent=True)
OPERATIONS: Final = _api.operations


class Notifications(Resource):
    """Delete notifications of units. Announcements cannot be deleted."""

    async def delete(self, unit_id: UnitId, kind: Kind = NotificationKind.DEVICE_NOTIFICATION) -> None:
        """Delete all notifications of one kind of a unit, normally a room."""
        await self._call(DELETE, unit_id=unit_id, recipient_type="Unit", kind=_require_kind(kind))

    async def delete_many(
        self, unit_ids: Iterable[UnitId], kinds: Iterable[Kind] = (NotificationKind.DEVICE_NOTIFICATION,)
    ) -> None:
        """Delete all notifications of some kinds of several units.

        Whether the service reports which units failed is not documented: an error is about the call as a whole.

        Args:
            unit_ids: 1 to 100 units; duplicates are sent once. The limit of 100 is that of Amazon's tool.
            kinds: At least one kind.
        """
        units = list(dict.fromkeys(require_id("unit_ids", each) for each in _require_list("unit_ids", unit_ids)))
        types = list(dict.fromkeys(_require_kind(kind) for kind in _require_list("kinds", kinds)))
        if not 1 <= len(units) <= _MAX_UNITS:
            raise ConfigurationError(f"unit_ids must be 1 to {_MAX_UNITS} units, not {len(units)}: send several calls")
        if not types:
            raise ConfigurationError("name at least one kind of notifications")
        await self._call(
            DELETE_MANY,
            recipients=[{"type": "Unit", "id": unit_id} for unit_id in units],
            notification_types=types,
            subject=units[0] if len(units) == 1 else f"{units[0]} and {len(units) - 1} more",
        )


def _require_kind(kind: Kind) -> NotificationKind:
    try:
        return NotificationKind(kind)
    except ValueError:
        kinds = " or ".join(f'"{known}"' for known in NotificationKind)
        raise ConfigurationError(f"kind must be {kinds}, not {kind!r:.80}; announcements cannot be deleted") from None


def _require_list(argument: str, value: Iterable[T]) -> Iterable[T]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{argument} must be a list, not {value!r:.80}")
    return value
