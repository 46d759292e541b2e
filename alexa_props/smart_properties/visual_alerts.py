"""What a visual alert shows: the layouts, and the texts, images and lists in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import attrs

from alexa_props.codec import camel
from alexa_props.smart_properties.content import Card

__all__ = [
    "AlertAction",
    "AlertBackground",
    "AlertImage",
    "AlertItem",
    "AlertTemplate",
    "AlertText",
    "ButtonListTemplate",
    "ImageListTemplate",
    "MediaThumbnailTemplate",
    "OptionListTemplate",
    "RatingTemplate",
    "TextWrappingTemplate",
]

_ALERTS: Final = "doc://alexa/apl/documents/enterprise/notifications/persistentvisualalert"


class AlertTemplate(Card):
    """Base of what a visual alert shows."""


@attrs.frozen(kw_only=True)
class TextWrappingTemplate(AlertTemplate):
    """Two texts."""

    document: ClassVar[str] = f"{_ALERTS}/textWrappingTemplate"

    primary_text: str | None = None
    secondary_text: str | None = None
    background_image: str | None = None
    color_overlay: bool | None = None


@attrs.frozen(kw_only=True)
class MediaThumbnailTemplate(TextWrappingTemplate):
    """Texts beside an image."""

    document: ClassVar[str] = f"{_ALERTS}/mediaThumbnailTemplate"

    header_text: str | None = None
    tertiary_text: str | None = None
    hint_text: str | None = None
    thumbnail_image: str | None = None
    attribution_text: str | None = None
    attribution_image: str | None = None


@attrs.frozen(kw_only=True)
class RatingTemplate(AlertTemplate):
    """Texts with a rating."""

    document: ClassVar[str] = f"{_ALERTS}/ratingTemplate"

    header_text: str | None = None
    primary_text: str | None = None
    rating_text: str | None = None
    rating_number: str | None = None
    """A number as text, such as "4.5"."""
    hint_text: str | None = None
    thumbnail_image: str | None = None
    background_image: str | None = None
    color_overlay: bool | None = None


@attrs.frozen
class AlertAction:
    """What happens on a touch."""

    type: str = "DismissCardAction"
    """Also seen: "SkillConnectionAction", and "Dismiss" from Amazon's tool."""
    connection_uri: str | None = attrs.field(default=None, kw_only=True)
    """For "SkillConnectionAction": `connection://{skill id}.{task}/1?provider={skill id}`."""
    input: Any = attrs.field(default=None, kw_only=True)
    """JSON for the skill."""
    url: str | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class AlertText:
    """A text, and what happens on a touch."""

    value: str
    actions: Sequence[AlertAction] | None = None


def _text(text: str | AlertText | None) -> AlertText | None:
    return AlertText(text) if isinstance(text, str) else text


@attrs.frozen
class AlertImage:
    """An image by its URL, and how it is shown."""

    src: str
    color_overlay: bool | None = attrs.field(default=None, kw_only=True)
    shape: str | None = attrs.field(default=None, kw_only=True)
    """Such as "ROUND" or "SQUARE"."""
    alignment: str | None = attrs.field(default=None, kw_only=True)
    """Such as "LEFT", "RIGHT" or "CENTER"."""
    actions: Sequence[AlertAction] | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class AlertBackground:
    """The background of a list of images or buttons."""

    background_image_source: str
    color_overlay: bool | None = attrs.field(default=None, kw_only=True)
    shape: str | None = attrs.field(default=None, kw_only=True)
    alignment: str | None = attrs.field(default=None, kw_only=True)
    actions: Sequence[AlertAction] | None = attrs.field(default=None, kw_only=True)


@attrs.frozen(kw_only=True)
class AlertItem:
    """An item of a list. How many items a list may have is not documented."""

    primary_text: str | None = None
    secondary_text: str | None = None
    src: str | None = None
    """URL of its image."""
    icon_name: str | None = None
    """Such as "ic_like"."""
    actions: Sequence[AlertAction] | None = None


@attrs.frozen(kw_only=True)
class _ListTemplate(AlertTemplate):
    primary_text: AlertText | None = attrs.field(default=None, converter=_text)
    secondary_text: AlertText | None = attrs.field(default=None, converter=_text)
    hint_text: AlertText | None = attrs.field(default=None, converter=_text)
    thumbnail_image: AlertImage | None = None

    def datasources(self) -> dict[str, Any]:
        return {camel(name): value for name, value in self.members().items()}


@attrs.frozen(kw_only=True)
class OptionListTemplate(_ListTemplate):
    """Texts and a list of options. Used by Amazon's tool, but not documented, like the other lists."""

    document: ClassVar[str] = f"{_ALERTS}/optionListTemplate"

    option_list: Sequence[AlertItem]
    header_text: AlertText | None = attrs.field(default=None, converter=_text)
    background_image: AlertImage | None = None
    attribution_image: AlertImage | None = None


@attrs.frozen(kw_only=True)
class _ActionListTemplate(_ListTemplate):
    attribution_text: AlertText | None = attrs.field(default=None, converter=_text)
    paragraph_text: AlertText | None = attrs.field(default=None, converter=_text)
    action_button: AlertText | None = attrs.field(default=None, converter=_text)
    background: AlertBackground | None = None


@attrs.frozen(kw_only=True)
class ImageListTemplate(_ActionListTemplate):
    """Texts, a button and a list of images."""

    document: ClassVar[str] = f"{_ALERTS}/imageListTemplate"

    image_list: Sequence[AlertItem]


@attrs.frozen(kw_only=True)
class ButtonListTemplate(_ActionListTemplate):
    """Texts, a button and a list of buttons."""

    document: ClassVar[str] = f"{_ALERTS}/buttonListTemplate"

    option_list: Sequence[AlertItem]
