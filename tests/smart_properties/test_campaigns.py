"""Campaigns: which units, cards and times are accepted, what is read of cards, and that none is created twice."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from alexa_props import errors
from alexa_props.smart_properties.campaigns import Campaign, CampaignCard, TextWrappingCard
from alexa_props.smart_properties.visual_alerts import TextWrappingTemplate
from tests.helpers import Service, answer, smart_properties
from tests.wire.campaigns import OTHERS, STORED, TEXT, TEXT_BODY, body

LOCAL = datetime.now(UTC).replace(tzinfo=None)
CARD = TextWrappingCard(primary_text="Pool")
REFUSED: list[tuple[Any, Any, dict[str, Any], str]] = [
    ([], {"en-US": CARD}, {}, "unit_ids must be a list of at least 1 item, not of 0"),
    ("unit", {"en-US": CARD}, {}, "unit_ids must be a list, not 'unit'"),
    (["u"], {}, {}, "cards must be a dict with at least one locale"),
    (["u"], {"en-US": TextWrappingTemplate()}, {}, "cards['en-US'] must be of type CampaignCard"),
    (
        ["u"],
        {"en-US": CARD},
        {"start": LOCAL},
        "start must be a datetime with a time zone",
    ),
    (["u"], {"en-US": CARD}, {"end": "2025-01-01"}, "end must be a datetime with a time zone"),
]


@pytest.mark.parametrize(("units", "cards", "window", "said"), REFUSED)
async def test_rejects_invalid_campaigns(units: Any, cards: Any, window: dict[str, Any], said: str) -> None:
    service = Service(200)
    with pytest.raises(errors.ConfigurationError) as caught:
        await smart_properties(service).campaigns.create(units, cards, **window)
    assert str(caught.value).startswith(said)
    assert service.seen == []


@pytest.mark.parametrize("lost", [httpx.ReadError("reset"), 503, answer(200, {}), 204])
async def test_a_campaign_that_may_exist_is_not_created_again(lost: Any) -> None:
    service = Service(lost)
    with pytest.raises(errors.AlexaError, match=r"campaigns.create\('u and 1 more'\).*check with campaigns.query"):
        await smart_properties(service).campaigns.create(["u", "v"], {"en-US": CARD})
    assert len(service.seen) == 1


async def read(value: Any) -> Campaign:
    return await smart_properties(Service(answer(200, value))).campaigns.get("campaign-1")


async def test_cards_are_read_as_they_were_written() -> None:
    for card, value in [(TEXT, TEXT_BODY), *OTHERS]:
        campaign = await read({"campaignId": "c", **body(value)})
        assert (campaign.unit_ids, campaign.cards) == (("room-1",), {"en-US": card})
    by_locale = [{**TEXT_BODY, "locale": locale} for locale in ("en-US", "de-DE")]
    assert set((await read(body(*by_locale))).cards) == {"en-US", "de-DE"}


MALFORMED: list[Any] = [
    {},
    {"suggestion": None},
    {"suggestion": {"variants": [5]}},
    {"suggestion": {"variants": [{"content": {"values": {}}}]}},
    body({"locale": "en-US", "document": {"src": "doc://other"}, "datasources": {}}),
    body({"locale": "en-US", "document": {"src": []}, "datasources": {}}),
    body({**TEXT_BODY, "datasources": {"displayText": {"playbackEnabled": "maybe"}}}),
    body({"document": TEXT_BODY["document"], "datasources": {}}),
]


async def test_unknown_cards_are_in_raw_only() -> None:
    for value in MALFORMED:
        campaign = await read(value)
        assert (campaign.cards, campaign.raw) == ({}, value)
    odd = {**STORED, "targeting": {"type": "SKILL", "values": [{"user": "x"}]}, "scheduling": {"activationWindow": 5}}
    campaign = await read(odd)
    assert (campaign.campaign_id, campaign.unit_ids, campaign.targeting, campaign.raw) == ("campaign-1", (), None, odd)
    empty: dict[str, CampaignCard] = {"en-US": TextWrappingCard()}
    assert (await read(body({**TEXT_BODY, "datasources": {"displayText": None}}))).cards == empty
