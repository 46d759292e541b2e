"""The wire of campaigns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from alexa_props.simulator.smart_properties.campaigns import CAMPAIGNS
from alexa_props.smart_properties.campaigns import (
    ActivationWindow,
    Campaign,
    CardAction,
    MediaCard,
    PrimePhotoCard,
    RatingCard,
    Scheduling,
    SelectedPhotoCard,
    SuggestedAction,
    SuggestedActionsCard,
    Targeting,
    TextWrappingCard,
)
from alexa_props.smart_properties.endpoints import UnitRef
from tests.wire.row import LAST_PAGE, Wire

CREATE, QUERY = "POST /v1/proactive/campaigns", "POST /v1/proactive/campaigns/query"
PLUS_TWO = timezone(timedelta(hours=2))


def content(card: str, datasources: dict[str, Any], locale: str = "en-US") -> dict[str, Any]:
    document = {"type": "Link", "src": f"doc://alexa/apl/documents/home/cards/{card}"}
    return {"locale": locale, "document": document, "datasources": datasources}


def body(*values: dict[str, Any], window: dict[str, str] | None = None, units: tuple[str, ...] = ("room-1",)) -> Any:
    return {
        "suggestion": {"variants": [{"placement": {"channel": "HOME"}, "content": {"values": list(values)}}]},
        "targeting": {"type": "UNITS", "values": [{"id": each} for each in units]},
        "scheduling": {"activationWindow": window or {}},
    }


def query(*ids: str) -> dict[str, Any]:
    either = [{"match": {"targeting.values.id": each}} for each in ids]
    return {"and": [{"or": either}, {"match": {"targeting.type": "UNITS"}}]}


TEXT = TextWrappingCard(
    header_text="Hotel",
    primary_text="Pool opens at nine",
    secondary_text="s",
    tertiary_text="t",
    hint_text="Say: Alexa, pool hours",
    call_to_action_button_text="Go",
    playback_enabled=False,
    background_image="https://example.com/b.jpg",
    attribution_text="by",
    attribution_image="logo",
)
TEXT_BODY = content(
    "textWrapping",
    {
        "displayText": {
            "headerText": "Hotel",
            "primaryText": "Pool opens at nine",
            "secondaryText": "s",
            "tertiaryText": "t",
            "hintText": "Say: Alexa, pool hours",
            "callToActionButtonText": "Go",
            "playbackEnabled": False,
        },
        "background": {"backgroundImageSource": "https://example.com/b.jpg"},
        "attribution": {"attributionText": "by", "attributionImageSource": "logo"},
    },
)
ACTION = CardAction(uri="connection://AMAZON.ColdLaunch/1", input={"a": 1}, on_completion="SEND_ERRORS_ONLY")
ACTION_BODY = {
    "type": "SkillConnection",
    "uri": "connection://AMAZON.ColdLaunch/1",
    "input": {"a": 1},
    "onCompletion": "SEND_ERRORS_ONLY",
}
WINDOW = {"start": "2025-01-01T10:00:00.000Z", "end": "2025-01-31T10:00:00.000Z"}
START, END = datetime(2025, 1, 1, 10, tzinfo=UTC), datetime(2025, 1, 31, 10, tzinfo=UTC)
STORED = {"campaignId": "campaign-1", **body(TEXT_BODY, window=WINDOW)}
CAMPAIGN = Campaign(
    "campaign-1",
    targeting=Targeting("UNITS", (UnitRef("room-1"),)),
    scheduling=Scheduling(ActivationWindow(START, END)),
    raw=STORED,
)
OTHERS: list[tuple[Any, dict[str, Any]]] = [
    (
        MediaCard(primary_text="p", thumbnail_image="t"),
        content("media", {"displayText": {"primaryText": "p"}, "thumbnail": {"thumbnailImageSource": "t"}}),
    ),
    (
        RatingCard(header_text="h", rating_number=4.5, rating_text="r", thumbnail_image="t"),
        content(
            "rating",
            {
                "displayText": {"headerText": "h", "ratingNumber": 4.5, "ratingText": "r"},
                "thumbnail": {"thumbnailImageSource": "t"},
            },
        ),
    ),
    (
        SuggestedActionsCard(
            list_items=(SuggestedAction(hint_text="Towels", thumbnail_source="t"), SuggestedAction(hint_text="Taxi")),
            action=ACTION,
        ),
        content(
            "suggestedActions",
            {
                "displayText": {
                    "listItems": [{"hintText": "Towels", "thumbnailSource": "t"}, {"hintText": "Taxi"}],
                    "action": ACTION_BODY,
                }
            },
        ),
    ),
    (
        PrimePhotoCard(hint_text="h", action=ACTION),
        content("primePhoto", {"displayText": {"hintText": "h", "action": ACTION_BODY}}),
    ),
    (
        SelectedPhotoCard(primary_text="p", secondary_text="s", action=CardAction(input="text")),
        content(
            "selectedPhoto",
            {
                "displayText": {
                    "primaryText": "p",
                    "secondaryText": "s",
                    "action": {"type": "SkillConnection", "input": "text"},
                }
            },
        ),
    ),
]

IDS = {"campaign": lambda sim: CAMPAIGNS.ids(sim)[0]}
MODELS = {"campaign": Campaign("campaign-1")}

WIRE = {
    "campaigns.create": Wire(
        lambda on: on.asp.campaigns.create([on.room, on.room], {"en-US": TextWrappingCard(primary_text="Pool 🏊")}),
        CREATE,
        body=body(content("textWrapping", {"displayText": {"primaryText": "Pool 🏊"}})),
        response={"campaignId": "new"},
        result="new",
    ),
    "campaigns.create, with every argument": Wire(
        lambda on: on.asp.campaigns.create(
            [on.room],
            {"en-US": TEXT},
            start=datetime(2025, 1, 1, 12, tzinfo=PLUS_TWO),
            end=END,
        ),
        CREATE,
        body=body(TEXT_BODY, window=WINDOW),
        response={"campaignId": "new", "more": 5},
        result="new",
    ),
    **{
        f"campaigns.create, {type(card).__name__}": Wire(
            lambda on, card=card: on.asp.campaigns.create([on.room, "b"], {"en-US": card}),  # type: ignore[misc]
            CREATE,
            body=body(value, units=("room-1", "b")),
            response={"campaignId": "new"},
            result="new",
        )
        for card, value in OTHERS
    },
    "campaigns.list": Wire(
        lambda on: on.asp.campaigns.list(),
        "GET /v1/proactive/campaigns",
        response={"results": [STORED, {"campaignId": "b", "targeting": {"values": [5]}}], **LAST_PAGE},
        result=[CAMPAIGN, Campaign("b")],
    ),
    "campaigns.list, with every argument": Wire(
        lambda on: on.asp.campaigns.list(page_size=5),
        "GET /v1/proactive/campaigns?maxResults=5",
        response={"results": []},
        result=[],
    ),
    "campaigns.query": Wire(
        lambda on: on.asp.campaigns.query([on.room]),
        QUERY,
        idempotent=True,
        body={"query": query("room-1")},
        response={"results": [STORED], **LAST_PAGE},
        result=[CAMPAIGN],
    ),
    "campaigns.query, with every argument": Wire(
        lambda on: on.asp.campaigns.query([on.room, "b"], page_size=5),
        QUERY,
        idempotent=True,
        body={"query": query("room-1", "b"), "paginationContext": {"maxResults": 5}},
        response={"results": []},
        result=[],
    ),
    "campaigns.get": Wire(
        lambda on: on.asp.campaigns.get(on.campaign),
        "GET /v1/proactive/campaigns/campaign-1",
        response=STORED,
        result=CAMPAIGN,
    ),
    "campaigns.delete": Wire(
        lambda on: on.asp.campaigns.delete(on.campaign), "DELETE /v1/proactive/campaigns/campaign-1"
    ),
}
