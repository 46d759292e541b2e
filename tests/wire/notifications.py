"""The wire of deletions of notifications."""

from __future__ import annotations

from tests.wire.row import Wire

WIRE = {
    "notifications.delete": Wire(
        lambda on: on.asp.notifications.delete(on.room),
        "DELETE /v3/notifications"
        "?recipients.id=room-1&recipients.type=Unit&notification.variants.type=DeviceNotification",
    ),
    "notifications.delete, of the other kind": Wire(
        lambda on: on.asp.notifications.delete(on.room, "PersistentVisualAlert"),
        "DELETE /v3/notifications"
        "?recipients.id=room-1&recipients.type=Unit&notification.variants.type=PersistentVisualAlert",
    ),
    "notifications.delete_many": Wire(
        lambda on: on.asp.notifications.delete_many([on.room]),
        "POST /v3/notifications/delete",
        idempotent=True,
        body={"recipients": [{"type": "Unit", "id": "room-1"}], "notificationTypes": ["DeviceNotification"]},
    ),
    "notifications.delete_many, each unit and kind once and in order": Wire(
        lambda on: on.asp.notifications.delete_many(
            iter(["b", "a", "b"]), ["PersistentVisualAlert", "DeviceNotification", "PersistentVisualAlert"]
        ),
        "POST /v3/notifications/delete",
        idempotent=True,
        body={
            "recipients": [{"type": "Unit", "id": "b"}, {"type": "Unit", "id": "a"}],
            "notificationTypes": ["PersistentVisualAlert", "DeviceNotification"],
        },
    ),
}
