"""The wire of notifications."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from alexa_props.smart_properties.batch import BatchItem, BatchResult
from alexa_props.smart_properties.notifications import (
    Announcement,
    DeviceNotification,
    NotificationRecord,
    PersistentVisualAlert,
    Recipient,
)
from alexa_props.smart_properties.visual_alerts import (
    AlertAction,
    AlertBackground,
    AlertImage,
    AlertItem,
    AlertText,
    ButtonListTemplate,
    ImageListTemplate,
    MediaThumbnailTemplate,
    OptionListTemplate,
    RatingTemplate,
    TextWrappingTemplate,
)
from tests.wire.row import LAST_PAGE, Wire

SEND, QUERY, DELETE = "POST /v3/notifications", "POST /v3/notifications/query", "POST /v3/notifications/delete"
UNIT = {"type": "Unit", "id": "room-1"}
ENDPOINT = {"type": "Endpoint", "id": "endpoint-1"}
PLUS_TWO = timezone(timedelta(hours=2))
VISUAL = {"match": {"notification.variants.type": "PersistentVisualAlert"}}
ACTION = AlertAction("SkillConnectionAction", connection_uri="connection://s/1", input={"a": [1]}, url="u")
ACTIONS = [{"type": "SkillConnectionAction", "connectionUri": "connection://s/1", "input": {"a": [1]}, "url": "u"}]


def spoken(kind: str, **texts: str) -> dict[str, Any]:
    values = [{"locale": locale.replace("_", "-"), "text": text} for locale, text in texts.items()]
    return {"variants": [{"type": kind, "content": {"variants": [{"type": "SpokenText", "values": values}]}}]}


def shown(template: str, datasources: dict[str, Any], **options: Any) -> dict[str, Any]:
    src = f"doc://alexa/apl/documents/enterprise/notifications/persistentvisualalert/{template}"
    value = {"locale": "en-US", "document": {"type": "Link", "src": src}, "datasources": datasources}
    content = {"variants": [{"type": "V0Template", "values": [value]}]}
    return {"variants": [{"type": "PersistentVisualAlert", "content": content, **options}]}


def by(kind: str, *ids: str) -> dict[str, Any]:
    return {
        "and": [
            {"or": [{"match": {"recipients.id": each}} for each in ids]},
            {"match": {"recipients.type": kind}},
            VISUAL,
        ]
    }


def visual(card: Any, template: str, datasources: dict[str, Any]) -> Wire:
    return Wire(
        lambda on: on.asp.notifications.send([on.room], PersistentVisualAlert({"en-US": card})),
        SEND,
        body={"recipients": [UNIT], "notification": shown(template, datasources)},
    )


STORED = {"recipients": [UNIT], "notification": spoken("PersistentVisualAlert"), "more": 5}
RECORD = NotificationRecord((Recipient("Unit", "room-1"),), raw=STORED)
FAILED = {"errors": [{"code": "NOT_FOUND", "message": "no such unit"}]}

WIRE = {
    "notifications.send": Wire(
        lambda on: on.asp.notifications.send([on.room], DeviceNotification({"en-US": "A parcel 🎁", "de-DE": "Paket"})),
        SEND,
        body={"recipients": [UNIT], "notification": spoken("DeviceNotification", en_US="A parcel 🎁", de_DE="Paket")},
        response=FAILED,
        result=BatchResult((BatchItem(code="NOT_FOUND", message="no such unit", failed=True),)),
    ),
    "notifications.send, to units and endpoints": Wire(
        lambda on: on.asp.notifications.send(
            [on.room, on.room], Announcement({"en-US": "Fire drill"}), endpoint_ids=[on.endpoint]
        ),
        SEND,
        body={"recipients": [UNIT, ENDPOINT], "notification": spoken("Announcement", en_US="Fire drill")},
    ),
    "notifications.send, with every argument": Wire(
        lambda on: on.asp.notifications.send(
            [on.room],
            PersistentVisualAlert(
                {
                    "en-US": TextWrappingTemplate(
                        primary_text="Breakfast",
                        secondary_text="Until 11:30",
                        background_image="https://example.com/b.jpg",
                        color_overlay=True,
                    )
                },
                start=datetime(2025, 1, 1, 8, tzinfo=UTC),
                end=datetime(2025, 1, 1, 13, 30, tzinfo=PLUS_TWO),
                dismissal_time=datetime(2025, 1, 1, 12, tzinfo=UTC),
                sound="CHIME",
                interruption_level="HIGH",
                restrict_actions=["DISMISS"],
            ),
        ),
        SEND,
        body={
            "recipients": [UNIT],
            "notification": shown(
                "textWrappingTemplate",
                {
                    "displayText": {"primaryText": "Breakfast", "secondaryText": "Until 11:30"},
                    "background": {"backgroundImageSource": "https://example.com/b.jpg", "colorOverlay": True},
                },
                scheduling={
                    "activationWindow": {"start": "2025-01-01T08:00:00.000Z", "end": "2025-01-01T11:30:00.000Z"}
                },
                dismissalTime="2025-01-01T12:00:00.000Z",
                deliveryPreferences={
                    "indicator": {"sound": {"type": "CHIME"}},
                    "interruption": {"level": "HIGH"},
                    "restrictActions": ["DISMISS"],
                },
            ),
        },
    ),
    "notifications.send, a media thumbnail": visual(
        MediaThumbnailTemplate(
            header_text="h",
            primary_text="p",
            secondary_text="s",
            tertiary_text="t",
            hint_text="hint",
            thumbnail_image="thumb",
            attribution_text="by",
            attribution_image="logo",
            background_image="back",
        ),
        "mediaThumbnailTemplate",
        {
            "displayText": {
                "headerText": "h",
                "primaryText": "p",
                "secondaryText": "s",
                "tertiaryText": "t",
                "hintText": "hint",
            },
            "thumbnail": {"thumbnailImageSource": "thumb"},
            "attribution": {"attributionText": "by", "attributionImageSource": "logo"},
            "background": {"backgroundImageSource": "back"},
        },
    ),
    "notifications.send, a rating": visual(
        RatingTemplate(
            header_text="h",
            primary_text="p",
            rating_text="r",
            rating_number="4.5",
            hint_text="x",
            color_overlay=False,
        ),
        "ratingTemplate",
        {
            "displayText": {
                "headerText": "h",
                "primaryText": "p",
                "ratingText": "r",
                "ratingNumber": "4.5",
                "hintText": "x",
            },
            "background": {"colorOverlay": False},
        },
    ),
    "notifications.send, a list of options": visual(
        OptionListTemplate(
            header_text="h",
            primary_text="p",
            secondary_text=AlertText("s", [AlertAction()]),
            hint_text="hint",
            background_image=AlertImage("back", color_overlay=True),
            attribution_image=AlertImage("logo"),
            thumbnail_image=AlertImage("thumb"),
            option_list=[AlertItem(primary_text="Tea", src="tea", actions=[ACTION])],
        ),
        "optionListTemplate",
        {
            "headerText": {"value": "h"},
            "primaryText": {"value": "p"},
            "secondaryText": {"value": "s", "actions": [{"type": "DismissCardAction"}]},
            "hintText": {"value": "hint"},
            "backgroundImage": {"src": "back", "colorOverlay": True},
            "attributionImage": {"src": "logo"},
            "thumbnailImage": {"src": "thumb"},
            "optionList": [{"primaryText": "Tea", "src": "tea", "actions": ACTIONS}],
        },
    ),
    "notifications.send, a list of images": visual(
        ImageListTemplate(
            attribution_text="by",
            paragraph_text="para",
            action_button=AlertText("Order", [ACTION]),
            background=AlertBackground("back", shape="ROUND", alignment="CENTER", color_overlay=True, actions=[ACTION]),
            thumbnail_image=AlertImage("thumb", shape="SQUARE", alignment="LEFT", actions=[ACTION]),
            image_list=[AlertItem(src="pool", secondary_text="Pool")],
        ),
        "imageListTemplate",
        {
            "attributionText": {"value": "by"},
            "paragraphText": {"value": "para"},
            "actionButton": {"value": "Order", "actions": ACTIONS},
            "background": {
                "backgroundImageSource": "back",
                "shape": "ROUND",
                "alignment": "CENTER",
                "colorOverlay": True,
                "actions": ACTIONS,
            },
            "thumbnailImage": {"src": "thumb", "shape": "SQUARE", "alignment": "LEFT", "actions": ACTIONS},
            "imageList": [{"src": "pool", "secondaryText": "Pool"}],
        },
    ),
    "notifications.send, a list of buttons": visual(
        ButtonListTemplate(primary_text="Happy?", option_list=[AlertItem(icon_name="ic_like")]),
        "buttonListTemplate",
        {"primaryText": {"value": "Happy?"}, "optionList": [{"iconName": "ic_like"}]},
    ),
    "notifications.query": Wire(
        lambda on: on.asp.notifications.query([on.room]),
        QUERY,
        idempotent=True,
        body={"query": by("Unit", "room-1")},
        response={"results": [STORED, {}], **LAST_PAGE},
        result=[RECORD, NotificationRecord()],
    ),
    "notifications.query, with every argument": Wire(
        lambda on: on.asp.notifications.query(["b", on.room], endpoint_ids=[on.endpoint], page_size=100),
        QUERY,
        idempotent=True,
        body={
            "query": {"or": [by("Unit", "b", "room-1"), by("Endpoint", "endpoint-1")]},
            "paginationContext": {"maxResults": 100},
        },
        response={"results": []},
        result=[],
    ),
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
        DELETE,
        idempotent=True,
        body={"recipients": [UNIT], "notificationTypes": ["DeviceNotification"]},
        response={"results": [{"itemId": 0, "statusCode": 404}]},
        result=BatchResult((BatchItem("0", "404", failed=True),)),
    ),
    "notifications.delete_many, each recipient and kind once and in order": Wire(
        lambda on: on.asp.notifications.delete_many(
            iter(["b", "a", "b"]),
            ["PersistentVisualAlert", "DeviceNotification", "PersistentVisualAlert"],
            endpoint_ids=[on.endpoint, on.endpoint],
        ),
        DELETE,
        idempotent=True,
        body={
            "recipients": [{"type": "Unit", "id": "b"}, {"type": "Unit", "id": "a"}, ENDPOINT],
            "notificationTypes": ["PersistentVisualAlert", "DeviceNotification"],
        },
        result=BatchResult(),
    ),
}
