"""Campaigns: proactive suggestions, cards on the home screen of devices."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Final, TypeAlias

import attrs

from alexa_props.arguments import Identified, require_ids, summarize
from alexa_props.client import Resource
from alexa_props.codec import Lenient, Timestamp
from alexa_props.errors import DecodeError
from alexa_props.operation import Group
from alexa_props.paging import Pager
from alexa_props.smart_properties.content import Card, activation_window, localized
from alexa_props.smart_properties.endpoints import UnitRef
from alexa_props.smart_properties.ids import UnitId
from alexa_props.smart_properties.protocol import member

__all__ = [
    "OPERATIONS",
    "ActivationWindow",
    "Campaign",
    "CampaignCard",
    "Campaigns",
    "CardAction",
    "MediaCard",
    "PrimePhotoCard",
    "RatingCard",
    "Scheduling",
    "SelectedPhotoCard",
    "SuggestedAction",
    "SuggestedActionsCard",
    "Targeting",
    "TextWrappingCard",
]

_CARDS: Final = "doc://alexa/apl/documents/home/cards"


@attrs.frozen(kw_only=True)
class CardAction:
    """What happens on a touch."""

    type: str = "SkillConnection"
    uri: str | None = None
    """Such as `connection://AMAZON.ColdLaunch/1?provider={skill id}`."""
    input: Any = None
    """JSON for the skill, an object or a string."""
    on_completion: str | None = None
    """Such as "SEND_ERRORS_ONLY"."""


@attrs.frozen(kw_only=True)
class SuggestedAction:
    """An item of a `SuggestedActionsCard`."""

    hint_text: str
    """What to say."""
    thumbnail_source: str | None = None
    """URL of an image."""


@attrs.frozen(kw_only=True)
class CampaignCard(Card):
    """Base of the cards."""

    header_text: str | None = None
    primary_text: str | None = None
    hint_text: str | None = None
    """What to say, such as "Alexa, pool hours"."""
    background_image: str | None = None


@attrs.frozen(kw_only=True)
class TextWrappingCard(CampaignCard):
    """Texts."""

    document: ClassVar[str] = f"{_CARDS}/textWrapping"
    secondary_text: str | None = None
    tertiary_text: str | None = None
    call_to_action_button_text: str | None = None
    playback_enabled: bool | None = None
    attribution_text: str | None = None
    attribution_image: str | None = None


@attrs.frozen(kw_only=True)
class MediaCard(TextWrappingCard):
    """Texts beside an image."""

    document: ClassVar[str] = f"{_CARDS}/media"
    thumbnail_image: str | None = None


@attrs.frozen(kw_only=True)
class RatingCard(CampaignCard):
    """Texts with a rating."""

    document: ClassVar[str] = f"{_CARDS}/rating"
    rating_number: float | str | None = None
    rating_text: str | None = None
    thumbnail_image: str | None = None


@attrs.frozen(kw_only=True)
class SuggestedActionsCard(CampaignCard):
    """A list of things to say."""

    document: ClassVar[str] = f"{_CARDS}/suggestedActions"
    list_items: tuple[SuggestedAction, ...]
    action: CardAction | None = None


@attrs.frozen(kw_only=True)
class PrimePhotoCard(CampaignCard):
    """Texts on a photo."""

    document: ClassVar[str] = f"{_CARDS}/primePhoto"
    action: CardAction | None = None


@attrs.frozen(kw_only=True)
class SelectedPhotoCard(PrimePhotoCard):
    """Texts on a photo."""

    document: ClassVar[str] = f"{_CARDS}/selectedPhoto"
    secondary_text: str | None = None


_KINDS: Final[Mapping[str, type[CampaignCard]]] = {
    kind.document: kind
    for kind in (TextWrappingCard, MediaCard, RatingCard, SuggestedActionsCard, PrimePhotoCard, SelectedPhotoCard)
}


@attrs.frozen
class Targeting:
    """Where a campaign shows its cards."""

    type: str | None = None
    """"UNITS". Campaigns of custom skills have other types."""
    values: tuple[UnitRef, ...] = ()


@attrs.frozen
class ActivationWindow:
    """When a campaign shows its cards."""

    start: Timestamp | None = None
    end: Timestamp | None = None


@attrs.frozen
class Scheduling:
    """The activation window of a campaign."""

    activation_window: ActivationWindow | None = None


@attrs.frozen
class Campaign(Identified, Lenient):
    """Cards for the screens of units. Methods that take a campaign id take it too."""

    id_arguments = ("campaign_id",)
    id_field = "campaign_id"

    campaign_id: str | None = None
    targeting: Targeting | None = None
    scheduling: Scheduling | None = None

    @property
    def unit_ids(self) -> tuple[str, ...]:
        """The units."""
        return () if self.targeting is None else tuple(unit.id for unit in self.targeting.values)

    @property
    def cards(self) -> dict[str, CampaignCard]:
        """The cards by locale. Those of unknown documents, such as older ones, are only in `raw`."""
        found: dict[str, CampaignCard] = {}
        with contextlib.suppress(KeyError, TypeError, DecodeError):
            for variant in self.raw["suggestion"]["variants"]:
                for value in variant["content"]["values"]:
                    if value["document"]["src"] in _KINDS:
                        found[value["locale"]] = _KINDS[value["document"]["src"]].read(value["datasources"])
        return found


CampaignId: TypeAlias = str | Campaign

_CAMPAIGNS: Final = "/v1/proactive/campaigns"

_api: Final = Group("campaigns", "proactive-suggestion-api.html")
LIST: Final = _api.list("list", _CAMPAIGNS, Campaign)
CREATE: Final = _api.post("create", _CAMPAIGNS, member("campaignId"), check_with="query")
QUERY: Final = _api.list("query", f"{_CAMPAIGNS}/query", Campaign, method="POST")
GET: Final = _api.get("get", f"{_CAMPAIGNS}/{{campaign_id}}", Campaign)
DELETE: Final = _api.delete("delete", f"{_CAMPAIGNS}/{{campaign_id}}")
OPERATIONS: Final = _api.operations


class Campaigns(Resource):
    """Show cards on the home screens of units, which rotate through them.

        card = TextWrappingCard(header_text="Hotel", primary_text="The pool opens at nine")
        campaign_id = await asp.campaigns.create([unit_id], {"en-US": card})
        await asp.campaigns.delete(campaign_id)

    Only campaigns that the same client created can be seen. According to Amazon's samples, a card shows 1 to 20 minutes
    later, sooner if the device is restarted.
    """

    async def create(
        self,
        unit_ids: Iterable[UnitId],
        cards: Mapping[str, CampaignCard],
        *,
        start: dt.datetime | None = None,
        end: dt.datetime | None = None,
    ) -> str:
        """Create a campaign and return its id. How many units a campaign can have is not documented.

        `cards` maps locales such as "en-US" to cards. `start` and `end` need a time zone; defaults are not documented.
        """
        units = _unique(unit_ids)
        values = [card.value(locale) for locale, card in localized("cards", cards, CampaignCard).items()]
        return await self._call(
            CREATE,
            suggestion={"variants": [{"placement": {"channel": "HOME"}, "content": {"values": values}}]},
            targeting={"type": "UNITS", "values": [{"id": unit_id} for unit_id in units]},
            scheduling=activation_window(start, end),
            subject=summarize(units),
        )

    def list(self, *, page_size: int | None = None) -> Pager[Campaign]:
        """List all campaigns."""
        return self._pager(LIST, page_size=page_size)

    def query(self, unit_ids: Iterable[UnitId], *, page_size: int | None = None) -> Pager[Campaign]:
        """List the campaigns of one or more units."""
        units = _unique(unit_ids)
        either = [{"match": {"targeting.values.id": unit_id}} for unit_id in units]
        query = {"and": [{"or": either}, {"match": {"targeting.type": "UNITS"}}]}
        return self._pager(QUERY, query=query, subject=summarize(units), page_size=page_size)

    async def get(self, campaign_id: CampaignId) -> Campaign:
        """Return a campaign."""
        return await self._call(GET, campaign_id=campaign_id)

    async def delete(self, campaign_id: CampaignId) -> None:
        """Delete a campaign. It disappears some time later."""
        await self._call(DELETE, campaign_id=campaign_id)


def _unique(unit_ids: Iterable[UnitId]) -> list[str]:
    return list(dict.fromkeys(require_ids("unit_ids", unit_ids, 1)))
